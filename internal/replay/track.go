package replay

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"odooban/rules"
)

// track is one log in all its rotated pieces, the oldest first. One Scanner
// reads them, as it would have followed the log through its rotations: a failure
// and the access line that names its address may stand in two pieces.
type track struct {
	pieces []*Log
	stats  rules.Stats // of all of it, once it has been read

	next func() (*Log, found, bool)
	stop func()
	// log is the piece in which the next failures became certain: found, never empty.
	log *Log
	found
}

// found is what became certain at one time.
type found struct {
	failures []rules.Failure
	// rejected is what is not counted; nil where nobody wants to know.
	rejected []rules.Rejection
}

func (f *found) empty() bool { return len(f.failures)+len(f.rejected) == 0 }

// join makes tracks of logs, in the order in which they begin.
func join(logs []*Log) []*track {
	// A Scanner completes times without a year from one moment for all pieces.
	const mostOfAYear = 300 * 24 * time.Hour
	logs = slices.Clone(logs)
	slices.SortStableFunc(logs, func(a, b *Log) int { return a.begins.Compare(b.begins) })
	var tracks []*track
	known := make(map[string]*track)
	for _, log := range logs {
		t := known[log.stem]
		if log.stem == "" || t == nil || log.ref.Sub(t.pieces[0].ref) > mostOfAYear {
			t = &track{}
			tracks, known[log.stem] = append(tracks, t), t
		}
		t.pieces = append(t.pieces, log)
	}
	return tracks
}

// ref is a moment that no line of the track is later than.
func (t *track) ref() time.Time {
	latest := t.pieces[0].ref
	for _, log := range t.pieces {
		if log.ref.After(latest) {
			latest = log.ref
		}
	}
	return latest
}

// read reads the track. What it yields is valid until it goes on. rejected says that
// what is not counted is wanted, too.
func (t *track) read(ctx context.Context, set *rules.Set, workers int, rejected bool) iter.Seq2[*Log, found] {
	return func(yield func(*Log, found) bool) {
		r := newReader(set, t.ref(), workers, rejected, yield)
		defer func() { t.stats = r.scanner.Stats() }()
		defer r.stop()
		for i, log := range t.pieces {
			r.start(ctx, log)
			if i+1 < len(t.pieces) {
				r.start(ctx, t.pieces[i+1])
			}
			if errors.Is(r.read(log), errEnough) || ctx.Err() != nil {
				return
			}
		}
		if len(t.pieces) > 0 {
			_ = r.tell(r.scanner.Flush(r.failures[:0])) // errEnough, at most: nobody wants the rest
			r.log.after = r.stats()
		}
	}
}
