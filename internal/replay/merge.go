package replay

import (
	"context"
	"iter"
	"slices"

	"odooban/rules"
)

// merge yields the failures of all tracks, which are in the order of their
// beginnings, in the order of their times. A track is opened only when its
// beginning is reached, so that many logs cost no more memory than those that
// overlap.
func merge(ctx context.Context, set *rules.Set, waiting []*track) iter.Seq2[*Log, rules.Failure] {
	return func(yield func(*Log, rules.Failure) bool) {
		var open []*track
		defer func() {
			for _, t := range open {
				t.stop()
			}
		}()
		for ctx.Err() == nil {
			for len(waiting) > 0 && (len(open) == 0 || !earliest(open).head.Time.Before(waiting[0].pieces[0].begins)) {
				open = begin(ctx, set, open, waiting[0])
				waiting = waiting[1:]
			}
			if len(open) == 0 {
				return
			}
			t := earliest(open)
			if !yield(t.log, t.head) {
				return
			}
			open = advance(open, t)
		}
	}
}

// begin opens a track, unless it holds nothing.
func begin(ctx context.Context, set *rules.Set, open []*track, t *track) []*track {
	t.next, t.stop = iter.Pull2(t.failures(ctx, set))
	return advance(append(open, t), t)
}

// advance moves a track to its next failure; at its end it is closed.
func advance(open []*track, t *track) []*track {
	var ok bool
	if t.log, t.head, ok = t.next(); ok {
		return open
	}
	t.stop()
	return slices.DeleteFunc(open, func(other *track) bool { return other == t })
}

// earliest returns the open track whose next failure is the earliest; of
// several, the one opened first.
func earliest(open []*track) *track {
	return slices.MinFunc(open, func(a, b *track) int { return a.head.Time.Compare(b.head.Time) })
}
