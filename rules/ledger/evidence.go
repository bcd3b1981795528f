package ledger

import (
	"net/netip"

	"odooban/rules/odoo"
	"odooban/rules/order"
)

// evidence is what was seen so far that speaks for an attempt or against it.
type evidence struct {
	off Checks
	moment
	clock     clock
	history   order.Queue[Line]
	lag       lag
	processes processes
	doubt     doubt
	endings   endings
	together  together
	regions   regions
	cuts      cuts
	layout    layout
}

// moment is how far the log was read.
type moment struct {
	at     Line
	begins bool  // the line is the first of what was written in one go, or history
	now    int64 // milliseconds since 1970, of what was found last
	ended  int64 // when history had been read, while nothing of it comes; else 0
	// decided is the line at which it was looked last for what is ripe, and lastLogin the
	// last one of a login.
	decided, lastLogin uint64
	// outside says that the line's time is not that of its writing, in history.
	outside bool
}

// offClock reports whether a time cannot be that of the line at hand.
func (s *evidence) offClock(time int64, p *process) bool {
	if !s.off.on(Clock) {
		return false
	}
	b := s.at.Batch
	if !b.Known() {
		return s.outside
	}
	late := int64(order.Lateness)
	if p.threaded {
		late = order.ThreadsLateness
	}
	earliest, latest := b.Bounds()
	return time > latest+early || time < earliest-late
}

// recordOf is the record that a login left.
func (s *evidence) recordOf(e *odoo.Event, p *process) *record {
	r := &record{
		Line: s.at, time: e.Time, proc: p, ending: e.Ending, addr: e.Addr, raw: e.Raw(), eps: epsOf(e),
		Detail: Detail{User: string(odoo.Kept(e.User)), DB: string(odoo.Kept(e.DB))},
	}
	switch e.Kind {
	case odoo.Failed:
		if r.way = Login; p.cooledDown(r) {
			r.way = NoWay
		}
	case odoo.Cooldown:
		r.way = Cooldown
	}
	if s.offClock(e.Time, p) {
		r.bad = Clock
	}
	return r
}

// ends takes note of what the line at hand ends in.
func (s *evidence) ends(e *odoo.Event, r *record) {
	if e.Sealed {
		return
	}
	one := ending{s.at.Number, s.at.Batch, s.at.Run, r, e.Holds, e.Ending != odoo.Open, e.Ending, e.Addr}
	s.endings.add(e.Ending, e.Addr, one)
	if (r != nil || one.ends || one.raw) && s.at.Batch.Known() {
		s.together.add(one)
	}
}

// ending returns the last line behind a record's first that ends as one of the answer does,
// and was written in one go with it.
func (s *evidence) ending(first *Line, a *answer) (ending, bool) {
	e, ok := s.endings.behind(first.Number, a)
	if !ok || !first.Batch.Known() || e.batch == first.Batch {
		return e, ok
	}
	return s.together.ending(first, a)
}

// isVoid reports whether a record stands in another one. That is not so if who said it
// stands in this one, which ends as the answer does.
func (s *evidence) isVoid(r *record, a *answer) bool {
	if r.void == nil || r.void.refuted() || r.void.why == Twice && a.fits(r) {
		return false
	}
	e, ok := s.ending(&r.Line, a)
	return !ok || e.line < r.void.author.answer.Number
}

// contradiction returns what of the records that a request may have left contradicts
// that they are what they look like.
func (s *evidence) contradiction(mine, alien []*record, end ending) Reason {
	switch {
	case len(alien) > 0 && alien[0].ending == odoo.Open:
		return OpenEnd
	case len(alien) > 0:
		return OtherAnswer
	case len(mine) == 0 || !mine[0].raw:
		return ""
	}
	if last := mine[len(mine)-1].Number; end.line > last {
		if s.endings.text > last {
			return TextBehind
		}
		return Twice
	}
	return ""
}

// sinceHistory is how long ago history had been read, in milliseconds; zero while it is
// being read.
func (s *evidence) sinceHistory() int64 {
	if s.ended == 0 {
		return 0
	}
	return s.now - s.ended
}

// farBehind reports whether a line of history is so far behind that nothing to come
// tells of it.
func (s *evidence) farBehind(at *Line) bool {
	if at.Batch.Known() {
		return s.now-at.Batch.To() > 10*deadline
	}
	return s.at.Offset-at.Offset > horizon
}

