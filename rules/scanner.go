package rules

import (
	"bytes"
	"net/netip"
	"time"
)

// Scanner finds the failures in the lines of one source. It holds what the
// last lines left open. It is not safe for concurrent use.
type Scanner struct {
	set *Set
	ref time.Time // completes times without a year
	// loginRule and cooldownRule are the names of these rules, if they are in
	// the Set.
	loginRule, cooldownRule string

	stats Stats

	attempts  []*attempt
	requests  []*request
	probes    []*probe
	traefik   traefikSource
	timelines timelines
	fresh     bool // a request has come since judge looked
	previous  previous
	attention attention
	backlog   backlog
	docker    dockerLog
	plain     plain
	forms     forms
	taint     taint
	line      uint64
	at        Place
	offset    int64
	burst     uint64
	// lost is the line of the first attempt of the burst that was let go of without an
	// answer; zero for none.
	lost  uint64
	piece uint64
	swept int64
	aged  time.Time

	seen  time.Time // when the last line was read; zero in history
	began uint64    // the burst that floor belongs to
	file  string    // the generation that floor belongs to
	floor time.Time // the time of its first record
	late  bool      // it was read long after it was written
	lags  lags

	// workers tells prefork servers from threaded ones.
	workers workers
	// evidence is how many more attempts may come without an access line
	// before the source is taken for one that has none.
	evidence int
	// old is set while the failures proven last are of a version that writes
	// no cooldown lines (Odoo 8 to 11).
	old bool
	// bare is set once a login line ended in no address (Odoo 8 to 10): then
	// what looks like one is a part of the login.
	bare  bool
	names map[string]string
	texts texts
	// containers are the numbers of containers, named how many were given.
	containers map[string]uint32
	named      uint32
	// What the passages through the attempts list, kept for the next one.
	mine, order   []*attempt
	blocking      []block
	spareAttempts spares[attempt]
	spareRequests spares[request]
	summed        map[uint64]burst
	held          map[netip.Addr]bool
}

// Stats is what a Scanner has seen so far.
type Stats struct {
	// Lines is the number of lines fed.
	Lines uint64
	// First and Last are the times of the first and the last record. (The
	// earliest and the latest may be forged.)
	First, Last time.Time
	// Unattributed is the number of failures whose address the log does not
	// tell.
	Unattributed uint64
	// Forged counts the lines that look like records and are part of a login,
	// by the address that sent them.
	Forged map[netip.Addr]uint64
	// Unknown is the number of records of the login logger that say something
	// about logins which no rule understands: the format has changed.
	Unknown uint64
	// ProxySuspected is the number of records in which Odoo says that the
	// addresses it sees are a proxy's.
	ProxySuspected uint64
	// Doubtful is the number of requests in Traefik's log that would be failures,
	// were it sure who made them.
	Doubtful uint64
	// Mixed is 1 once the source has shown both Odoo's records and Traefik's
	// access lines: the latter are not counted then.
	Mixed uint64
}

// previous is what the last record header was.
type previous struct {
	lost    bool // it was not looked at
	proc    process
	attempt *attempt
	access  *request
}

const (
	// horizon is how many bytes of log a record and its access line may span.
	horizon = 1 << 20
	// sweepEvery bounds how often the open attempts are gone through.
	sweepEvery = 2 * horizon
	// maxAttempts bounds the open attempts of history, maxLive those of a flood:
	// a record that comes without a pause is judged a second later.
	maxAttempts = 8192
	maxLive     = 1 << 18
	// maxForgers bounds how many forgers are told apart.
	maxForgers = 10000
	// longestUser bounds what is kept of a login.
	longestUser = 256
	// requestLimit is how long an access line is waited for: Odoo kills a
	// request after limit_time_real, 120 s.
	requestLimit = 120 * time.Second
	// lateLag is how long after it was written a live record is read at most:
	// one read later was held up on its way, and those behind it may have been
	// held up for less.
	lateLag = time.Second
	// atOnce is how long after a line the next one of its record is read at most: a
	// record is written at once.
	atOnce = time.Millisecond
	// evidenceSpan is for how many attempts one access line is evidence that
	// the source has them.
	evidenceSpan = 64
)

