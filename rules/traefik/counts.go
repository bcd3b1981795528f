package traefik

import (
	"cmp"
	"math"
	"slices"
)

// counts follows Traefik's count of requests through a log. Each request has one,
// of whatever router, and Traefik tells nobody. Records are logged when they have
// been answered, so the counts come slightly out of order, and each comes once. A
// forger can write counts into a name, but the last line of the record ends in its
// true one, and the lines behind it go on from there. So what contradicts a line is
//
//   - that its count, or that of the line before it, comes a second time, or
//   - that the counts leave for somewhere else before it, and come back behind it.
type counts struct {
	top uint64 // the highest count of those that go on
	// n is the latest count, is what was thought of it.
	n  uint64
	is mark
	// conflict is the latest line of which the count had come before.
	conflict uint32
	// last is the highest count that is believed, tail the last line, at the log's end.
	last   uint64
	tail   uint32
	claims []claim // by count, of the last ones
	seq    uint32  // lines so far
	// from is where Traefik has started anew: claims before it are over. Counts up to
	// floor may have come where they were not claimed.
	origin
	// run is how many lines in turn did not go on from those before.
	run run
	// left is where the counts have left for somewhere else, within a record's length.
	left []departure
	// back is lines that have gone on from one of those.
	back back
	// forged are the lines that are, in order, the last many regions of them.
	forged []span
	// doubt is up to where lines count for little: the log began with counts that were
	// left for good, as it does if it begins amidst a forged record.
	doubt uint32
}

// claim is who claimed a count first, and the latest line that accuses somebody else.
type claim struct {
	n          uint64
	seq, rival uint32
	who        uint32
}

// run is lines in turn that do not go on from those before, but from each other.
type run struct {
	length int
	seq    uint32 // of the first
	top    uint64
}

// back is how many lines have gone on from left[to], and the first of them.
type back struct {
	length, to int
	seq        uint32
}

// departure is where the counts have left.
type departure struct {
	origin
	top uint64
	seq uint32
	pos int64
}

type origin struct {
	from  uint32
	floor uint64
}

// span is the lines from one to another; none if to is less.
type span struct{ from, to uint32 }

func (s span) holds(seq uint32) bool { return seq >= s.from && seq <= s.to }

// mark is what is to be thought of a count.
type mark uint8

const (
	astray mark = iota // it is none of those that go on
	fresh              // it goes on, and has not come before
	again              // it has come before, with the same accusation
	other              // it has come before, with another one
)

const (
	// ahead is how many requests a line may be ahead of those before it, behind how
	// many it may be behind: as many as others are answered while it waits.
	ahead  = 256
	behind = 4096
	// claimed is how many counts are remembered: more than a horizon's.
	claimed = 1 << 14
	// horizon is more than a record can hold, in bytes: Go takes headers of up to 1 MiB.
	horizon = 1<<20 + 1<<16
	// several lines in turn show where the counts go on, many that Traefik began anew
	// with a count of up to early, and backAgain that they have come back.
	several, many, early, backAgain = 8, 64, 128, 3
	// slack is how many requests are answered at the same time, at a usual site.
	slack = 64
	// recent is how many lines a contradiction at the end of a log puts in doubt.
	recent = 512
	// mostLeft bounds how many departures are remembered, mostForged how many regions.
	mostLeft, mostForged = 8, 2048
)

// take takes the count that a line at pos ends in, 0 where there is none. who
// stands for what the line accuses whom of.
func (c *counts) take(n uint64, who uint32, pos int64) mark {
	if c.seq++; c.seq == 0 {
		*c = counts{seq: 1} // after 4,000 million lines
	}
	if n == 0 {
		return astray
	}
	if c.claims == nil {
		c.claims, c.top, c.floor = make([]claim, claimed), n, n-1
		c.goOn()
	}
	for len(c.left) > 0 && pos-c.left[0].pos > horizon {
		c.left, c.back = slices.Delete(c.left, 0, 1), back{}
	}
	is := c.look(n, who)
	c.n, c.is = n, is
	switch {
	case c.returns(n):
	case is == fresh:
		c.top, c.run, c.back = max(c.top, n), run{}, back{}
	default:
		c.strays(n, is, pos)
	}
	return is
}

