package ledger

import (
	"net/netip"
	"slices"
	"time"

	"odooban/rules/odoo"
)

const (
	// deadline is after how long an attempt is decided at the latest that is
	// followed while it is written, in milliseconds.
	deadline = 1000
	// horizon is the same for history, in bytes of the log.
	horizon = 2 << 20
	// mostHeld bounds how many attempts are undecided.
	mostHeld = 1 << 18
)

// pending is what is undecided, and the verdicts that nobody has asked for.
type pending struct {
	*evidence
	attempts  []*attempt // in the order of their answers
	unclaimed []*record  // that name an address, in the order of the log
	nameless  []*record  // that name none
	shared    []*record  // "from n/a" of threads, which several may have made
	verdicts  []Verdict
}

// try takes an attempt that is to be decided.
func (w *pending) try(x *attempt) {
	x.due = w.now + deadline
	w.attempts = append(w.attempts, x)
}

// contradictText rejects what stands in the record that text was found of: what came
// behind the first login that is not answered yet; or else behind the last line that may go
// on, if it seems to have been made at this time.
func (w *pending) contradictText() {
	const about = 100
	first, since := w.doubt.beginning(w.at.Number), int64(0)
	if first == w.at.Number {
		first, since = w.doubt.open, w.clock.now-about
	}
	for _, x := range slices.Backward(w.attempts) {
		if x.last().Number <= first {
			break
		}
		if x.first().Number >= first && x.last().Batch == w.at.Batch && x.time() >= since {
			x.mark(TextBehind)
		}
	}
	for _, records := range [][]*record{w.unclaimed, w.nameless} {
		for _, r := range slices.Backward(records) {
			if r.Number <= first {
				break
			}
			if r.Batch == w.at.Batch && r.time >= since {
				r.mark(TextBehind)
			}
		}
	}
}

// claim has a request claim records: they are one attempt, if one of them failed.
func (w *pending) claim(records []*record, a *answer) *attempt {
	var x *attempt
	for _, r := range records {
		r.answer = a
		if r.way == NoWay {
			continue
		}
		if x == nil {
			x = &attempt{record: records[0], answer: a, way: r.way, addr: a.addr, Detail: r.Detail}
		}
	}
	if x == nil {
		return nil
	}
	if w.doubt.inFragment(x) {
		x.bad = Fragment
	}
	x.mark(records[len(records)-1].bad)
	x.mark(a.bad)
	w.try(x)
	return x
}

// closeOld closes the regions that are too far back for anything to change them.
func (w *pending) closeOld() {
	for over := w.regions.over(w.at.Number); over != nil; over = w.regions.over(w.at.Number) {
		w.close(over)
	}
}

// close settles what a region holds, which no later line can change any more.
func (w *pending) close(r *region) {
	switch {
	case r.live:
		for _, x := range slices.Backward(w.attempts) {
			if x.last().Number <= r.from {
				return
			}
			if x != r.author && r.holds(x.last().Number) {
				x.mark(r.why)
			}
		}
	case r.refuted():
		r.author.region = nil
	default:
		r.author.mark(r.why)
	}
}

// decide settles what is ripe; at the end of the log everything is.
func (w *pending) decide(end bool) {
	w.share(end)
	if len(w.attempts)+len(w.unclaimed)+len(w.nameless) == 0 {
		return
	}
	w.closeOld()
	w.lone(end)
	w.regions.judge()
	w.attempts = slices.DeleteFunc(w.attempts, func(x *attempt) bool {
		if !end && !w.ripe(x) {
			return false
		}
		w.settle(x)
		return true
	})
}

// ripe reports whether nothing to come can contradict the attempt, or it has waited
// for long enough.
func (w *pending) ripe(x *attempt) bool {
	last := x.last()
	if !last.Batch.Known() {
		return w.farBehind(last) || w.sinceHistory() >= deadline || len(w.attempts) > mostHeld
	}
	if !last.Batch.Over() {
		return w.now >= x.due && !w.opened(x)
	}
	if w.now >= x.due {
		return true
	}
	return !w.stranger(x) && !w.followed(x)
}

// proc is the process of the attempt.
func (x *attempt) proc() *process {
	if x.record != nil {
		return x.record.proc
	}
	return x.answer.proc
}

// lone settles records that no request has answered.
func (w *pending) lone(end bool) {
	w.unclaimed = w.loneOf(w.unclaimed, end)
	w.nameless = w.loneOf(w.nameless, end)
}

// loneOf does so with some that wait equally long, and returns those that do so on.
func (w *pending) loneOf(records []*record, end bool) []*record {
	gone := 0
	for _, r := range records {
		if r.answer == nil && len(r.rivals) == 0 && !end && !w.unanswered(r) {
			break
		}
		gone++
		if r.answer != nil || len(r.rivals) > 0 || r.given {
			continue
		}
		x := &attempt{record: r, way: r.way, addr: r.addr, bad: r.bad, Detail: r.Detail}
		switch {
		case r.ending != odoo.Address:
			x.mark(NoAddress)
		case w.movedOn(r):
			x.mark(Unanswered)
		}
		w.attempts = append(w.attempts, x)
	}
	return slices.Delete(records, 0, gone)
}

// settle gives the verdict on an attempt.
func (w *pending) settle(x *attempt) {
	var by netip.Addr
	if x.bad == "" {
		x.bad, by = w.contradicted(x)
	}
	if r := x.record; x.bad == Crowded && r != nil && r.crowd != nil && r.crowd.last == r && r.proc.threaded {
		x.bad = "" // the last of a crowd is its author's
	}
	if x.bad == "" && w.stranger(x) {
		x.bad = UnknownProcess
	}
	if x.bad == "" && (w.contained(x) || x.region == nil && x.last().Batch.Known() && w.followed(x) && w.opened(x)) {
		x.bad = OneWrite
	}
	if x.bad == "" && !x.addr.IsValid() {
		x.bad = NoAddress
	}
	if x.way == NoWay {
		return
	}
	if x.bad.Forged() && !by.IsValid() {
		by = w.sender(x)
	}
	if r := x.record; r != nil {
		if r.counted {
			return
		}
		r.counted = x.bad == ""
	}
	w.verdicts = append(w.verdicts, Verdict{
		Way: x.way, Time: time.UnixMilli(x.time()).UTC(), Addr: x.addr, Reason: x.bad, By: by, Place: x.first().Place,
		Detail: x.Detail,
	})
}
