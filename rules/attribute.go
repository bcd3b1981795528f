package rules

import (
	"net/netip"
	"slices"
	"time"
)

// A login may hold line ends, and behind them whatever a forger thinks a
// record looks like. What it cannot hold is anything behind its own end: the
// last of its lines ends in the true address, and the access line of the
// request, which names that address again, comes after it. So an access line
// says which record it belongs to, which of the lines up to that record's end
// are part of the login, and that they prove nothing about each other.

// attribute takes the access line of a request that may have tried a login.
func (s *Scanner) attribute(q *request) {
	own := s.own(q)
	first := s.choose(own, q)
	if first == nil {
		s.contradict(own, q)
		return
	}
	end := s.lastEnding(first, q)
	if !fits(first, end, q) {
		s.contradict(own, q)
		return
	}
	s.prove(first, q)
	if end != nil {
		s.suspect(first, end, q)
	}
	if s.workers.prefork() {
		s.contradict(own, q)
	} else {
		s.suspectEarlier(first, own, q)
	}
}

// fits says whether the request can have written the record that first begins.
func fits(first, end *attempt, q *request) bool {
	switch {
	case first.addr == q.addr || end != nil:
		return true
	case first.none:
		return q.rpc()
	default:
		return !first.addr.IsValid() && q.login()
	}
}

// prove settles that the request made the attempt. An attempt that this gives
// its address, or its credit, stands from here on where the access line does.
func (s *Scanner) prove(a *attempt, q *request) {
	s.evidence = evidenceSpan
	if a.addr == q.addr && !a.wanting {
		s.agreed = true
	} else {
		s.moveToEnd(a)
	}
	if !a.addr.IsValid() && !a.none {
		s.suspectAddressed(a, q)
	}
	a.addr, a.none, a.wanting, a.provenBy = q.addr, false, false, q.line
}

// moveToEnd moves an attempt behind all others.
func (s *Scanner) moveToEnd(a *attempt) {
	at := slices.Index(s.attempts, a)
	s.attempts = append(slices.Delete(s.attempts, at, at+1), a)
	a.offset = s.offset
}

// suspectAddressed distrusts the lines with an address that follow a record
// without one: Odoo 8 to 10 wrote none, so a login holds them.
func (s *Scanner) suspectAddressed(first *attempt, q *request) {
	for _, a := range s.attempts {
		if a.line > first.line && a.provenBy == 0 && a.addr.IsValid() {
			a.distrust(q.addr)
		}
	}
}

// own lists the attempts that may belong to the request, in order: same
// process, within the request's time, and not another request's. A prefork
// process has one request at a time, so there what an earlier access line
// within this request's time has proven belongs to it as well.
func (s *Scanner) own(q *request) []*attempt {
	const reach = 512
	var own []*attempt
	for i := len(s.attempts) - 1; i >= 0 && i >= len(s.attempts)-reach; i-- {
		a := s.attempts[i]
		if a.proc != q.proc || a.event == otherEvent || a.state == forged {
			continue
		}
		if a.provenBy > 0 {
			if !s.workers.prefork() {
				continue
			}
			if q.start.IsZero() || !a.when.After(q.start.Add(clockSlack)) {
				break
			}
		}
		if q.covers(a.when) {
			own = append(own, a)
		}
	}
	for i, j := 0, len(own)-1; i < j; i, j = i+1, j-1 {
		own[i], own[j] = own[j], own[i]
	}
	return own
}

// choose picks the attempt whose record the request wrote.
func (s *Scanner) choose(own []*attempt, q *request) *attempt {
	if s.workers.prefork() {
		return choosePrefork(own, q)
	}
	if a := find(own, func(a *attempt) bool { return a.addr == q.addr && (!a.wanting || q.proves()) }); a != nil {
		return a
	}
	if a := find(own, func(a *attempt) bool {
		return a.none && q.rpc() && a.recordDB == q.db && (!a.wanting || q.proves())
	}); a != nil {
		return a
	}
	if a := find(own, func(a *attempt) bool { return !a.addr.IsValid() && !a.none && !a.wanting }); a != nil {
		return a
	}
	return s.beforeStranger(own, q)
}

