package jail

import (
	"container/heap"
	"net/netip"
	"slices"
	"time"
)

// ban is one ban of a prefix, as later failures see it.
type ban struct {
	rule string
	stretch
	lifted bool
}

// stretch is from the first millisecond to the first after the last.
type stretch struct{ from, until int64 }

func (s stretch) contains(ms int64) bool { return s.from <= ms && ms < s.until }

func (s stretch) overlaps(other stretch) bool {
	return s.from < other.until && other.from < s.until
}

// claim returns the time whose failures of p's rule belong to b, whenever they
// come. A run of the rule that banned never goes on beyond its ban, as nothing
// within FindTime before the ban counts.
func (b *ban) claim(p *policy) stretch {
	claim := b.stretch
	if b.lifted {
		claim.until = b.from
	}
	if b.rule == p.Rule {
		claim.from -= p.FindTime.Milliseconds()
		claim.until = max(claim.until, b.from+1)
	}
	return claim
}

// history is all that is known of a prefix, in no order.
type history []ban

// claim says whether a failure at ms belongs to a ban that was made.
func (h history) claim(p *policy, ms int64) bool {
	for i := range h {
		if h[i].claim(p).contains(ms) {
			return true
		}
	}
	return false
}

// overlap says whether a ban for s would overlap one that is not lifted.
func (h history) overlap(s stretch) bool {
	return slices.ContainsFunc(h, func(b ban) bool { return !b.lifted && b.overlaps(s) })
}

// since counts the bans that began within memory before ms and are not lifted.
func (h history) since(ms int64, memory time.Duration) int {
	n := 0
	for _, b := range h {
		if !b.lifted && b.from < ms && b.from >= ms-memory.Milliseconds() {
			n++
		}
	}
	return n
}

// bans remembers the bans of all prefixes for as long as they matter.
type bans struct {
	of    map[netip.Prefix]history
	queue queue
}

// add remembers a ban that matters before the millisecond over, unless it is
// known. Of more than limit it lets the one go that matters no longer first.
func (b *bans) add(prefix netip.Prefix, one ban, over int64, limit int) (added bool) {
	same := func(other ban) bool { return other.rule == one.rule && other.from == one.from }
	if slices.ContainsFunc(b.of[prefix], same) {
		return false
	}
	b.of[prefix] = append(b.of[prefix], one)
	heap.Push(&b.queue, queued{over, prefix, one.rule, one.from})
	if len(b.queue) > limit {
		b.removeFirst()
	}
	return true
}

// expire lets go of bans that no longer matter at ms. Two for each new ban keep
// pace, and one stamp from the future cannot end them all.
func (b *bans) expire(ms int64) {
	for range 2 {
		if len(b.queue) == 0 || b.queue[0].over > ms {
			return
		}
		b.removeFirst()
	}
}

func (b *bans) removeFirst() {
	q := b.queue[0]
	heap.Pop(&b.queue)
	left := slices.DeleteFunc(b.of[q.prefix], func(one ban) bool { return one.rule == q.rule && one.from == q.from })
	if len(left) == 0 {
		delete(b.of, q.prefix)
		return
	}
	b.of[q.prefix] = left
}

// queue holds the bans as a heap, the one that matters no longer first.
type queue []queued

type queued struct {
	over   int64
	prefix netip.Prefix
	rule   string
	from   int64
}

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, k int) bool { return q[i].over < q[k].over }
func (q queue) Swap(i, k int)      { q[i], q[k] = q[k], q[i] }

func (q *queue) Push(x any) {
	if one, ok := x.(queued); ok {
		*q = append(*q, one)
	}
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	(*q)[last] = queued{}
	*q = (*q)[:last]
	return x
}
