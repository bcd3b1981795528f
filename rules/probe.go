package rules

import (
	"math"
	"slices"
	"time"
)

// The built-in rules on Odoo's access lines.
const (
	// DatabaseRule finds requests for the database manager.
	DatabaseRule = "odoo-database"
	// APIRule finds requests to the JSON API that named no valid key.
	APIRule = "odoo-api"
	// TOTPRule finds one-time codes that were wrong.
	TOTPRule = "odoo-totp"
	// ResetRule finds requests for a new password.
	ResetRule = "odoo-reset"
)

// An access line is the whole of such an attempt. All that has to be found out
// is whether it is real: it may be a part of a login.

// probe is an access line that is a failure if it is real.
type probe struct {
	Failure
	seen   time.Time
	line   uint64
	offset int64
	burst  uint64
	piece  uint64
	sealed bool
	void   bool // it is a part of a login
}

// maxProbes bounds how many wait.
const maxProbes = 8192

// rule is the rule by which the request is a failure, or empty.
func (a *access) rule() string {
	switch {
	case a.page == databasePage && !a.redirected():
		return DatabaseRule
	case a.page == apiPage && a.status == unauthorized:
		return APIRule
	case a.page == totpPage && a.post && a.status == 200:
		return TOTPRule
	case a.page == resetPage && a.post && a.status == 200:
		return ResetRule
	}
	return ""
}

// probed takes an access line.
func (s *Scanner) probed(r *record, a access, seen time.Time, stray bool) {
	rule := a.rule()
	if rule == "" {
		return
	}
	if rule = s.set.rule(rule); rule == "" || stray && !r.sealed {
		return
	}
	if len(s.probes) >= maxProbes {
		s.stats.Unattributed += maxProbes / 2
		s.probes = slices.Delete(s.probes, 0, maxProbes/2)
	}
	s.probes = append(s.probes, &probe{
		Failure: Failure{Time: r.when, Addr: a.addr, DB: string(r.database()), Rule: rule, Place: s.at},
		seen:    seen, line: s.line, offset: s.offset, burst: s.burst, piece: s.piece, sealed: r.sealed,
	})
}

// tellProbes appends those of which it has become certain that they are real.
func (s *Scanner) tellProbes(dst []Failure, p *sweep) []Failure {
	if len(s.probes) == 0 {
		return dst
	}
	s.prepare(p)
	dst, _ = appendProbes(dst, s.realProbes(p), math.MaxUint64)
	return dst
}

// appendProbes appends those that stand before a line, and returns the rest.
func appendProbes(dst []Failure, probes []*probe, line uint64) ([]Failure, []*probe) {
	for len(probes) > 0 && probes[0].line < line {
		dst, probes = append(dst, probes[0].Failure), probes[1:]
	}
	return dst, probes
}

// realProbes takes those away of which it has become certain that they are real,
// or that they are not, and returns the former. The passage is prepared.
func (s *Scanner) realProbes(p *sweep) (certain []*probe) {
	s.probes = slices.DeleteFunc(s.probes, func(one *probe) bool {
		if one.seen.IsZero() && !one.sealed && !p.final && s.offset-one.offset <= longestText {
			return false // doubtDatabase may take it back
		}
		if !one.sealed && s.withheld(one.line, one.burst, p) {
			return p.settled
		}
		holders := s.holders(one)
		one.void = one.void || s.enclosed(one) || s.amidst(one)
		if slices.ContainsFunc(holders, func(a *attempt) bool { return s.undecided(a, one, p) }) {
			return false
		}
		if !one.void {
			certain = append(certain, one)
		}
		return true
	})
	return certain
}

// holders returns the attempts whose login may hold the line: in history all
// before it, live those that were read together with it.
func (s *Scanner) holders(one *probe) []*attempt {
	if one.sealed {
		return nil
	}
	var holders []*attempt
	for _, a := range s.between(0, one.line) {
		if a.raw() && !a.sure && (one.seen.IsZero() || a.burst == one.burst && one.seen.Sub(a.seen) <= burstAge) {
			holders = append(holders, a)
		}
	}
	return holders
}

// undecided says whether more lines can yet tell that a's login holds the probe.
func (s *Scanner) undecided(a *attempt, one *probe, p *sweep) bool {
	switch {
	case s.past(a, p):
		return false
	case one.seen.IsZero():
		return true
	case one.burst == s.burst && !p.settled && p.now.Sub(one.seen) < burstAge:
		return true
	}
	return a.state == undecided && a.claim == nil && a.inside == nil && (s.bare || s.endsBehind(one))
}

// endsBehind says whether a login that holds the line may end in what was read together
// with it.
func (s *Scanner) endsBehind(one *probe) bool {
	return slices.ContainsFunc(s.between(one.line, s.line+1), func(a *attempt) bool {
		return a.burst == one.burst && !a.bare()
	})
}

// enclosed says whether the line stands within a login.
func (s *Scanner) enclosed(one *probe) bool {
	return slices.ContainsFunc(s.between(one.line, s.line+1), func(a *attempt) bool {
		return a.inside != nil && a.inside.first != nil && a.inside.first.line < one.line
	})
}

// amidst says whether, where requests of one process overlap, the line was read at once
// with a record before it and a line behind it that ends in another address.
func (s *Scanner) amidst(one *probe) bool {
	if one.seen.IsZero() || one.sealed || s.workers.prefork() {
		return false
	}
	n := s.readUntil(one.piece)
	if n == 0 {
		return false
	}
	last := s.attempts[n-1]
	answered := last.claim != nil && last.claim.piece == last.piece
	if answered || last.piece != one.piece || last.line < one.line || last.bare() || last.addr == one.Addr {
		return false
	}
	before := s.between(0, one.line)
	return slices.ContainsFunc(before[max(0, len(before)-reach):], func(a *attempt) bool {
		return a.piece == one.piece && a.raw() && !a.sure && s.promptly(a.when, a.seen)
	})
}