// Stats returns what the Scanner has seen so far. Forged is the Scanner's own
// map: it changes with the next call of Feed, Settle or Flush.
func (s *Scanner) Stats() Stats { return s.stats }

// Feed takes the next line of the source and appends to dst the failures that
// it made certain, in the order in which they are to be counted.
func (s *Scanner) Feed(dst []Failure, line Line) []Failure {
	return s.feed(dst, line, s.set.filter.line(line.Text))
}

// feed takes the next line, which may concern some rules.
func (s *Scanner) feed(dst []Failure, line Line, rules ruleBits) []Failure {
	if line.Seen.Sub(s.seen) > atOnce {
		s.piece++
	}
	if line.Seen.After(s.ref) {
		s.ref = line.Seen.In(s.ref.Location())
	}
	s.at, s.seen = line.Place, line.Seen
	s.pass(1, line.size())
	if rules == 0 && line.Seen.IsZero() && !s.attentive() {
		s.previous = previous{lost: true}
		s.backlog.add(line)
		return dst
	}
	text, joined, ok := s.unwrap(line.Text)
	if !ok {
		return dst
	}
	if line.Text = text; joined || rules&anyRule != 0 {
		rules = s.set.filter.line(text)
	}
	return s.look(dst, &line, rules)
}

// look looks at a line.
func (s *Scanner) look(dst []Failure, line *Line, rules ruleBits) []Failure {
	var when time.Time
	if s.traefik.standing != certainOdoo {
		var mine bool
		if dst, when, mine = s.undeclared(dst, *line); mine {
			return s.set.match(dst, *line, rules, when, s.ref)
		}
	}
	odoo := !line.Seen.IsZero() || rules&ofOdoo != 0 || s.attentive()
	if odoo {
		when = s.odoo(line.Text, rules, line.Seen)
		s.backlog.begin()
	} else {
		s.previous = previous{lost: true}
		s.backlog.add(*line)
		var r record
		if s.parse(&r, line.Text) {
			when = r.when
		}
	}
	if len(s.set.user) > 0 {
		dst = s.set.match(dst, *line, rules, when, s.ref)
	}
	if odoo {
		if len(s.attempts) == 0 {
			dst = s.tellProbes(dst, &sweep{now: line.Seen})
		}
		dst = s.advance(dst, line.Seen)
	}
	return dst
}

// pass counts lines.
func (s *Scanner) pass(lines uint64, size int64) {
	s.line += lines
	s.stats.Lines += lines
	s.offset += size
}

// odoo takes the line as one of Odoo's, and returns the time it names.
func (s *Scanner) odoo(text []byte, rules ruleBits, seen time.Time) time.Time {
	var r record
	own := s.parse(&r, text)
	if s.formed(formOf(&r, text), own, seen) {
		own = s.parse(&r, text)
	}
	if !own {
		if r.form == 0 {
			s.loose(text, rules, seen)
		}
		s.continued(text, seen)
		return time.Time{}
	}
	s.stats.note(r.when)
	stray := s.stray(r.when, seen)
	if s.holdsText(&r, rules, seen) {
		s.unsure(&r, text, seen)
		return r.when
	}
	if r.writer == accessWriter {
		if a, ok := parseAccess(r.msg); ok {
			s.requested(&r, a, seen, stray)
			s.probed(&r, a, seen, stray)
			return r.when
		}
	}
	s.previous = previous{proc: r.proc}
	if l := parseLogin(&r); l.event != otherEvent {
		s.login(&r, l, seen)
	} else {
		s.mark(&r, text, seen)
	}
	if a := s.previous.attempt; a != nil {
		a.stray = stray
	}
	return r.when
}