// look claims the count, and tells what is to be thought of it.
func (c *counts) look(n uint64, who uint32) mark {
	if n > c.top+ahead || n+behind < c.top || n <= c.floor {
		return astray
	}
	s := &c.claims[n%claimed]
	switch {
	case s.n != n || s.seq < c.from || c.isForged(s.seq):
		*s = claim{n: n, seq: c.seq, who: who}
		return fresh
	case s.who == who:
		return again
	}
	s.rival, c.conflict = c.seq, c.seq
	return other
}

// returns takes a count that goes on from where the counts had left, and so better
// than from the line before. It reports whether it does.
func (c *counts) returns(n uint64) bool {
	for i, left := range slices.Backward(c.left) {
		top := left.top
		if n+slack < top || n > top+ahead {
			continue
		}
		if distance(n, c.top) <= several+distance(n, top) {
			continue // it goes on from here as well
		}
		if c.back.length == 0 || c.back.to != i {
			c.back = back{to: i, seq: c.seq}
		}
		if c.back.length++; c.back.length == backAgain {
			c.goBack(n)
		}
		return true
	}
	return false
}

func distance(a, b uint64) uint64 { return max(a, b) - min(a, b) }

// goBack takes the counts back to where they had left. What stands between was one
// record's.
func (c *counts) goBack(n uint64) {
	at := c.left[c.back.to]
	c.condemn(span{at.seq + 1, c.back.seq - 1})
	c.top, c.left = max(at.top, n), c.left[:c.back.to]
	c.run, c.back, c.origin = run{}, back{}, at.origin
	if c.doubt == at.seq {
		c.doubt = 0
	}
}

// strays takes a count that does not go on from those before, and goes there if
// those behind it do.
func (c *counts) strays(n uint64, is mark, pos int64) {
	r := &c.run
	if r.length == 0 || n+slack < r.top || n > r.top+ahead {
		*r = run{seq: c.seq, top: n}
	}
	r.length, r.top = r.length+1, max(r.top, n)
	restart := r.top <= early
	if restart && r.length < many || !restart && (r.length < several || is != astray) {
		return
	}
	at := departure{origin: c.origin, top: c.top, seq: r.seq - 1, pos: pos}
	if !restart && len(c.left) == 0 && c.from == 0 && c.doubt == 0 && pos < horizon {
		c.doubt = at.seq
	}
	switch {
	case restart:
		c.from, c.floor = r.seq, r.top
	case r.top > c.top:
		c.floor = max(c.floor, r.top)
	}
	if len(c.left) == mostLeft { // a forger leaves often; the first are the ones to come back to
		c.left = c.left[:mostLeft-1]
	}
	c.left = append(c.left, at)
	c.top, c.run, c.back = r.top, run{}, back{}
}

// end says that the last line may have been the end of a record: where it goes on
// from is where the counts are. Nobody will contradict what claims more than it any
// more, nor what came shortly behind a contradiction: there the log may have been cut.
func (c *counts) end() {
	if c.back.length > 0 {
		c.goBack(c.left[c.back.to].top)
	}
	if c.is == other || c.is == fresh && c.n+slack >= c.top {
		c.last = c.n
	}
	if c.conflict > 0 && c.seq-c.conflict < recent {
		c.tail = c.conflict
	}
	c.left, c.back = nil, back{}
}

// goOn says that the log goes on all the same.
func (c *counts) goOn() { c.last, c.tail = math.MaxUint64, math.MaxUint32 }

// condemn takes note of lines that are forged, up to later ones than those before.
func (c *counts) condemn(s span) {
	for n := len(c.forged); n > 0 && c.forged[n-1].from >= s.from; n-- {
		c.forged = c.forged[:n-1]
	}
	if len(c.forged) == mostForged {
		c.forged = slices.Delete(c.forged, 0, mostForged/2)
	}
	c.forged = append(c.forged, s)
}

// isForged reports whether a line is, as far as it is known.
func (c *counts) isForged(seq uint32) bool {
	i, _ := slices.BinarySearchFunc(c.forged, seq, func(s span, seq uint32) int { return cmp.Compare(s.to, seq) })
	return i < len(c.forged) && c.forged[i].holds(seq)
}

// believes reports whether nothing puts a line in doubt but perhaps its count.
func (c *counts) believes(seq uint32) bool {
	return seq > c.doubt && seq <= c.tail && !c.isForged(seq-1)
}

// lone reports whether no line claims the count of another, but forged ones.
func (c *counts) lone(n uint64) bool {
	if n == 0 || c.claims == nil {
		return true
	}
	s := &c.claims[n%claimed]
	return n <= c.last && (s.n != n || s.rival == 0 || c.isForged(s.rival))
}
