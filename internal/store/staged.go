package store

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"odooban/banner"
	"odooban/rules"
)

// maxStaged bounds the failures, and the bans, that are kept in memory while
// they cannot be written: some 20 MB.
const maxStaged = 50_000

// staged is what is still to be written: an Update's own, and during an outage
// all since it began. What is asked of the journal is asked of it, too.
type staged struct {
	positions map[string]string
	failures  []Failure
	known     map[identity]bool
	bans      []Ban
	banned    map[banIdentity]bool
	lifts     map[netip.Prefix]time.Time
	pardons   []pardon
}

// pardon is about the failures of the addresses from first to last: those in the
// file, and of those here the first so many.
type pardon struct {
	first, last [16]byte
	time        time.Time
	after       int
}

// identity is what a failure is known by.
type identity struct {
	source string
	place  rules.Place
	rule   string
}

// banIdentity is what a ban is known by; the time is in milliseconds since 1970.
type banIdentity struct {
	prefix netip.Prefix
	rule   string
	time   int64
}

func (f *Failure) identity() identity {
	return identity{f.Source, f.Place, f.Rule}
}

func (b *Ban) identity() banIdentity {
	return banIdentity{b.Prefix, b.Rule, b.Time.UnixMilli()}
}

func newStaged() staged {
	return staged{
		positions: make(map[string]string),
		known:     make(map[identity]bool),
		banned:    make(map[banIdentity]bool),
		lifts:     make(map[netip.Prefix]time.Time),
	}
}

func (s *staged) empty() bool {
	return len(s.positions)+len(s.failures)+len(s.bans)+len(s.lifts)+len(s.pardons) == 0
}

// grow makes room for n failures.
func (s *staged) grow(n int) {
	s.failures = slices.Grow(s.failures, n)
	if len(s.known) == 0 {
		s.known = make(map[identity]bool, n)
	}
}

// add takes a failure that is not here.
func (s *staged) add(f Failure) {
	s.known[f.identity()] = true
	s.failures = append(s.failures, f)
}

// ban takes a ban, unless it is here already.
func (s *staged) ban(b banner.Ban) {
	ban := Ban{Ban: b}
	if s.banned[ban.identity()] {
		return
	}
	s.banned[ban.identity()] = true
	s.bans = append(s.bans, ban)
}

// lift ends the bans that are here, and remembers to end those in the file.
func (s *staged) lift(prefix netip.Prefix, now time.Time) {
	for i := range s.bans {
		if b := &s.bans[i]; b.Prefix == prefix && b.Lifted.IsZero() && b.Until.After(now) {
			b.Lifted = now
		}
	}
	if _, ok := s.lifts[prefix]; !ok { // those in the file are older than the first
		s.lifts[prefix] = now
	}
}

// pardon pardons what is here, and remembers to do so in the file.
func (s *staged) pardon(prefix netip.Prefix, now time.Time) {
	first, last := ends(prefix)
	s.pardons = append(s.pardons, pardon{first, last, now, len(s.failures)})
}

// pardoned says whether a failure of addr was pardoned here, one of the file
// when place is 0, else the one at that place, from 1.
func (s *staged) pardoned(addr netip.Addr, place int) bool {
	ip := addr.As16()
	return slices.ContainsFunc(s.pardons, func(p pardon) bool {
		return place <= p.after && bytes.Compare(p.first[:], ip[:]) <= 0 && bytes.Compare(ip[:], p.last[:]) <= 0
	})
}

// counting returns the failures from since on that were not pardoned.
func (s *staged) counting(since time.Time) (failures []Failure) {
	for i, f := range s.failures {
		if !f.Time.Before(since) && !s.pardoned(f.Addr, i+1) {
			failures = append(failures, f)
		}
	}
	return failures
}

// trim leaves the newest failures and bans, up to most of each, and returns how
// many it dropped.
func (s *staged) trim(most int) int {
	failures, bans := max(0, len(s.failures)-most), max(0, len(s.bans)-most)
	for i := range s.failures[:failures] {
		delete(s.known, s.failures[i].identity())
	}
	for i := range s.bans[:bans] {
		delete(s.banned, s.bans[i].identity())
	}
	s.failures, s.bans = s.failures[failures:], s.bans[bans:]
	for i := range s.pardons {
		s.pardons[i].after = max(0, s.pardons[i].after-failures)
	}
	s.pardons = s.pardons[max(0, len(s.pardons)-most):]
	return failures + bans
}