// stray says whether a record's time cannot be true: earlier than that of the
// record which the burst began with in its file, or later than the moment it was
// read.
// The first line of a burst is a true header, and tells by how much the log's
// clock is ahead of ours. How late records are read it does not tell: where a
// file is polled, those behind it were read sooner.
func (s *Scanner) stray(when, seen time.Time) bool {
	if seen.IsZero() {
		return false
	}
	// A clock that was set back is behind the floor.
	begins := s.began != s.burst && s.forms.begins
	if s.floor.IsZero() || begins || s.file != s.at.Generation || s.latest(seen).Before(s.floor) {
		ahead := when.After(s.latest(seen))
		lag := seen.Sub(when)
		s.lags.note(lag, seen)
		// One record from the future must not make the true ones behind it
		// seem of the past.
		if !ahead {
			s.began, s.file, s.floor, s.late = s.burst, s.at.Generation, when, lag > lateLag
		}
	}
	return when.Before(s.floor.Add(-clockSlack)) || when.After(s.latest(seen))
}

// latest is the latest time that a record can have which was read at seen.
func (s *Scanner) latest(seen time.Time) time.Time { return seen.Add(clockSlack - s.lags.shortest()) }

// container gives each container a number.
func (s *Scanner) container(name []byte) uint32 {
	const most = 4096
	number, known := s.containers[string(name)]
	if !known {
		if len(s.containers) >= most {
			clear(s.containers)
		}
		s.named++
		number = s.named
		s.containers[string(name)] = number
	}
	return number
}

// containerOf is the number of the container that a line of a saved compose log
// came from; zero for any other line.
func (s *Scanner) containerOf(text []byte) uint32 {
	if name, _ := cutCompose(text); name != nil {
		return s.container(name)
	}
	return 0
}

// dbOf is the name of a record's database.
func (s *Scanner) dbOf(r *record) string {
	if r.name != "" {
		return r.name
	}
	return s.intern(r.db)
}

// intern keeps one string for each name of a database.
func (s *Scanner) intern(name []byte) string {
	const most, longest = 256, 128
	if known, ok := s.names[string(name)]; ok {
		return known
	}
	if len(name) > longest {
		return string(name)
	}
	if len(s.names) >= most {
		clear(s.names)
	}
	kept := string(name)
	s.names[kept] = kept
	return kept
}

// note takes the time of the next record.
func (st *Stats) note(when time.Time) {
	if st.First.IsZero() {
		st.First = when
	}
	st.Last = when
}

// login takes a record of the login code.
func (s *Scanner) login(r *record, l login, seen time.Time) {
	if l.event == proxySuspected {
		s.stats.ProxySuspected++
		return
	}
	s.acquaint(r.proc)
	a := s.newAttempt(r, l.event, seen)
	a.addr, a.none, a.header = l.addr, l.none, true
	if a.raw() && !r.sealed {
		s.forms.note(r.form, r.proc.container, s.offset)
	}
	s.doubtTrailer(a, r)
	switch l.event {
	case loginFailed:
		a.rule = s.loginRule
		a.echoOf = s.cooldownBefore(a)
	case cooledDown:
		if !s.old {
			a.rule = s.cooldownRule
		}
	}
	if a.rule != "" {
		a.user = s.texts.add(l.user[:min(len(l.user), longestUser)])
		if a.db = a.recordDB; len(r.database()) == 0 {
			a.db = string(l.db[:min(len(l.db), longestUser)])
		}
	}
	s.add(a)
}

// doubtTrailer takes care of the versions that end the line in the login: 8
// and 9, which the logger tells, and 10, which shares its logger with 11.
func (s *Scanner) doubtTrailer(a *attempt, r *record) {
	if a.event != loginFailed && a.event != loginPassed || bytes.HasPrefix(r.logger, []byte("odoo.addons.base.models")) {
		return
	}
	a.vague = true
	if bytes.HasPrefix(r.logger, []byte("openerp")) || !a.addr.IsValid() && !a.none {
		s.bare = true
	}
	if s.bare {
		a.addr, a.none = netip.Addr{}, false
	}
}

