package rules

import (
	"net/netip"
	"time"
)

const (
	// burstAge is how long after an attempt was read the rest of its record
	// has been read as well, even if lines came without a pause.
	burstAge = 100 * time.Millisecond
	// lonePatience is how long attempts that were read together wait for an
	// access line in a source that seems to have none.
	lonePatience = time.Second
)

// Settle says that every record read so far is whole, because nothing more has
// come for a while, and appends the failures that this makes certain.
func (s *Scanner) Settle(dst []Failure, now time.Time) []Failure {
	dst = s.sweep(dst, sweep{now: now, settled: true})
	s.burst++
	return dst
}

// Flush says that the source has ended, and appends the failures that this
// makes certain. Nothing stays open.
func (s *Scanner) Flush(dst []Failure) []Failure {
	return s.sweep(dst, sweep{final: true, settled: true})
}

// advance goes through the attempts now and then while lines come without a
// pause.
func (s *Scanner) advance(dst []Failure, seen time.Time) []Failure {
	due := s.offset-s.swept >= sweepEvery || len(s.attempts) >= maxAttempts
	if !seen.IsZero() && seen.Sub(s.aged) >= burstAge {
		s.aged, due = seen, true
	}
	if !due || len(s.attempts) == 0 {
		return dst
	}
	return s.sweep(dst, sweep{now: seen})
}

// sweep is one passage through the attempts.
type sweep struct {
	now     time.Time // zero in history
	settled bool      // every record read so far is whole
	final   bool      // nothing more will come
	bursts  map[uint64]burst
	// held are the addresses with an attempt that waits: what they did later
	// is told later.
	held map[netip.Addr]bool
}

// burst sums up the undecided lines that were read together.
type burst struct {
	unproven int
	last     uint64     // the last unproven line that ends in an address
	ending   netip.Addr // the address it ends in
	mixed    bool       // unproven lines end in different addresses
}

// sweep tells the failures that have become certain and forgets what can no
// longer matter.
func (s *Scanner) sweep(dst []Failure, p sweep) []Failure {
	s.swept = s.offset
	if !p.final && !p.now.IsZero() {
		p.bursts = s.bursts()
		p.held = make(map[netip.Addr]bool)
	}
	crowd := len(s.attempts) - maxAttempts/2
	if len(s.attempts) < maxAttempts {
		crowd = 0
	}
	for i, a := range s.attempts {
		if a.state == undecided && a.counts() && s.decide(a, &p, i < crowd) {
			dst = append(dst, a.failure())
		}
	}
	s.forget(&p, crowd)
	return dst
}

// bursts sums up the attempts by the burst they came in.
func (s *Scanner) bursts() map[uint64]burst {
	bursts := make(map[uint64]burst)
	for _, a := range s.attempts {
		if a.provenBy > 0 || a.sure || a.state == forged {
			continue
		}
		b := bursts[a.burst]
		b.mixed = b.mixed || b.unproven > 0 && b.ending != a.addr
		b.unproven++
		b.ending = a.addr
		if a.addr.IsValid() || a.none {
			b.last = a.line
		}
		bursts[a.burst] = b
	}
	return bursts
}

// decide tells a failure, drops it, or leaves it for later; it says whether
// the failure is to be told.
func (s *Scanner) decide(a *attempt, p *sweep, crowded bool) bool {
	past := p.final || crowded || s.offset-a.offset > horizon
	switch {
	case a.proven():
		if past || s.whole(a, p) && p.bursts[a.burst].last <= a.line && !p.held[a.addr] {
			a.state = told
		}
	case a.provenBy > 0 || a.wanting:
		if past || s.expired(a, p) {
			s.refuse(a)
		}
		return false
	case !a.addr.IsValid():
		if p.final || crowded || s.expired(a, p) {
			s.refuse(a)
		}
		return false
	case past:
		a.state = told
	case s.whole(a, p) && !p.held[a.addr]:
		s.decideUnproven(a, p)
	}
	if a.state == undecided && p.held != nil {
		p.held[a.addr] = true
	}
	return a.state == told
}

// decideUnproven decides on a whole line that ends in an address and whose
// access line has not come. If it was read alone, it is a whole record. If
// not, it may be part of another line's login: its access line will say so,
// and where there are none, only the last line is sure to end a record.
func (s *Scanner) decideUnproven(a *attempt, p *sweep) {
	b := p.bursts[a.burst]
	switch {
	case b.unproven == 1 || s.expired(a, p) || a.seen.IsZero() && s.evidence == 0:
		a.state = told
	case s.evidence > 0 || p.now.Sub(a.seen) < lonePatience:
	case !b.mixed || a.line == b.last:
		a.state = told
	default:
		s.refuse(a)
	}
}

// whole says whether everything that was written with the attempt is read.
func (s *Scanner) whole(a *attempt, p *sweep) bool {
	if p.bursts == nil {
		return false
	}
	return p.settled || a.burst < s.burst || !a.seen.IsZero() && p.now.Sub(a.seen) >= burstAge
}

// expired says whether the attempt's request must have ended.
func (s *Scanner) expired(a *attempt, p *sweep) bool {
	if p.now.IsZero() || a.seen.IsZero() {
		return s.stats.Last.Sub(a.when) > requestLimit
	}
	return p.now.Sub(a.seen) > requestLimit
}

// refuse settles that an attempt is not counted.
func (s *Scanner) refuse(a *attempt) {
	if !a.blame.IsValid() {
		s.stats.Unattributed++
	}
	s.forge(a, a.blame)
	a.state = forged
}

// forget drops the attempts that can no longer matter.
func (s *Scanner) forget(p *sweep, crowd int) {
	kept := s.attempts[:0]
	for i, a := range s.attempts {
		past := p.final || i < crowd || s.offset-a.offset > horizon
		if past && (a.state != undecided || !a.counts()) {
			if a.state == undecided && a.wanting {
				s.forge(a, a.blame)
			}
			continue
		}
		kept = append(kept, a)
	}
	clear(s.attempts[len(kept):])
	s.attempts = kept
}
