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
// beginnings, in the order of their times, some at a time; what was rejected, if that
// is wanted, comes along with them: its times may be forged, and order nothing. A track is opened
// only when its beginning is reached, so that many logs cost no more memory than
// those that overlap.
func merge(ctx context.Context, set *rules.Set, waiting []*track, rejected bool) iter.Seq2[*Log, found] {
	workers := runtime.GOMAXPROCS(0)
	if len(waiting) > manyTracks {
		workers = 1
	}
	return func(yield func(*Log, found) bool) {
		var open []*track
		defer func() {
			for _, t := range open {
				t.stop()
			}
		}()
		for ctx.Err() == nil {
			for len(waiting) > 0 && (len(open) == 0 || !earliest(open).head().Before(waiting[0].pieces[0].begins)) {
				t := waiting[0]
				t.next, t.stop = ahead(t.read(ctx, set, workers, rejected))
				open = advance(append(open, t), t)
				waiting = waiting[1:]
			}
			if len(open) == 0 {
				return
			}
			t := earliest(open)
			if !yield(t.log, t.take(open, waiting)) {
				return
			}
			if t.empty() {
				open = advance(open, t)
			}
		}
	}
}

// advance moves a track to its next failures; at its end it is closed.
func advance(open []*track, t *track) []*track {
	var ok bool
	if t.log, t.found, ok = t.next(); ok {
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

// head is when the track's next failure was; zero where what was rejected is to be
// told before.
func (t *track) head() time.Time {
	if len(t.failures) == 0 {
		return time.Time{}
	}
	return t.failures[0].Time
}

// take takes the next failure, and those behind it for which the track is still
// the earliest and no other begins; and what was rejected before the next.
func (t *track) take(open, waiting []*track) found {
	n := min(1, len(t.failures))
	for n > 0 && n < len(t.failures) && t.leads(t.failures[n].Time, open, waiting) {
		n++
	}
	taken := found{failures: t.failures[:n], rejected: t.rejected}
	t.failures = t.failures[n:]
	if len(t.failures) > 0 {
		taken.rejected = before(t.failures[0].Place, t.rejected)
	}
	t.rejected = t.rejected[len(taken.rejected):]
	return taken
}

// before returns the first of what was rejected, up to a place in the log.
func before(at rules.Place, rejected []rules.Rejection) []rules.Rejection {
	n := 0
	for n < len(rejected) && rejected[n].Place.Offset < at.Offset {
		n++
	}
	return rejected[:n]
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
