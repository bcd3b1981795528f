package rules

import (
	"net/netip"
	"time"

	"odooban/rules/batch"
	"odooban/rules/ledger"
	"odooban/rules/odoo"
	"odooban/watcher/framing"
)

// Scanner finds the failures in the lines of one source. It holds what the
// last lines left open. It is not safe for concurrent use.
type Scanner struct {
	set     *Set
	ref     time.Time // completes times without a year
	frames  frames
	parser  odoo.Parser
	batches batch.Tracker
	ledger  *ledger.Ledger
	proxy   proxyLog
	line    uint64
	offset  int64
	// behind says that the next line is the first of a block, behind one that was marked.
	behind   bool
	tail     tail
	stats    Stats
	rejected []Rejection
	event    odoo.Event
}

const (
	// mostForgers bounds how many forgers are told apart, mostRejected how many
	// rejections are kept until somebody asks.
	mostForgers  = 10000
	mostRejected = 1024
	// LonePatience is how long after the last line Settle is to be called again
	// while something is undecided: then a record that nobody answers is settled.
	LonePatience = time.Second
)

// NewScanner returns a Scanner for one source. ref is a moment that no line of
// the source is later than, give or take a day: when a file was last changed for
// a replay, now for a live source, of whose further lines it is when they are read.
// Times that lack a year are completed from it, those that lack a zone are taken in
// its own; it may be zero, then such times cannot be read.
func (set *Set) NewScanner(ref time.Time) *Scanner {
	return &Scanner{
		set: set, ref: ref, ledger: ledger.New(nil), proxy: newProxyLog(set),
		stats: Stats{Forged: make(map[netip.Addr]uint64), Rejected: make(map[Reason]uint64)},
	}
}

// Without switches checks off, to measure what each of them buys: it is called
// before the first line.
func (s *Scanner) Without(off map[Reason]bool) { s.ledger = ledger.New(off) }

// Stats returns what the Scanner has seen so far. Its maps are the Scanner's own:
// they change with the next call of Feed, Settle or Flush.
func (s *Scanner) Stats() Stats { return s.stats }

// Rejected returns what was rejected since it was called last, at most 1024 lines. It
// is valid until the next call of Feed, Settle or Flush.
func (s *Scanner) Rejected() []Rejection {
	r := s.rejected
	s.rejected = s.rejected[:0]
	return r
}

// Distrust says that in Traefik's log the login form shown again proves nothing until
// then: Odoo takes the proxy for somebody who guesses, and shows it to everybody.
func (s *Scanner) Distrust(until time.Time) {
	if s.proxy.log != nil {
		s.proxy.log.Distrust200(until)
	}
}

// Feed takes the next line of the source and appends to dst the failures that it made
// certain.
func (s *Scanner) Feed(dst []Failure, line Line) []Failure {
	s.tail.text = s.tail.text[:0]
	s.behind = false
	return s.feed(dst, &line, s.set.interested(line.Text))
}

// feed takes the next line, which may concern some rules.
func (s *Scanner) feed(dst []Failure, line *Line, rules uint64) []Failure {
	if line.Seen.After(s.ref) {
		s.ref = line.Seen.In(s.ref.Location())
	}
	s.pass(1, line.size())
	if !s.frames.next(line, s.ref, s.offset) {
		return dst
	}
	f := &s.frames.frame
	if f.Joined {
		rules = s.set.interested(f.Text)
	}
	when := s.take(line, f)
	if rules&^builtInBits != 0 {
		if when.IsZero() {
			when = f.Stamp
		}
		dst = s.set.match(dst, s.frames.users(line.Text), rules, line.Place, when, line.ref(s.ref))
	}
	return s.drain(dst)
}

// pass counts lines.
func (s *Scanner) pass(lines uint64, size int64) {
	s.line += lines
	s.stats.Lines += lines
	s.offset += size
}

// take takes a line out of its frame, and returns the time that it names.
func (s *Scanner) take(line *Line, f *framing.Frame) time.Time {
	at := s.at(line, stampOf(f))
	if s.proxy.whose != odoos {
		if when, ok := s.proxy.take(f.Text, at); ok {
			if s.frames.own == 0 {
				s.frames.own = f.Form
			}
			s.stats.note(when)
			return when
		}
	}
	s.parser.Parse(&s.event, f, s.ref)
	return s.odoo(&s.event, at, writerOf(f, s.event.Proc))
}

