package ledger

import (
	"slices"

	"odooban/rules/odoo"
)

const (
	// threadsRPC is how long after a record "from n/a" a thread answers at most, in
	// milliseconds: measured are 0 to 48.
	threadsRPC = 100
	// soon is how long after its first record a request is answered at most that
	// tells of an overlap.
	soon = 500
)

// answer has an access line claim what its process recorded while the request ran
// and what ends in its address, and looks for what contradicts that. It returns the
// line of the latest record claimed.
func (l *Ledger) answer(a *answer, p *process) (claimed uint64) {
	var mine, alien, span []*record
	for _, r := range p.past {
		switch {
		case !a.ran(r.time) || l.isVoid(r, a):
		case r.answer != nil:
			if a.overlaps(r.answer) {
				span = append(span, r)
			}
		default:
			span = append(span, r)
			if a.fits(r) {
				mine = append(mine, r)
			} else if r.raw {
				alien = append(alien, r)
			}
		}
	}
	if p.threaded {
		l.interleaved(a, mine, alien)
	} else {
		l.alone(a, p, mine, alien, span)
	}
	for i := len(p.past) - 1; i >= 0 && i >= len(p.past)-16; i-- {
		if p.past[i].answer == a {
			claimed = max(claimed, p.past[i].Number)
		}
	}
	return claimed
}

// overlaps reports whether the request began before another was answered.
func (a *answer) overlaps(b *answer) bool {
	return a.start >= 0 && b.time > a.start+a.eps && b.bad == ""
}

// alone is for a process that answers one request at a time.
func (l *Ledger) alone(a *answer, p *process, mine, alien, span []*record) {
	var opener *record
	var end ending
	ended := false
	if len(span) > 0 && span[0].raw {
		opener = span[0]
		end, ended = l.ending(&opener.Line, a)
	}
	for _, r := range alien {
		if r.denier == nil || l.regions.holder(l.regions.open, r.denier.Number) != nil {
			r.denier = a
		}
	}
	why := l.overlap(a, p, opener, end, ended)
	if why == "" && ended {
		why = l.contradiction(mine, alien, end)
	}
	if why == "" && len(mine) > 1 && opener != nil && !isEcho(mine) {
		why = Twice
	}
	if why != "" && (!l.off.on(why) || l.offClock(a.time, p)) {
		why = ""
	}
	if len(mine) == 0 && why != "" {
		mine = []*record{opener}
	}
	x := l.pending.claim(mine, a)
	if why == "" {
		return
	}
	if x == nil { // what it holds is forged all the same
		x = &attempt{record: mine[0], answer: a, addr: a.addr}
		l.pending.try(x)
	}
	to := mine[len(mine)-1].Number
	if ended {
		to = max(to, end.line)
	}
	l.accuse(x, &region{author: x, from: opener.Number, to: to, why: why})
}

// isEcho reports whether two records are the cooldown and the failure of one attempt.
func isEcho(mine []*record) bool {
	return len(mine) == 2 && mine[0].way == Cooldown && mine[1].way == NoWay
}

// overlap finds that earlier answers of the process lie within the request: then they
// stand in the record that this one answers, unless the process answers several at a
// time.
func (l *Ledger) overlap(a *answer, p *process, opener *record, end ending, ended bool) Reason {
	var first *answer
	for _, b := range p.answers {
		if a.overlaps(b) {
			first = b
			break
		}
	}
	if first == nil {
		return ""
	}
	const quiet = 40
	switch {
	case l.processes.only(p):
		l.processes.thread(p)
	case opener != nil && ended && opener.Number < first.Number && end.line > first.Number && a.time-opener.time < soon &&
		(a.held <= first.Number || a.held >= end.line):
		return Overlap
	case l.processes.busy(p):
		l.processes.thread(p)
	case first.Number > l.lastLogin+quiet && a.bad == "":
		if p.overlaps++; p.overlaps > 1 {
			l.processes.thread(p)
		}
	}
	return ""
}

// accuse opens a region, and charges its author.
func (l *Ledger) accuse(x *attempt, r *region) {
	if x.bad == Fragment {
		return
	}
	l.pending.closeOld()
	if e, ok := l.endings.behind(r.to, x.answer); ok && e.line == r.to {
		r.end = e.record
	}
	x.region, x.bad = r, ""
	l.doubt.release(r)
	l.regions.add(r)
}

// interleaved is for a process that answers several requests at a time: an answer may
// have made any record of its address that was made while it ran.
func (l *Ledger) interleaved(a *answer, mine, alien []*record) {
	var own, shared []*record
	for _, r := range mine {
		if r.ending == odoo.Address {
			own = append(own, r)
		} else if a.time-r.time <= threadsRPC {
			shared = append(shared, r)
		}
	}
	if len(own) > 0 {
		one := own[0]
		if one.crowd != nil && one.crowd.full {
			one = own[len(own)-1]
		}
		claimed := []*record{one}
		if i := 1; one.way == Cooldown && len(own) > i {
			claimed = append(claimed, own[i])
		}
		l.pending.claim(claimed, a)
		return
	}
	for _, r := range shared {
		if len(r.rivals) == 0 {
			l.pending.shared = append(l.pending.shared, r)
		}
		if len(r.rivals) < mostAnswers {
			r.rivals = append(r.rivals, a)
			a.shared = append(a.shared, r)
		}
	}
	if len(shared) > 0 || !a.rpc && !a.login || len(alien) == 0 || l.offClock(a.time, a.proc) {
		return
	}
	l.held(a, alien)
}

// held is for a login without a record of its own, and a line that ends in its address
// but cannot be its own: it is the end of another's record.
func (l *Ledger) held(a *answer, alien []*record) {
	end, ended := l.ending(&alien[0].Line, a)
	if !ended {
		return
	}
	for _, r := range slices.Backward(alien) {
		if r.Number >= end.line || r.bad != "" {
			continue
		}
		why := OtherAnswer
		if r.ending == odoo.Open {
			why = OpenEnd
		}
		if x := l.pending.claim([]*record{r}, a); x != nil && l.off.on(why) {
			l.accuse(x, &region{author: x, from: r.Number, to: end.line, why: why})
		}
		return
	}
}
