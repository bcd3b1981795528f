package replay

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"odooban/rules"
	"odooban/watcher/finished"
)

// errEnough ends the reading of a log of which no more is wanted.
var errEnough = errors.New("enough")

// reader finds the failures in the pieces of a track.
type reader struct {
	set      *rules.Set
	ref      time.Time
	workers  int
	scanner  *rules.Scanner
	failures []rules.Failure
	yield    func(*Log, found) bool
	rejected bool  // it is wanted
	offset   int64 // of the next line, in all pieces

	log     *Log // that is being read
	reading map[*Log]*finished.Reading[*rules.Found]
}

func newReader(set *rules.Set, ref time.Time, workers int, rejected bool, yield func(*Log, found) bool) *reader {
	return &reader{
		set: set, ref: ref, workers: workers, scanner: set.NewScanner(ref), yield: yield, rejected: rejected,
		reading: make(map[*Log]*finished.Reading[*rules.Found]),
	}
}

// start begins to read a log, if that has not begun.
func (r *reader) start(ctx context.Context, log *Log) {
	if r.reading[log] != nil || log.err != nil {
		return
	}
	blocks := finished.Blocks[*rules.Found]{Workers: r.workers, Search: r.set.Search, Lines: r.lines, Line: r.line}
	reading, err := blocks.Start(ctx, log.source)
	if err != nil {
		log.err = err
		return
	}
	r.reading[log] = reading
}

// stop ends all reading.
func (r *reader) stop() {
	for _, reading := range r.reading {
		reading.Stop()
	}
}

// read reads a log that was started.
func (r *reader) read(log *Log) error {
	r.log, log.before = log, r.stats()
	if reading := r.reading[log]; reading != nil {
		log.err = reading.Take()
		delete(r.reading, log)
	}
	log.after = r.stats()
	return log.err
}

// stats is what the scanner has seen so far, which does not change any more.
func (r *reader) stats() rules.Stats {
	s := r.scanner.Stats()
	s.Rejected = maps.Clone(s.Rejected)
	return s
}

// lines takes whole lines.
func (r *reader) lines(lines []byte, found *rules.Found) error {
	r.log.note(lines, r.ref)
	at := r.pass(int64(len(lines)))
	return r.tell(r.scanner.Skim(r.failures[:0], lines, at, found))
}

// line takes a line that lay in two blocks.
func (r *reader) line(text []byte, size int64) error {
	r.log.note(text, r.ref)
	return r.tell(r.scanner.Feed(r.failures[:0], rules.Line{Text: text, Size: size, Place: r.pass(size)}))
}

// pass returns where the next bytes begin: their offset in all pieces, by which what is
// found in them is ordered, and the piece, which tells a record that comes again in
// another from a second one.
func (r *reader) pass(bytes int64) rules.Place {
	at := r.offset
	r.offset += bytes
	return rules.Place{Generation: r.log.path, Offset: at}
}

// tell yields failures, and what was rejected.
func (r *reader) tell(failures []rules.Failure) error {
	r.failures = failures
	f := found{failures: failures}
	if r.rejected {
		f.rejected = r.scanner.Rejected()
		slices.SortStableFunc(f.rejected, func(a, b rules.Rejection) int {
			return cmp.Compare(a.Place.Offset, b.Place.Offset)
		})
	}
	if !f.empty() && !r.yield(r.log, f) {
		return errEnough
	}
	return nil
}

// timeless is how many lines are tried for a time where a log has few.
const timeless = 64

// note keeps the times of a log's first record and its last.
func (l *Log) note(lines []byte, ref time.Time) {
	for rest, tried := lines, 0; l.first.IsZero() && len(rest) > 0 && tried < timeless; tried++ {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		l.first, _ = rules.RecordTime(bytes.TrimSuffix(line, []byte{'\r'}), ref)
	}
	rest := bytes.TrimSuffix(lines, []byte{'\n'})
	for range timeless {
		start := bytes.LastIndexByte(rest, '\n') + 1
		if when, ok := rules.RecordTime(bytes.TrimSuffix(rest[start:], []byte{'\r'}), ref); ok {
			l.last = when
			return
		}
		if start == 0 {
			return
		}
		rest = rest[:start-1]
	}
}
