package replay

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"time"

	"odooban/rules"
)

// manyTracks is how many logs are each read by several workers. More take less
// memory, and keep the processors busy all the same.
const manyTracks = 4

// merge yields the failures of all tracks, which are in the order of their
// beginnings, in the order of their times, some at a time. A track is opened
// only when its beginning is reached, so that many logs cost no more memory than
// those that overlap.
func merge(ctx context.Context, set *rules.Set, waiting []*track) iter.Seq2[*Log, []rules.Failure] {
	workers := runtime.GOMAXPROCS(0)
	if len(waiting) > manyTracks {
		workers = 1
	}
	return func(yield func(*Log, []rules.Failure) bool) {
		var open []*track
		defer func() {
			for _, t := range open {
				t.stop()
			}
		}()
		for ctx.Err() == nil {
			for len(waiting) > 0 && (len(open) == 0 || !earliest(open).head().Before(waiting[0].pieces[0].begins)) {
				open = begin(ctx, set, open, waiting[0], workers)
				waiting = waiting[1:]
			}
			if len(open) == 0 {
				return
			}
			t := earliest(open)
			if !yield(t.log, t.take(open, waiting)) {
				return
			}
			if len(t.batch) == 0 {
				open = advance(open, t)
			}
		}
	}
}

// begin opens a track, unless it holds nothing.
func begin(ctx context.Context, set *rules.Set, open []*track, t *track, workers int) []*track {
	t.next, t.stop = ahead(t.failures(ctx, set, workers))
	return advance(append(open, t), t)
}

// advance moves a track to its next failures; at its end it is closed.
func advance(open []*track, t *track) []*track {
	var ok bool
	if t.log, t.batch, ok = t.next(); ok {
		return open
	}
	t.stop()
	return slices.DeleteFunc(open, func(other *track) bool { return other == t })
}

// earliest returns the open track whose next failure is the earliest; of
// several, the one opened first.
func earliest(open []*track) *track {
	return slices.MinFunc(open, func(a, b *track) int { return a.head().Compare(b.head()) })
}

// head is when the track's next failure was.
func (t *track) head() time.Time { return t.batch[0].Time }

// take takes the next failure, and those behind it for which the track is still
// the earliest and no other begins.
func (t *track) take(open, waiting []*track) []rules.Failure {
	n := 1
	for n < len(t.batch) && t.leads(t.batch[n].Time, open, waiting) {
		n++
	}
	taken := t.batch[:n]
	t.batch = t.batch[n:]
	return taken
}

// leads says whether a failure of the track at that time comes before those of
// all others.
func (t *track) leads(at time.Time, open, waiting []*track) bool {
	if len(waiting) > 0 && !at.Before(waiting[0].pieces[0].begins) {
		return false
	}
	before := true
	for _, other := range open {
		switch {
		case other == t:
			before = false
		case before && !at.Before(other.head()), !before && at.After(other.head()):
			return false
		}
	}
	return true
}
