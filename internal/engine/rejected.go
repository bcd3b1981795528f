package engine

import (
	"maps"
	"net/netip"
	"slices"

	"odooban/rules"
)

// mostRejected bounds how many rejections are remembered of each source: whoever
// attacks may cause as many as he likes.
const mostRejected = 256

// Rejected is a line that looks like a failure and is not counted, or not against
// whom it names. It is neither counted by the jail nor written into the journal.
type Rejected struct {
	Source string
	rules.Rejection
}

// Explain returns what a reason means, and what to do about it.
func Explain(r rules.Reason) rules.ReasonInfo {
	for _, known := range rules.Reasons() {
		if known.Reason == r {
			return known
		}
	}
	return rules.ReasonInfo{Reason: r, Title: string(r)}
}

// MainReason returns the most frequent reason for which failures were lost; false if
// none was. Forged lines are no failures.
func MainReason(counts map[rules.Reason]uint64) (rules.ReasonInfo, bool) {
	var most rules.Reason
	for r, n := range counts {
		if !Explain(r).Forged && (n > counts[most] || n == counts[most] && r < most) {
			most = r
		}
	}
	return Explain(most), most != ""
}

// Rejected returns those of the latest rejections of each source that name an
// address of the prefix or were sent by one, in the order of their times.
func (e *Engine) Rejected(prefix netip.Prefix) []Rejected {
	e.sources.mu.Lock()
	defer e.sources.mu.Unlock()
	var all []Rejected
	for name, f := range e.sources.followed {
		for _, r := range f.latest.all {
			if prefix.Contains(r.Addr) || prefix.Contains(r.By) {
				all = append(all, Rejected{name, r})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Rejected) int { return a.Time.Compare(b.Time) })
	return all
}

// rejections are the latest of one source, in a ring. Its zero value is ready.
type rejections struct {
	all  []rules.Rejection
	next int // that is overwritten
}

func (r *rejections) add(some []rules.Rejection) {
	for _, one := range some[max(0, len(some)-mostRejected):] {
		if len(r.all) < mostRejected {
			r.all = append(r.all, one)
			continue
		}
		r.all[r.next] = one
		r.next = (r.next + 1) % mostRejected
	}
}

// reject remembers what a scanner has rejected, and counts is how much it has by
// reason so far. It returns a copy of that.
func (s *sources) reject(f *followed, some []rules.Rejection, counts map[rules.Reason]uint64) map[rules.Reason]uint64 {
	counts = maps.Clone(counts)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.latest.add(some)
	f.Rejected = counts
	return counts
}
