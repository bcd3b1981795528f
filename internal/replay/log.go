package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"odooban/rules"
	"odooban/watcher"
	"odooban/watcher/finished"
	"odooban/watcher/rotated"
)

// Log is one log to replay.
type Log struct {
	source *finished.File
	begins time.Time // zero where that cannot be told before it is read
	ref    time.Time
	path   string
	// stem is what the log was called before rotation; empty where it is no
	// file.
	stem string
	size int64

	// first and last are the times of its first record and its last, before
	// and after are what its Scanner had seen, err is why it could not be read
	// to its end.
	first, last   time.Time
	before, after rules.Stats
	err           error
}

// OpenLog prepares the file at path, plain or compressed by gzip.
func OpenLog(path string) (*Log, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w; name a file that is there and that you may read", err)
	}
	if info.IsDir() {
		return nil, &os.PathError{Op: "replay", Path: path, Err: errors.New("is a directory; name the files in it")}
	}
	log := &Log{source: finished.New(path), ref: info.ModTime(), path: path}
	if info.Mode().IsRegular() {
		log.stem, log.size = rotated.Stem(path), info.Size()
		log.begins = beginning(finished.New(path), log.ref)
	}
	return log, nil
}

// NewLog prepares a log that is read from r, called name. now completes times
// that lack a year.
func NewLog(name string, r io.Reader, now time.Time) *Log {
	return &Log{source: finished.NewReader(name, r), ref: now, path: name}
}

// Name is the log's path.
func (l *Log) Name() string { return l.path }

// Progress gives how many bytes of the log have been read, and how many it
// has, or zero where that is not known.
func (l *Log) Progress() (read, total int64) {
	read, _ = l.source.Progress()
	return read, l.size
}

// beginning returns the time of the first line of a log that has one.
func beginning(source *finished.File, ref time.Time) time.Time {
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
