package replay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"time"

	"odooban/rules"
	"odooban/watcher"
)

// Log is one log to replay.
type Log struct {
	source *watcher.Finished
	begins time.Time // zero where that cannot be told before it is read
	ref    time.Time
	path   string

	bytes int64
	stats rules.Stats
	err   error
}

// OpenLog prepares the file at path, plain or compressed by gzip.
func OpenLog(path string) (*Log, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &os.PathError{Op: "replay", Path: path, Err: errors.New("is a directory; name the files in it")}
	}
	log := &Log{source: watcher.NewFinished(path), ref: info.ModTime(), path: path}
	if info.Mode().IsRegular() {
		log.begins = beginning(watcher.NewFinished(path), log.ref)
	}
	return log, nil
}

// NewLog prepares a log that is read from r, called name. now completes times
// that lack a year.
func NewLog(name string, r io.Reader, now time.Time) *Log {
	return &Log{source: watcher.NewFinishedReader(name, r), ref: now, path: name}
}

// Name is the log's path.
func (l *Log) Name() string { return l.path }

// Progress gives how many bytes of the log have been read, and how many it
// has, or zero where that is not known.
func (l *Log) Progress() (read, total int64) { return l.source.Progress() }

// failures reads the log.
func (l *Log) failures(ctx context.Context, set *rules.Set) iter.Seq[rules.Failure] {
	return func(yield func(rules.Failure) bool) {
		r := &reader{log: l, scanner: set.NewScanner(l.ref), yield: yield}
		err := l.source.Follow(ctx, r)
		if errors.Is(err, errEnough) {
			return
		}
		l.err = err
		if ctx.Err() == nil {
			_ = r.tell(r.scanner.Flush(r.failures)) // errEnough, at most: nobody wants the rest
		}
		l.stats = r.scanner.Stats()
	}
}

// errEnough ends the reading of a log of which no more is wanted.
var errEnough = errors.New("enough")

// reader finds the failures in the lines of a log. It implements watcher.Sink.
type reader struct {
	log      *Log
	scanner  *rules.Scanner
	failures []rules.Failure
	yield    func(rules.Failure) bool
}

func (r *reader) Line(line watcher.Line) error {
	r.log.bytes += int64(len(line.Text)) + 1
	return r.tell(r.scanner.Feed(r.failures, line.Text, time.Time{}))
}

// Settled does nothing: the end of an old log is Follow's end.
func (r *reader) Settled(time.Time) error { return nil }

// tell yields failures.
func (r *reader) tell(failures []rules.Failure) error {
	for _, f := range failures {
		if !r.yield(f) {
			return errEnough
		}
	}
	r.failures = failures[:0]
	return nil
}

// beginning returns the time of the first line of a log that has one.
func beginning(source *watcher.Finished, ref time.Time) time.Time {
	p := &peek{ref: ref}
	// An error shows again, and is reported, when the log is read.
	_ = source.Follow(context.Background(), p)
	return p.when
}

// peek looks for the first time in a log. It implements watcher.Sink.
type peek struct {
	ref   time.Time
	lines int
	when  time.Time
}

func (p *peek) Line(line watcher.Line) error {
	const most = 10_000
	when, ok := rules.RecordTime(bytes.TrimSpace(line.Text), p.ref)
	if p.lines++; !ok && p.lines < most {
		return nil
	}
	p.when = when
	return errEnough
}

func (p *peek) Settled(time.Time) error { return nil }
