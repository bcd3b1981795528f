package rules

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// Every request that tries a login writes one record about it, and one access
// line when it has been answered. So an access line that is real, of such a
// request, whose possible records are all failures, is a failed attempt of the
// address it names, whatever forgers have written elsewhere. What is left is to
// find the access lines that are not real, for a login may hold whatever a
// forger thinks a log looks like: enclose.go.

// requested takes an access line.
func (s *Scanner) requested(r *record, a access, seen time.Time, stray bool) {
	s.previous = previous{proc: r.proc}
	if a.sends() && !stray && len(s.attempts) > 0 {
		q := s.spareRequests.take()
		q.access, q.when, q.seen, q.proc, q.db = a, r.when, seen, r.proc, s.dbOf(r)
		q.line, q.at, q.offset, q.burst, q.piece = s.line, s.at, s.offset, s.burst, s.piece
		q.since = s.workers.latest(r.proc)
		if r.coarse {
			q.when, q.took = q.when.Add(time.Second), q.took+2*time.Second
		}
		q.micro = q.when.UnixMicro()
		q.spanned()
		if n := len(s.requests); n > 0 {
			if before := s.requests[n-1]; before.addr == q.addr {
				q.other = before.other
			} else {
				q.other = before.line
			}
		}
		s.previous.access = q
		s.requests = append(s.requests, q)
		s.fresh = true
		s.answered(q)
	}
	s.workers.note(r.proc, s.line)
}

// judge finds out what the access lines say about the attempts. From the last
// to the first, since only a later one can show that a line is a part of a
// login; then each that is real claims its record.
func (s *Scanner) judge() {
	if !s.fresh {
		return
	}
	s.fresh = false
	s.timelines.fill(s.attempts)
	s.mine = s.mine[:0]
	for _, q := range s.requests {
		first := len(s.mine)
		s.mine = s.own(s.mine, q)
		q.inside, q.first, q.holds, q.own = nil, nil, 0, s.mine[first:len(s.mine):len(s.mine)]
	}
	for _, q := range slices.Backward(s.requests) {
		if !q.void() && len(q.own) > 0 {
			s.enclose(q)
		}
	}
	for _, q := range s.requests {
		if !q.void() && len(q.own) > 0 {
			s.claim(q)
		}
	}
}

const (
	// reach bounds how many attempts, or requests, one is held against: a login may
	// hold thousands of lines of one moment.
	reach = 512
	// mostOwn bounds how many attempts a request may have made: thousands of requests
	// remember theirs.
	mostOwn = 128
)

// own appends the attempts that the request may have made, by process and time,
// in the order of their lines.
func (s *Scanner) own(own []*attempt, q *request) []*attempt {
	t := s.timelines.of.find(q.proc)
	if t == nil {
		return own
	}
	list := t.within(q.from, q.to)
	if len(list) == 0 {
		return own
	}
	since := uint64(0)
	if !q.timed && s.workers.prefork() {
		since = q.since
	}
	before := len(own)
	add := func(a *attempt) {
		if a.line < q.line && a.line > since && a.proc == q.proc && a.claimable() && q.covers(a) {
			own = append(own, a)
		}
	}
	if len(list) > mostOwn {
		first, last := s.ends(q)
		for i := 0; i < len(first) && len(own)-before < mostOwn/2; i++ {
			add(first[i])
		}
		for _, a := range last {
			add(a)
		}
	} else {
		for _, m := range list {
			add(m.attempt)
		}
	}
	byLine := func(a, b *attempt) int { return cmp.Compare(a.line, b.line) }
	if mine := own[before:]; !slices.IsSortedFunc(mine, byLine) {
		slices.SortFunc(mine, byLine)
	}
	return own
}

// ends returns the first attempts of what was read up to the request without a pause, of
// which one began its record, and the last.
func (s *Scanner) ends(q *request) (first, last []*attempt) {
	all := s.between(0, q.line)
	from := min(s.burstFrom(q.burst), len(all))
	until := min(from+reach, len(all))
	return all[from:until], all[max(until, len(all)-mostOwn/2):]
}

// between returns the attempts behind one line and before another.
func (s *Scanner) between(from, to uint64) []*attempt {
	i := s.attemptsUntil(from)
	n := sort.Search(len(s.attempts)-i, func(n int) bool { return s.attempts[i+n].line >= to })
	return s.attempts[i : i+n]
}

