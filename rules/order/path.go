package order

import (
	"math"
	"net/netip"
	"slices"

	"odooban/rules/odoo"
)

// How far the times of a log may be off that are true, in milliseconds.
const (
	// Rounding is by how much two times may differ that are one: a stamp and two
	// durations are rounded to milliseconds.
	Rounding = 2
	// Lateness is by how much stamps run backwards, as processes write their records
	// in another order than they make them: measured are 6.
	Lateness = 15
	// ThreadsLateness is the same among threads, which may be held up: measured are 83.
	ThreadsLateness = 150
)

const (
	// longest is how long after its record a login is answered at most, in milliseconds,
	// where the answer tells no less.
	longest = 500
	// few is how many of a kind are looked at, and nearby how many records that may hold
	// what stands behind them, without an end of their own.
	few    = 16
	nearby = 32
)

// What it costs to explain that times go backwards, by what holds the passage that is
// skipped. Only the ratios matter: they were tuned on captures and simulated forgers.
const (
	straggler  = 4     // nothing is skipped: a single thread was held up
	certain    = 5     // a login's record: it is answered, and ends in the answer's address
	likely     = 10    // another record: it is answered, or ends as such a record does
	plausible  = 20    // a record of these nearby, which shows no end
	doubtful   = 300   // as certain, but it was answered as what it looks like, before
	possible   = 1000  // any record that may hold others
	unknown    = 3000  // nothing
	clockReset = 40000 // nothing is skipped: the host's clock was put back
)

// What the lines of a passage cost besides. Many short passages are likelier than a long
// one, so it grows with the square of their number, up to the most.
const (
	mostCertain  = 500
	mostPossible = 5000
	eachPossible = 20 // each line, where any record may hold them
	eachUnknown  = 100
)

func length(lines, most int) int { return min(lines*lines/16, most) }

// node is a line with a time, and the cheapest explanation in which that is true.
type node struct {
	at     int // among the lines
	time   int64
	holds  holds
	ending odoo.Ending
	addr   netip.Addr
	// answered says that it was answered as what it looks like.
	answered bool
	step
}

// holds says whether a record may hold others.
type holds uint8

const (
	nothing holds = iota
	login         // it ends in its address then
	other         // it ends in anything
)

// step is the way to a node from the one before it that is true, which is -1 for none.
type step struct {
	from, kind int
	cost       int   // of all so far
	clock      int64 // the latest time so far
}

// block is a passage that the record at a node may hold.
type block struct{ from, kind, cost int }

// moment is a process at a time.
type moment struct {
	proc odoo.Process
	time int64
}

// path is the search for the cheapest explanation of some lines.
type path struct {
	start    int64 // no time before it is true
	threaded bool
	nodes    []node
	blocks   map[int][]block // by the node behind them
	records  map[moment][]int
	headers  []int                // that were cut off, the latest
	endings  map[netip.Addr][]int // the nodes behind the latest lines that end so
	nowhere  []int
	vague    []int // the latest nodes that may hold others, and show no end
}

// newPath returns one for lines behind a time.
func newPath(start int64, threaded bool) *path {
	return &path{
		start: start, threaded: threaded,
		blocks: make(map[int][]block), records: make(map[moment][]int), endings: make(map[netip.Addr][]int),
	}
}

// add takes a line, which is the one with a number.
func (p *path) add(at int, e *odoo.Event) {
	if timed(e) {
		n := node{at: at, time: e.Time, ending: e.Ending, addr: e.Addr}
		switch {
		case e.Raw():
			n.holds = login
		case e.Holds, e.Kind == odoo.Cut:
			n.holds = other
		}
		p.nodes = append(p.nodes, n)
	}
	if e.Sealed || len(p.nodes) == 0 {
		return
	}
	behind := len(p.nodes)
	switch last := behind - 1; {
	case e.Kind == odoo.Access:
		p.answer(e, last)
	case timed(e) && p.nodes[last].holds != nothing:
		p.record(e.Proc, last)
		if e.Kind == odoo.Cut {
			p.headers = latest(p.headers, last, few)
		}
	}
	if e.Ends {
		for _, n := range p.headers {
			p.block(n, behind, likely)
		}
	}
	switch e.Ending {
	case odoo.Address:
		p.endings[e.Addr] = latest(p.endings[e.Addr], behind, few)
	case odoo.Nowhere:
		p.nowhere = latest(p.nowhere, behind, few)
	}
}

// latest adds a node to others, and keeps so many of the latest.
func latest(all []int, node, most int) []int { return append(all[max(0, len(all)-most+1):], node) }

// record takes one that may hold what stands behind it. Of those of the same moment the
// first and the last stay.
func (p *path) record(proc odoo.Process, n int) {
	at := moment{proc, p.nodes[n].time}
	all := p.records[at]
	if len(all) == few {
		all = slices.Delete(all, 1, 2)
	}
	p.records[at] = append(all, n)
}

// answer finds what those records may hold that were made while a request ran.
func (p *path) answer(e *odoo.Event, n int) {
	took := e.Request.Took
	if took < 0 || took > longest {
		took = longest
	}
	for time := e.Time - took - Rounding; time <= e.Time+Rounding; time++ {
		for _, one := range p.records[moment{e.Proc, time}] {
			p.answered(one, n, e)
		}
	}
}