// stampOf is when a collector took a line, to the millisecond at least; zero where its
// frame does not say.
func stampOf(f *framing.Frame) time.Time {
	if f.Coarse {
		return time.Time{}
	}
	return f.Stamp
}

// at says where a line stands; stamp is what its frame says of when it was written.
func (s *Scanner) at(line *Line, stamp time.Time) ledger.Line {
	moment := batch.Moment{
		Seen: line.Seen, Stamp: line.Stamp, Found: line.Found, Continues: line.Continues, File: line.Place.Generation,
	}
	if moment.Stamp.IsZero() {
		moment.Stamp = stamp
	}
	at := ledger.Line{Number: s.line, Offset: s.offset, Place: line.Place}
	at.Batch, at.Run = s.batches.Next(moment, line.size())
	return at
}

// odoo takes what a line of Odoo's tells, and returns the time of the record that it
// begins.
func (s *Scanner) odoo(e *odoo.Event, at ledger.Line, writer uint64) (when time.Time) {
	if !s.frames.odoos(e, writer) {
		return time.Time{}
	}
	if e.Kind != odoo.Text {
		when = time.UnixMilli(e.Time).UTC()
	}
	if isHeader(e) && s.proxy.whose != odoos {
		if s.proxy.header(&s.stats, at); s.proxy.whose == odoos {
			s.frames.own = 0
		}
	}
	if s.proxy.whose == odoos || s.proxy.whose == nobodys {
		s.judge(e, at)
		s.count(e)
		s.stats.note(when)
	}
	return when
}

// judge hands an event to the ledger, which tells the log's form, too; without rules on Odoo's
// log its first record does.
func (s *Scanner) judge(e *odoo.Event, at ledger.Line) {
	switch {
	case s.set.judges:
		s.ledger.Take(e, at)
		s.frames.own = s.ledger.Form()
	case s.frames.own == 0 && isHeader(e):
		s.frames.own = framing.Form(e.Layout)
	}
}

// count counts what is no failure.
func (s *Scanner) count(e *odoo.Event) {
	switch e.Kind {
	case odoo.Unknown:
		s.stats.Unknown++
	case odoo.Proxy:
		s.stats.ProxySuspected++
	}
}

// note takes the time of the next record.
func (st *Stats) note(when time.Time) {
	if when.IsZero() {
		return
	}
	if st.First.IsZero() {
		st.First = when
	}
	st.Last = when
}

// Settle says that every record read so far is whole, because nothing more has
// come for a while, and appends the failures that this makes certain.
func (s *Scanner) Settle(dst []Failure, now time.Time) []Failure {
	s.batches.Pause()
	s.ledger.Settle(now.UnixMilli())
	s.proxy.settle()
	return s.drain(dst)
}

// Flush says that the source has ended, and appends the failures that this
// makes certain. Nothing stays open.
func (s *Scanner) Flush(dst []Failure) []Failure {
	s.ledger.Flush()
	s.proxy.flush()
	return s.drain(dst)
}

// drain appends the failures that were settled, and counts what was not counted.
func (s *Scanner) drain(dst []Failure) []Failure {
	for _, v := range s.ledger.Verdicts() {
		rule := s.set.ways[v.Way]
		if rule == "" {
			continue
		}
		f := Failure{Time: v.Time, Addr: v.Addr, User: v.User, DB: v.DB, Rule: rule, Place: v.Place}
		if v.Reason == "" {
			dst = append(dst, f)
			continue
		}
		if s.reject(Rejection{Failure: f, Reason: v.Reason, By: v.By}); !v.Forged() {
			s.stats.Unattributed++
		} else if _, known := s.stats.Forged[v.By]; v.By.IsValid() && (known || len(s.stats.Forged) < mostForgers) {
			s.stats.Forged[v.By]++
		}
	}
	if len(s.proxy.verdicts) == 0 {
		return dst
	}
	return s.proxy.drain(dst, s)
}

// reject counts a rejection, and keeps it for whoever asks.
func (s *Scanner) reject(r Rejection) {
	s.stats.Rejected[r.Reason]++
	if len(s.rejected) < mostRejected {
		s.rejected = append(s.rejected, r)
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
	s.ledger.Open(note)
	s.proxy.open(note)
	return open
}
