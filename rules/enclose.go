package rules

import (
	"net/netip"
	"slices"
	"sort"
	"time"
)

// A login may hold line ends, and behind them forged records and access lines.
// What it cannot hold is anything behind its own end: the last of its lines
// ends in the true address, and the access line of its request, which names
// that address again, comes after it.

// enclose finds the lines that the login of the request may hold, one that may
// have made attempts, and voids the access lines among them.
func (s *Scanner) enclose(q *request) {
	end := s.lastEnding(q.own[0], q)
	if end == nil {
		return
	}
	first := s.firstRaw(q.own, end)
	if !q.timed || !s.workers.prefork() {
		s.encloseAtOnce(q)
		if first != nil {
			first = s.misfit(first, end, q)
		}
	}
	if first != nil && first.line < end.line {
		s.contain(q, first, end)
	}
}

// contain takes all between two records for a part of the request's login.
func (s *Scanner) contain(q *request, first, end *attempt) {
	first.begun, end.closed, q.first = true, true, first
	if q.holds == 0 || first.line < q.holds {
		q.holds = first.line
	}
	for _, a := range s.between(first.line, end.line+1) {
		if !a.sure && a.inside == nil {
			a.inside = q
		}
	}
	for _, other := range s.requests[s.requestsUntil(first.line):] {
		if other.line >= end.line {
			break
		}
		if other.inside == nil {
			other.inside = q
		}
	}
	s.workers.forget(first.line, end.line)
}

// expose takes the access lines that the login of the request holds for forged, for good:
// what gave them away may be gone when they are judged again.
func (s *Scanner) expose(q *request) {
	if q.exposed {
		return
	}
	q.exposed = true
	for _, other := range s.requests[s.requestsUntil(q.holds):] {
		if other.line >= q.line {
			break
		}
		other.forged = other.forged || other.inside == q
	}
}

// encloseAtOnce does so where requests of one process overlap. A record is read at once,
// soon after it was written, and before its access line. If somebody else shows in what
// was read so, between a record of the request's process and one that ends as its own
// does, that is a part of the login: others write theirs by themselves, and hardly ever
// so close. In a flood access lines are read with their records.
func (s *Scanner) encloseAtOnce(q *request) {
	var piece uint64
	for _, a := range q.own {
		if a.piece == piece || a.piece == q.piece || !a.raw() || a.sure || !s.promptly(a.when, a.seen) {
			continue
		}
		piece = a.piece
		if end := s.lastOfPiece(a, q); end != nil && s.othersBetween(a, end, q.addr) {
			s.contain(q, a, end)
		}
	}
}

// promptly says whether a record was read just after it was written.
func (s *Scanner) promptly(when, seen time.Time) bool {
	return !seen.IsZero() && seen.Sub(when)-s.lags.shortest() <= promptLag
}

// lastOfPiece returns the last attempt that was read at once with first, and ends as the
// request's record does.
func (s *Scanner) lastOfPiece(first *attempt, q *request) *attempt {
	n := s.readUntil(first.piece) // the request came later
	for _, a := range slices.Backward(s.attempts[max(0, n-reach):n]) {
		switch {
		case a.line <= first.line:
			return nil
		case a.ends(q) && a.state != refused:
			return a
		}
	}
	return nil
}

// readUntil is how many attempts were read up to the end of a piece.
func (s *Scanner) readUntil(piece uint64) int {
	return sort.Search(len(s.attempts), func(i int) bool { return s.attempts[i].piece > piece })
}

// othersBetween says whether an access line or a record between two names another
// address.
func (s *Scanner) othersBetween(first, end *attempt, addr netip.Addr) bool {
	if n := s.requestsUntil(end.line); n > 0 {
		last := s.requests[n-1]
		if last.line > first.line && (last.addr != addr || last.other > first.line) {
			return true
		}
	}
	between := s.between(first.line, end.line)
	return slices.ContainsFunc(between[max(0, len(between)-reach):], func(a *attempt) bool {
		return a.addr.IsValid() && a.addr != addr
	})
}

// longestForgery is how many lines that may be logins a replay looks for
// within one login.
const longestForgery = 256

// firstRaw returns the first attempt that holds a login as it was submitted,
// and that the line end may be a part of: live, what was read apart was
// written apart, and however long it takes to read a login, nothing pauses in it.
func (s *Scanner) firstRaw(own []*attempt, end *attempt) *attempt {
	oldest := s.attempts[max(0, s.attemptsUntil(end.line-1)-longestForgery)]
	for _, a := range own {
		if !a.raw() || a.sure || a.burst != end.burst {
			continue
		}
		if !a.seen.IsZero() || a.line >= oldest.line {
			return a
		}
	}
	return nil
}

// since returns the requests after the attempt, up to as many as matter.
func (s *Scanner) since(a *attempt) []*request {
	at := s.requestsUntil(a.line)
	return s.requests[at:min(len(s.requests), at+reach)]
}

// requestsUntil is how many requests stand up to a line.
func (s *Scanner) requestsUntil(line uint64) int {
	return sort.Search(len(s.requests), func(i int) bool { return s.requests[i].line > line })
}

// lastEnding returns the last attempt behind first whose line ends as the
// request's record does, and that is not a record of its own.
func (s *Scanner) lastEnding(first *attempt, q *request) *attempt {
	const most = 32
	tried := 0
	for _, a := range slices.Backward(s.between(first.line, q.line)) {
		if !a.ends(q) || a.state == refused {
			continue
		}
		if tried++; a.proc == q.proc || tried > most || !s.separate(a) {
			return a
		}
	}
	return nil
}

// separate says whether, on a prefork server, the attempt is all that another
// request can have written.
func (s *Scanner) separate(a *attempt) bool {
	if a.event == otherEvent || !s.workers.prefork() {
		return false
	}
	const most = 4
	tried := 0
	for _, other := range s.since(a) {
		if !other.void() && other.proc == a.proc && (other.login() || other.reset()) && other.mayHave(a) {
			if tried++; tried > most {
				return false
			}
			if other.wrote(a) {
				return true
			}
		}
	}
	return false
}

// wrote says whether the attempt is the one record that the request may have
// written: a cooldown and its echo are one.
func (q *request) wrote(a *attempt) bool {
	found, records := false, 0
	for _, own := range q.own {
		if !own.claimable() {
			continue
		}
		found = found || own == a
		if !own.echo() {
			records++
		}
		if records > 1 {
			return false
		}
	}
	return found && records == 1
}

// misfit returns, where requests of one process overlap, the last record
// before the first line up to end that cannot be real: of a process that never
// answered, or out of time. Without such a line there is nothing to tell a
// forged record from a real one.
func (s *Scanner) misfit(first, end *attempt, q *request) *attempt {
	var start *attempt
	for _, a := range s.between(first.line-1, end.line+1) {
		if a.inside != nil || a.burst != end.burst {
			continue
		}
		if start != nil && s.strange(a, start, q) {
			return start
		}
		if a.raw() && a.proc == q.proc && q.covers(a) {
			start = a
		}
	}
	return nil
}

// strange says whether a line behind start cannot be real: also if start names no address,
// and so goes on. That the request's process answers, the request itself shows.
func (s *Scanner) strange(a, start *attempt, q *request) bool {
	if a.sure {
		return false
	}
	return !a.header || start.bare() && !start.vague || a.proc != q.proc && !s.workers.knew(a.proc, start.line) ||
		a.when.Before(start.when.Add(-clockSlack)) || a.when.After(q.when.Add(clockSlack))
}
