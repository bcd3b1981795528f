package order

import "slices"

// cheapest finds the cheapest node of those whose clock has not gone beyond a time, if all
// between it and another one are skipped and cost the same each: a Fenwick tree of
// minimums.
type cheapest struct {
	times []int64
	each  int
	tree  []entry
}

// entry is a node with what it would cost to skip from the first one to it.
type entry struct {
	cost, node int
	set        bool
}

// newCheapest returns one for nodes whose clocks are at some of the times, in order.
func newCheapest(times []int64, each int) *cheapest {
	return &cheapest{times, each, make([]entry, len(times)+1)}
}

// add takes a node. Of two that cost the same, the later one counts.
func (c *cheapest) add(clock int64, cost, node int) {
	cost -= node * c.each
	at, _ := slices.BinarySearch(c.times, clock)
	for at++; at < len(c.tree); at += at & -at {
		if e := &c.tree[at]; !e.set || cost <= e.cost {
			*e = entry{cost, node, true}
		}
	}
}

// upTo returns the cheapest node whose clock is at a time or before it, and what it costs
// with all lines between it and another one.
func (c *cheapest) upTo(time int64, other int) (node, cost int, ok bool) {
	at, found := slices.BinarySearch(c.times, time)
	if found {
		at++
	}
	var best entry
	for ; at > 0; at -= at & -at {
		if e := c.tree[at]; e.set && (!best.set || e.cost < best.cost || e.cost == best.cost && e.node > best.node) {
			best = e
		}
	}
	return best.node, best.cost + (other-1)*c.each, best.set && best.node < other-1
}