// attemptsUntil is how many attempts stand up to a line.
func (s *Scanner) attemptsUntil(line uint64) int {
	return sort.Search(len(s.attempts), func(i int) bool { return s.attempts[i].line > line })
}

// claim finds the attempt that the request made.
func (s *Scanner) claim(q *request) {
	own := q.own
	var best *attempt
	if !q.login() && !q.reset() {
		best = s.elsewhere(own, q)
	} else {
		for _, a := range own {
			if a.claim == nil && q.mayHave(a) && (best == nil || better(a, best, q)) && s.inOrder(a, q) {
				best = a
			}
		}
		if best == nil && q.first != nil && q.first.claim == nil && q.first.inside == nil {
			best = q.first
		}
	}
	if best == nil || s.rivals(own, best, q) {
		return
	}
	best.claim, s.old = q, best.vague
	if best.addr == q.addr {
		s.evidence = evidenceSpan
	}
}

// inOrder says whether time went on between the record and the access line as
// it did in the log: a forger who guessed a moment wrong, but the same for
// both, is given away by the real requests between them. Those in another file,
// as after a rotation while some still write to the old one, tell nothing.
func (s *Scanner) inOrder(a *attempt, q *request) bool {
	for _, other := range s.since(a) {
		if other.line >= q.line {
			break
		}
		if other.void() || other.at.Generation != a.at.Generation {
			continue
		}
		if other.micro < a.micro-clockSlack.Microseconds() || other.micro > q.to {
			return false
		}
	}
	return true
}

// mayHave says whether the request can have made the attempt, by what the
// record says.
func (q *request) mayHave(a *attempt) bool {
	if q.reset() || a.event == resetTried {
		return q.reset() && a.event == resetTried && a.addr == q.addr
	}
	if q.redirected() && a.event != loginPassed || a.echo() {
		return false
	}
	return a.addr == q.addr || a.none && q.rpc() && a.recordDB == q.db || a.bare()
}

// better orders the records that a request may have made: those that name its
// address before those that name none, who has passed before who has failed
// (a forger may have written the failure), what can be no part of another's
// login before what can, and the first; of those that name nobody, the last.
func better(a, b *attempt, q *request) bool {
	if named := q.named(a); named != q.named(b) {
		return named
	}
	if a.none != b.none {
		return a.none
	}
	if passed := a.event == loginPassed; passed != (b.event == loginPassed) {
		return passed
	}
	if safe := a.inside == nil; safe != (b.inside == nil) {
		return safe
	}
	return a.bare() && a.line > b.line
}

// named says whether the record names the request's address, and not only as a forger
// may have: where one names nobody, a record that may be a part of a login tells nothing.
func (q *request) named(a *attempt) bool {
	return a.addr == q.addr && (!q.rpc() || a.inside == nil && (!a.begun || q.first == a))
}

// elsewhere takes a request to a path that is no login of Odoo's own: another
// module's may be, if nothing else is possible, and nothing behind the record
// may be a part of it.
func (s *Scanner) elsewhere(own []*attempt, q *request) *attempt {
	if len(own) != 1 || q.redirected() || q.status >= 500 {
		return nil
	}
	a := own[0]
	if a.addr != q.addr || a.claim != nil || a.inside != nil || a.begun || a.event == resetTried ||
		slices.ContainsFunc(s.between(a.line, q.line), (*attempt).open) {
		return nil
	}
	return a
}

// rivalTime is how long after a record without an address, on a threaded
// server, another's request may end that could have written it as well.
const rivalTime = 250 * time.Millisecond

// rivals says whether a record without an address may as well be another request's:
// where logins that pass leave a record ("from n/a"), one that has passed, unless its
// request can have written nothing else, and where they do not, on a threaded server, one
// of another address. (A forger can make one seem prefork.)
func (s *Scanner) rivals(own []*attempt, best *attempt, q *request) bool {
	switch {
	case best.event == loginPassed || best.addr.IsValid():
		return false
	case best.none:
		return slices.ContainsFunc(own, func(a *attempt) bool {
			passed := a.none && a.event == loginPassed && a.recordDB == q.db
			return passed && (a.claim == nil || !a.claim.wrote(a))
		})
	}
	return !s.workers.prefork() && slices.ContainsFunc(s.requests, func(other *request) bool {
		return !other.void() && other.line > best.line && other.addr != q.addr && other.login() &&
			other.when.Sub(best.when) < rivalTime
	})
}