// answered takes that a record may have been answered at a node. A login ends where some
// lines do that end in the answer's address, any other shortly before.
func (p *path) answered(one, n int, e *odoo.Event) {
	const soon = 4
	r := &p.nodes[one]
	if r.holds == other {
		for end := max(one+2, n-soon); end <= n; end++ {
			p.block(one, end, likely)
		}
		return
	}
	kind := certain
	if r.answered && !p.threaded {
		kind = doubtful
	}
	rpc := e.Request.RPC()
	r.answered = r.answered || r.addr == e.Addr || r.ending == odoo.Nowhere && rpc
	for _, end := range p.endings[e.Addr] {
		p.block(one, end, kind)
	}
	if rpc {
		for _, end := range p.nowhere {
			p.block(one, end, kind)
		}
	}
}

// block takes a passage behind a node.
func (p *path) block(from, to, kind int) {
	const most = 64
	if to <= from+1 || len(p.blocks[to]) >= most {
		return
	}
	bound := mostPossible
	if kind == certain || kind == doubtful {
		bound = mostCertain
	}
	p.blocks[to] = append(p.blocks[to], block{from, kind, kind + length(to-from, bound)})
}

// find finds the cheapest explanation, and returns the last node that is true in it.
func (p *path) find() (last int) {
	times := make([]int64, 1, len(p.nodes)+1)
	times[0] = p.start
	for i := range p.nodes {
		times = append(times, p.nodes[i].time)
	}
	slices.Sort(times)
	times = slices.Compact(times)
	all, holders := newCheapest(times, eachUnknown), newCheapest(times, eachPossible)
	all.add(p.start, 0, -1)
	cheapest := math.MaxInt
	for i := range p.nodes {
		p.step(i, all, holders)
		n := &p.nodes[i]
		all.add(n.clock, n.cost, i)
		if n.holds != nothing {
			holders.add(n.clock, n.cost, i)
		}
		if n.holds == other {
			p.vague = latest(p.vague, i, nearby)
		}
		if cost := n.cost + p.rest(i); cost <= cheapest {
			cheapest, last = cost, i
		}
	}
	return last
}

// rest is what it costs that nothing behind a node is true.
func (p *path) rest(i int) int {
	n := len(p.nodes) - 1 - i
	switch {
	case n == 0:
		return 0
	case p.nodes[i].holds != nothing:
		return possible + n*eachPossible
	}
	return unknown + n*eachUnknown
}

// step finds the cheapest step to a node.
func (p *path) step(i int, all, holders *cheapest) {
	n := &p.nodes[i]
	n.step = step{from: -1, cost: math.MaxInt}
	before := step{clock: p.start}
	if i > 0 {
		before = p.nodes[i-1].step
	}
	p.try(i, i-1, clockReset, before.cost+clockReset)
	switch {
	case n.time >= before.clock-Lateness:
		p.try(i, i-1, 0, before.cost)
	case p.threaded && n.time >= before.clock-ThreadsLateness:
		p.try(i, i-1, straggler, before.cost+straggler)
	}
	for _, b := range p.blocks[i] {
		if from := &p.nodes[b.from]; n.time >= from.clock-Lateness {
			p.try(i, b.from, b.kind, from.cost+b.cost)
		}
	}
	for _, v := range p.vague {
		if from := &p.nodes[v]; v < i-1 && n.time >= from.clock-Lateness {
			p.try(i, v, plausible, from.cost+plausible+length(i-v, mostPossible))
		}
	}
	if from, cost, ok := holders.upTo(n.time+Lateness, i); ok {
		p.try(i, from, possible, cost+possible)
	}
	if from, cost, ok := all.upTo(n.time+Lateness, i); ok {
		p.try(i, from, unknown, cost+unknown)
	}
}

// try takes a step to a node, if it is cheaper than those so far.
func (p *path) try(i, from, kind, cost int) {
	n := &p.nodes[i]
	if cost >= n.cost {
		return
	}
	clock := p.start
	if from >= 0 {
		clock = p.nodes[from].clock
	}
	if kind == clockReset {
		clock = n.time
	}
	n.step = step{from, kind, cost, max(clock, n.time)}
}

// off returns the nodes that are not true in the cheapest explanation; none if that makes
// no sense: the log is in another order.
func (p *path) off() (off []int) {
	last := p.find()
	unexplained, skipped := 0, len(p.nodes)-1-last
	for i := last; i >= 0; i = p.nodes[i].from {
		n := &p.nodes[i]
		for k := n.from + 1; k < i; k++ {
			off = append(off, k)
		}
		if n.kind >= possible && n.kind < clockReset {
			skipped += i - n.from - 1
		}
		if n.kind == unknown {
			unexplained++
		}
	}
	for k := last + 1; k < len(p.nodes); k++ {
		off = append(off, k)
	}
	if 16*unexplained > len(p.nodes)-len(off) || 2*skipped > len(p.nodes) && p.falls() {
		return nil
	}
	return off
}

// falls reports whether most times are earlier than the one before.
func (p *path) falls() bool {
	n := 0
	for i := 1; i < len(p.nodes); i++ {
		if p.nodes[i].time < p.nodes[i-1].time {
			n++
		}
	}
	return 4*n > 3*len(p.nodes)
}