// stranger reports whether the attempt's process showed nowhere but in the write that
// the attempt is a part of, and not at the beginning of that.
func (s *evidence) stranger(x *attempt) bool {
	p := x.proc()
	if p.known || !p.batch.Known() || p.batch.Late() || !s.off.on(UnknownProcess) {
		return false
	}
	return s.together.before(x.first()) && !s.together.of(p.batch, s.processes.answers).names(x.addr)
}

// opened reports whether a record stands before the attempt, written in one go with
// it, that nobody has answered: it may hold the attempt.
func (s *evidence) opened(x *attempt) bool {
	sum := s.together.of(x.last().Batch, s.processes.answers)
	return sum.open > 0 && sum.open < x.first().Number && !sum.names(x.addr) && s.off.on(OneWrite)
}

// followed reports whether a record stands before the end of the attempt, written in one
// go with that, which may hold it: behind it comes what may be the end of one.
func (s *evidence) followed(x *attempt) bool {
	last := x.last()
	if last.Batch.Late() || !s.off.on(OneWrite) {
		return false
	}
	sum := s.together.of(last.Batch, s.processes.answers)
	return sum.end > last.Number && sum.login > 0 && sum.login < last.Number && !sum.names(x.addr)
}

// contained reports whether all of the attempt was written in one go with something before
// it that may hold it, and is found so promptly that it hardly happens otherwise.
func (s *evidence) contained(x *attempt) bool {
	first := x.first()
	if !first.Batch.Known() || first.Batch.Late() || first.Run != x.last().Run || !s.lag.small() || !s.off.on(OneWrite) {
		return false
	}
	if sum := s.together.of(first.Batch, s.processes.answers); sum.names(x.addr) {
		return false
	}
	return s.together.holder(first) || x.proc().threaded && x.answer != nil && s.together.endsBehind(x.last())
}

// movedOn reports whether the record's process has gone on with somebody else's request,
// and so had answered the one that left the record. Threads are not killed one by one.
func (s *evidence) movedOn(r *record) bool {
	if !s.off.on(Unanswered) {
		return false
	}
	if r.proc.threaded {
		return r.proc.served > 0
	}
	for _, a := range r.proc.answers {
		if a.Number > r.Number {
			return a.addr != r.addr && a.start > r.time+a.eps
		}
	}
	return false
}

// contradicted returns what contradicts the attempt, now that all has come, and who
// sent it.
func (s *evidence) contradicted(x *attempt) (why Reason, by netip.Addr) {
	if x.record != nil && x.record.bad != "" && x.region == nil {
		return x.record.bad, by
	}
	if r := s.regions.around(x); r != nil {
		return r.why, r.author.addr
	}
	if s.off.on(CutHeader) && s.cuts.hold(x) {
		return CutHeader, by
	}
	if x.answer == nil && s.denied(x.record) {
		return OtherAnswer, by
	}
	return "", by
}

// denied reports whether the process that wrote a record was answering somebody else
// then, so that the record is none of its own.
func (s *evidence) denied(r *record) bool {
	a := r.denier
	return a != nil && s.off.on(OtherAnswer) && s.regions.holder(s.regions.open, a.Number) == nil
}

// unanswered reports whether an answer to the record is not to be expected any more.
func (s *evidence) unanswered(r *record) bool {
	const requestLimit = 120_000 // limit_time_real: then Odoo kills the worker
	passed := s.now - r.Batch.To()
	if !r.Batch.Known() {
		if s.farBehind(&r.Line) {
			return true
		}
		passed = s.sinceHistory()
	}
	if r.ending == odoo.Address || len(r.rivals) > 0 {
		return passed >= deadline
	}
	return passed >= requestLimit
}

// waited reports whether a record has waited for so many milliseconds.
func (s *evidence) waited(r *record, long int64) bool {
	if r.Batch.Known() {
		return s.now-r.Batch.To() >= long
	}
	return s.farBehind(&r.Line) || s.sinceHistory() >= deadline
}

// sender is who sent a line that was forged, if the record is known that holds it.
func (s *evidence) sender(x *attempt) (by netip.Addr) {
	if r := s.regions.around(x); r != nil {
		return r.author.addr
	}
	return by
}