// cooldownBefore returns the cooldown line of the same attempt, if there is
// one: Odoo writes it right before.
func (s *Scanner) cooldownBefore(a *attempt) *attempt {
	const together = 100 * time.Millisecond
	for i := len(s.attempts) - 1; i >= 0 && i >= len(s.attempts)-16; i-- {
		c := s.attempts[i]
		if c.proc != a.proc || c.event == otherEvent {
			continue
		}
		if c.event == cooledDown && c.rule != "" && c.state != refused &&
			(c.addr == a.addr || a.bare()) && a.when.Sub(c.when).Abs() <= together {
			return c
		}
		return nil
	}
	return nil
}

// mark remembers a line of no login that ends in an address, while one is
// open: the login may end in it.
func (s *Scanner) mark(r *record, text []byte, seen time.Time) {
	if len(s.attempts) == 0 || r.sealed {
		return
	}
	addr, none := trailer(text)
	if !addr.IsValid() && !none {
		return
	}
	a := s.newAttempt(r, otherEvent, seen)
	a.addr, a.none, a.header = addr, none, true
	s.add(a)
}

// newAttempt is an attempt at the line just fed.
func (s *Scanner) newAttempt(r *record, e event, seen time.Time) *attempt {
	a := s.spareAttempts.take()
	a.event, a.when, a.micro, a.seen, a.proc, a.recordDB = e, r.when, r.when.UnixMicro(), seen, r.proc, s.dbOf(r)
	a.sure, a.late = r.sealed, s.late && !seen.IsZero()
	a.line, a.at, a.offset, a.burst, a.piece = s.line, s.at, s.offset, s.burst, s.piece
	return a
}

func (s *Scanner) add(a *attempt) {
	s.attempts = append(s.attempts, a)
	s.previous.attempt = a
	s.evidence = max(s.evidence-1, 0)
	s.await(a)
}

// continued takes a line that is no record's header: it continues the record
// before it, which then ends in what this line ends in.
func (s *Scanner) continued(text []byte, seen time.Time) {
	if len(s.attempts) == 0 {
		return
	}
	if s.forms.wrap&composeForm != 0 && !s.previous.lost && s.containerOf(text) != s.previous.proc.container {
		return
	}
	addr, none := trailer(text)
	if a := s.previous.attempt; a != nil && a.raw() {
		if !a.vague || !s.bare {
			a.addr, a.none = addr, none
		}
		return
	}
	if !addr.IsValid() && !none && !s.bare {
		return
	}
	if s.previous.access != nil {
		// A login held the access line.
		s.requests, s.fresh = s.requests[:len(s.requests)-1], true
		s.workers.forget(s.previous.access.line-1, s.previous.access.line)
	}
	s.previous = previous{proc: s.previous.proc}
	if addr.IsValid() || none {
		s.attempts = append(s.attempts, &attempt{
			event: otherEvent, addr: addr, none: none, seen: seen, at: s.at, line: s.line, offset: s.offset,
			burst: s.burst, piece: s.piece,
		})
	}
}

// addForged counts a forged line against the address that sent it.
func (st *Stats) addForged(by netip.Addr) {
	if !by.IsValid() {
		return
	}
	if _, known := st.Forged[by]; known || len(st.Forged) < maxForgers {
		st.Forged[by]++
	}
}

// Open says, for each generation of the source, where the first line stands
// that may be a failure and is not decided.
func (s *Scanner) Open() map[string]int64 {
	open := make(map[string]int64)
	note := func(at Place) {
		if first, ok := open[at.Generation]; !ok || at.Offset < first {
			open[at.Generation] = at.Offset
		}
	}
	for _, a := range s.attempts {
		if a.state == undecided && a.rule != "" && !a.echo() {
			note(a.at)
		}
	}
	for _, p := range s.probes {
		note(p.Place)
	}
	for _, h := range s.traefik.held {
		note(h.Place)
	}
	return open
}
