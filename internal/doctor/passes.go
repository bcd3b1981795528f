package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"odooban/banner"
	"odooban/internal/checkup"
	"odooban/internal/finding"
)

const (
	// banGrace is how long after a ban requests may still be written that were
	// made before it, and slowGrace the same for a request of which nothing but
	// its end is known: Odoo lets one take two minutes.
	banGrace  = 5 * time.Second
	slowGrace = 150 * time.Second
	// lately is how long ago a request of a banned address may be to count: what
	// was wrong before may have been cured.
	lately = 10 * time.Minute
)

// checkBans looks whether the logs have something of addresses that are banned.
// An attacker chooses how many those are, so they are one finding for each log.
func checkBans(x *facts, r *checkup.Report) {
	if x.state == nil || x.state.Backend == banner.BackendDryRun {
		return
	}
	bans := newBanned(x.state.Bans)
	for _, s := range x.logs {
		if seen := x.passes(s, bans); seen != "" {
			r.Find(finding.BanPasses, s.name, seen, "")
		}
	}
}

// gatherBans asks the daemon for its bans.
func gatherBans(ctx context.Context, x *facts, _ *checkup.Report) error {
	if x.ask(ctx) == nil {
		return errors.New("the daemon does not tell which there are")
	}
	return nil
}

// banned finds the ban of an address, however many there are.
type banned struct {
	// since is when a prefix was banned first.
	since map[netip.Prefix]time.Time
	// bits are the lengths that prefixes have, of IPv4 and of IPv6.
	bits map[bool]map[int]bool
}

func newBanned(bans []banner.Ban) *banned {
	all := &banned{
		since: make(map[netip.Prefix]time.Time, len(bans)),
		bits:  map[bool]map[int]bool{true: {}, false: {}},
	}
	for _, b := range bans {
		if since, ok := all.since[b.Prefix]; !ok || b.Time.Before(since) {
			all.since[b.Prefix] = b.Time
		}
		all.bits[b.Prefix.Addr().Is4()][b.Prefix.Bits()] = true
	}
	return all
}

// of returns since when an address has been banned.
func (b *banned) of(addr netip.Addr) (first time.Time, ok bool) {
	for bits := range b.bits[addr.Is4()] {
		p, err := addr.Prefix(bits)
		since, is := b.since[p]
		if err == nil && is && (!ok || since.Before(first)) {
			first, ok = since, true
		}
	}
	return first, ok
}

// passes says what a log has of banned addresses after their bans, if anything.
func (x *facts) passes(s *source, bans *banned) string {
	var one netip.Addr // the least, to say the same each time
	var such string
	in, through := 0, 0
	for addr, v := range s.visitors {
		since, ok := bans.of(addr)
		if !ok {
			continue
		}
		in++
		seen := x.passed(addr, v, since)
		if seen == "" {
			continue
		}
		if through++; through == 1 || addr.Less(one) {
			one, such = addr, seen
		}
	}
	if in > 1 && through > 0 {
		return fmt.Sprintf("%d of the %d banned addresses in it, such as: %s", through, in, such)
	}
	return such
}

// passed says what an address has done after its ban, if anything.
func (x *facts) passed(addr netip.Addr, v *visitor, since time.Time) string {
	from := since
	for _, begin := range []time.Time{x.state.Started, x.now.Add(-lately)} {
		if begin.After(from) {
			from = begin
		}
	}
	failed := 0
	for _, at := range v.times {
		if at.After(from.Add(banGrace)) {
			failed++
		}
	}
	ban := since.UTC().Format(time.RFC3339)
	switch {
	case failed > 1:
		return fmt.Sprintf("%d failed logins of %s after its ban at %s", failed, addr, ban)
	case v.latest.After(from.Add(slowGrace)):
		return fmt.Sprintf("a request of %s at %s, after its ban at %s", addr, v.latest.UTC().Format(time.RFC3339), ban)
	}
	return ""
}