// choosePrefork picks the first attempt of the process since its last
// request; one that is already distrusted only where it stands alone.
func choosePrefork(own []*attempt, q *request) *attempt {
	if a := find(own, func(a *attempt) bool { return !a.wanting }); a != nil {
		return a
	}
	if len(own) == 1 && (own[0].addr == q.addr || own[0].none && q.rpc()) && q.proves() {
		return own[0]
	}
	return nil
}

// proves says whether the line is proof enough for a distrusted attempt: that
// of a failed login, and with the times that a forger had to guess.
func (q *request) proves() bool {
	return q.login() && q.status == 200 && !q.start.IsZero()
}

// beforeStranger picks, on a threaded server, the attempt right before a line
// of a process that does not exist, if the lines up to such a one end in the
// request's address: that attempt's login holds them.
func (s *Scanner) beforeStranger(own []*attempt, q *request) *attempt {
	for i := len(own) - 1; i >= 0; i-- {
		end := s.lastEnding(own[i], q)
		if end != nil && end.proc != q.proc {
			return own[i]
		}
	}
	return nil
}

// find returns the first of list that is as wanted.
func find(list []*attempt, wanted func(*attempt) bool) *attempt {
	for _, a := range list {
		if wanted(a) {
			return a
		}
	}
	return nil
}

// lastEnding returns the last attempt behind first whose line ends as the
// request's record does: if the record of first has several lines, it ends
// there or before.
func (s *Scanner) lastEnding(first *attempt, q *request) *attempt {
	for i := len(s.attempts) - 1; i >= 0; i-- {
		a := s.attempts[i]
		ends := a.addr == q.addr && a.event != cooledDown || a.none && q.rpc()
		if a.line > first.line && ends && a.state != forged {
			return a
		}
	}
	return nil
}

// suspect treats the lines behind first, up to end, as what the login of first
// may hold. A prefork process has one record in a request, so its further ones
// are forged. Others must be proven from outside; what is proven from within
// is void unless end turns out to be a record of its own.
func (s *Scanner) suspect(first, end *attempt, q *request) {
	for _, a := range s.attempts {
		if a == first || a.line <= first.line || a.line > end.line || a.sure {
			continue
		}
		switch {
		case a.proc == q.proc && s.workers.prefork():
			s.forge(a, q.addr)
		case a.provenBy == 0:
			a.distrust(q.addr)
		case a.provenBy < end.line && (s.workers.prefork() || end.when.Sub(a.when).Abs() <= instant):
			a.doubt, a.blame = end, q.addr
		}
	}
}

// instant is the longest time that a forger can hope to guess right: lines
// further apart than this were written apart.
const instant = 20 * time.Millisecond

// suspectEarlier treats, on a threaded server, the attempts before first: each
// still waits for an access line of its own, and if the login of one of them
// holds first, none will come. What another line within that login proved is
// void.
func (s *Scanner) suspectEarlier(first *attempt, own []*attempt, q *request) {
	var start *attempt
	for _, a := range own {
		if a.line >= first.line {
			break
		}
		if a.provenBy == 0 {
			a.distrust(q.addr)
		}
	}
	for _, a := range s.attempts {
		if a.line >= first.line || a.proc != q.proc || a.sure || q.start.IsZero() || !q.covers(a.when) ||
			first.when.Sub(a.when).Abs() > instant {
			continue
		}
		if start == nil && a.recordDB == q.db {
			start = a
		}
		if start != nil && a.provenBy > start.line && a.provenBy < first.line {
			s.forge(a, q.addr)
		}
	}
}

// contradict distrusts the attempts of a prefork process that its next request
// did not make.
func (s *Scanner) contradict(own []*attempt, q *request) {
	if !s.workers.prefork() || s.blind(q) {
		return
	}
	for _, a := range own {
		if a.provenBy == 0 && a.state == undecided {
			a.distrust(netip.Addr{})
		}
	}
}

// blind says whether access lines may only ever name a proxy: the address is
// a private one, and none has yet agreed with a record's.
func (s *Scanner) blind(q *request) bool {
	return !s.agreed && (q.addr.IsPrivate() || q.addr.IsLoopback())
}

// forge settles that a line is part of another's login.
func (s *Scanner) forge(a *attempt, by netip.Addr) {
	if a.state != undecided || a.sure {
		return
	}
	a.state = forged
	if a.header {
		s.stats.addForged(by)
	}
}
