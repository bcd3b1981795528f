package replay

import (
	"context"
	"errors"
	"iter"
	"net/netip"
	"slices"
	"time"

	"odooban/rules"
)

// track is one log in all its rotated pieces, the oldest first. One Scanner
// reads them, as it would have followed the log through its rotations: a failure
// and the access line that names its address may stand in two pieces.
type track struct {
	pieces []*Log
	forged map[netip.Addr]uint64

	next func() (*Log, []rules.Failure, bool)
	stop func()
	// log is the piece in which the next failures became certain: batch, never
	// empty.
	log   *Log
	batch []rules.Failure
}

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

// failures reads the track. What it yields is valid until it goes on.
func (t *track) failures(ctx context.Context, set *rules.Set, workers int) iter.Seq2[*Log, []rules.Failure] {
	return func(yield func(*Log, []rules.Failure) bool) {
		r := newReader(set, t.ref(), workers, yield)
		defer func() { t.forged = r.scanner.Stats().Forged }()
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
			r.log.after = r.scanner.Stats()
		}
	}
}
