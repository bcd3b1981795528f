// Package order finds which lines of a log's history bear the time at which they were
// written. Whoever forges a line knows neither when it will be written nor what stands
// behind it, but that comes in history: a log's times never go backwards by more than
// processes hold one another up.
//
// Lines that do go backwards are explained in the cheapest way: some passages are skipped,
// as parts of a record that holds them, so that the times of all others are in order. A
// passage is cheap that a record stands before which can hold it, whose process answers
// behind it somebody in whose address it ends; for the first line of a record bears a true
// time, whatever else it holds.
package order

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"odooban/rules/odoo"
)

const (
	// atOnce is how many lines are judged at once, if no record that may hold them
	// waits for its answer; with these behind them that help to do so, mostTimed, and
	// mostHeld with those without a time, are the most that are held back.
	atOnce    = 16 << 10
	mostTimed = 4 * atOnce
	mostHeld  = 2 * mostTimed
)

// Origin is whose times follow one another: those of a container, and in a file only
// until it was rotated, for late writers write on to the old one.
type Origin struct {
	Container  uint32
	Generation string
}

// Held is a line that was held back. T is what its owner knows of it.
type Held[T any] struct {
	Event odoo.Event
	At    T
	// Off is set where its time is not that of its writing.
	Off    bool
	origin Origin
	offset int64
}

// Queue holds lines back until those behind them have come. Its zero value is ready.
type Queue[T any] struct {
	lines   []Held[T]
	timed   int // how many of these have a time
	enough  int // how many have to, until it is looked again
	layout  uint32
	reached map[Origin]int64
	open    []open
}

// open is a record that may hold others, whose process has not answered.
type open struct {
	proc   odoo.Process
	offset int64
}

// Add takes a line, which begins so many bytes behind the first.
func (q *Queue[T]) Add(e *odoo.Event, at T, generation string, offset int64) {
	h := Held[T]{Event: *e, At: at, origin: Origin{e.Proc.Container, generation}, offset: offset}
	h.Event.User, h.Event.DB = bytes.Clone(odoo.Kept(e.User)), bytes.Clone(odoo.Kept(e.DB))
	q.lines = append(q.lines, h)
	if timed(e) {
		q.timed++
		q.layout = cmp.Or(q.layout, e.Layout)
	}
	if e.Raw() || e.Kind == odoo.Access {
		q.close(e.Proc)
	}
	if e.Raw() {
		q.open = append(q.open, open{e.Proc, offset})
	}
}

// close forgets the open record of a process; and the oldest, if there are too many.
func (q *Queue[T]) close(proc odoo.Process) {
	const most = 64
	kept := q.open[:0]
	for i, o := range q.open {
		if o.proc != proc && len(q.open)-i < most {
			kept = append(kept, o)
		}
	}
	q.open = kept
}

// Full reports whether it is time to judge some.
func (q *Queue[T]) Full() bool {
	return q.timed >= min(max(q.enough, 2*atOnce), mostTimed) || len(q.lines) >= mostHeld
}

// Len returns how many lines are held back.
func (q *Queue[T]) Len() int { return len(q.lines) }

// All calls yield with each line that is held back.
func (q *Queue[T]) All(yield func(*Held[T]) bool) {
	for i := range q.lines {
		if !yield(&q.lines[i]) {
			return
		}
	}
}

// Layout is that of the first line with a header that was held back; zero for none.
func (q *Queue[T]) Layout() uint32 { return q.layout }

// Awaits reports whether an answer is to come to a login at an offset or behind it.
func (q *Queue[T]) Awaits(offset int64) bool {
	for _, o := range q.open {
		if o.offset >= offset {
			return true
		}
	}
	return false
}

func timed(e *odoo.Event) bool { return e.Kind != odoo.Text }

// Judge judges lines, and hands on all of them, or the first ones that nothing to come has a
// say in. These may be none, if too little has come.
func (q *Queue[T]) Judge(all bool, take func(*Held[T])) {
	for of, lines := range q.byOrigin() {
		q.judge(of, lines)
	}
	n := len(q.lines)
	if !all {
		if n = q.settled(); n == 0 {
			q.enough = 2 * q.timed
			return
		}
	}
	for i := range n {
		h := &q.lines[i]
		if timed(&h.Event) {
			q.timed--
			if !h.Off {
				q.reach(h.origin, h.Event.Time)
			}
		}
		take(h)
	}
	q.lines, q.enough = slices.Delete(q.lines, 0, n), 0
}

// byOrigin returns the lines of each origin, in their order.
func (q *Queue[T]) byOrigin() map[Origin][]*Held[T] {
	all := make(map[Origin][]*Held[T])
	for i := range q.lines {
		h := &q.lines[i]
		all[h.origin] = append(all[h.origin], h)
	}
	return all
}

// judge finds which lines of an origin bear times that cannot be true.
func (q *Queue[T]) judge(of Origin, lines []*Held[T]) {
	start, known := q.reached[of]
	if !known {
		start = math.MinInt64 / 2
	}
	backwards, threaded := look(lines, start)
	if !backwards {
		return
	}
	p := newPath(start, threaded)
	for i, h := range lines {
		h.Off = false
		p.add(i, &h.Event)
	}
	for _, k := range p.off() {
		lines[p.nodes[k].at].Off = true
	}
}

// look reports whether times go backwards, from the latest before them on, by more than
// lines can be late, and whether one process answers all requests.
func look[T any](lines []*Held[T], latest int64) (backwards, threaded bool) {
	var one odoo.Process
	threaded = true
	for _, h := range lines {
		e := &h.Event
		if !timed(e) {
			continue
		}
		backwards = backwards || e.Time < latest-Lateness
		latest = max(latest, e.Time)
		if e.Kind == odoo.Access {
			threaded = threaded && (one == odoo.Process{} || one == e.Proc)
			one = e.Proc
		}
	}
	return backwards, threaded
}

// reach takes that the times of an origin have come so far. They begin anew where the
// host's clock was put back.
func (q *Queue[T]) reach(of Origin, time int64) {
	const most = 1024
	if q.reached == nil || len(q.reached) >= most {
		q.reached = make(map[Origin]int64)
	}
	if before, known := q.reached[of]; known && time >= before-ThreadsLateness {
		time = max(time, before)
	}
	q.reached[of] = time
}

// settled returns how many of the first lines nothing to come has a say in: as many stand
// behind them, and no record among them waits for its answer. Of too many it is the half.
func (q *Queue[T]) settled() int {
	if q.timed >= mostTimed || len(q.lines) >= mostHeld {
		return len(q.lines) / 2
	}
	n := 0
	for left := q.timed / 2; left > 0; n++ {
		e := &q.lines[n].Event
		if e.Raw() && q.waits(e.Proc) {
			break
		}
		if timed(e) {
			left--
		}
	}
	if n < len(q.lines)/4 { // not worth it
		return 0
	}
	return n
}

// waits reports whether a record of a process has not been answered.
func (q *Queue[T]) waits(proc odoo.Process) bool {
	return slices.ContainsFunc(q.open, func(o open) bool { return o.proc == proc })
}
