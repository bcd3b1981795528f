package engine

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"odooban/banner"
	"odooban/internal/jail"
	"odooban/internal/printable"
	"odooban/internal/store"
)

// Manual is the rule of bans that people make.
const Manual = "manual"

// Unblocker is a firewall that ends bans. See banner.Firewall.
type Unblocker interface {
	Unblock(ctx context.Context, prefixes []netip.Prefix) error
}

// IgnoredError says why a prefix is not banned.
type IgnoredError struct {
	// Prefix was to be banned; Network, which it overlaps, is left alone.
	Prefix, Network netip.Prefix
	Why             string
}

func (e *IgnoredError) Error() string {
	if e.Prefix == e.Network {
		return fmt.Sprintf("%s is never banned (%s)", e.Prefix, e.Why)
	}
	return fmt.Sprintf("%s is not banned: %s is never banned (%s)", e.Prefix, e.Network, e.Why)
}

// Ban puts a ban in force that people want, for this long, whatever was counted,
// and records it. A longer one that is in force stays. One that the firewall
// refuses is an error, and tried again by Run.
func (e *Engine) Ban(
	ctx context.Context, prefix netip.Prefix, length time.Duration, now time.Time,
) (banner.Ban, error) {
	if network, why, ok := e.jail.IgnoredIn(prefix); ok {
		return banner.Ban{}, &IgnoredError{Prefix: prefix, Network: network, Why: why}
	}
	now = now.UTC().Truncate(time.Millisecond)
	b := banner.Ban{Prefix: prefix, Rule: Manual, Time: now, Until: now.Add(length)}
	e.acting.Lock()
	defer e.acting.Unlock()
	e.mu.Lock()
	e.jail.Remember(jail.Decision{Prefix: prefix, Rule: Manual, Time: b.Time, Until: b.Until})
	e.mu.Unlock()
	if e.journal != nil {
		e.journal.Update(func(tx *store.Tx) { tx.Ban(b) })
	}
	if err := e.firewall.Block(ctx, []banner.Ban{b}); err != nil {
		e.refused(ctx, []banner.Ban{b}, err)
		return b, fmt.Errorf("ban %[1]s: %[2]w; it is recorded and tried again (odooban unban %[1]s takes it back)",
			printable.Prefix(prefix), err)
	}
	return b, nil
}

// Lift ends the bans of exactly these prefixes, and forgets what was counted of
// the addresses in them: what led to the bans does not lead to others.
func (e *Engine) Lift(ctx context.Context, from Unblocker, prefixes []netip.Prefix, now time.Time) error {
	e.acting.Lock()
	defer e.acting.Unlock()
	e.lift(prefixes, prefixes, now)
	return from.Unblock(ctx, prefixes)
}

// Flush ends all bans, those of held and those of the journal, and forgets all
// that was counted. It says how many prefixes are free again.
func (e *Engine) Flush(ctx context.Context, from Unblocker, held []netip.Prefix, now time.Time) (int, error) {
	e.acting.Lock()
	defer e.acting.Unlock()
	all := make(map[netip.Prefix]bool)
	for _, p := range held {
		all[p] = true
	}
	if e.journal != nil {
		bans, err := e.journal.Bans(now)
		if err != nil {
			return 0, err
		}
		for _, b := range bans {
			all[b.Prefix] = true
		}
	}
	prefixes := make([]netip.Prefix, 0, len(all))
	for p := range all {
		prefixes = append(prefixes, p)
	}
	e.lift(prefixes, []netip.Prefix{netip.MustParsePrefix("::/0")}, now)
	return len(prefixes), from.Unblock(ctx, prefixes)
}

// lift ends bans but for those in the kernel, and pardons.
func (e *Engine) lift(prefixes, pardoned []netip.Prefix, now time.Time) {
	e.retries.drop(prefixes)
	e.mu.Lock()
	for _, p := range prefixes {
		e.jail.Lift(p)
	}
	for _, p := range pardoned {
		e.jail.Pardon(p)
	}
	e.mu.Unlock()
	if e.journal == nil {
		return
	}
	e.journal.Update(func(tx *store.Tx) {
		for _, p := range prefixes {
			tx.Lift(p, now)
		}
		for _, p := range pardoned {
			tx.Pardon(p, now)
		}
	})
}

// Standing is what an Engine would do with an address.
type Standing struct {
	// Prefix is what its failures are counted by, and what would be banned.
	Prefix netip.Prefix
	// Ignored says why it is left alone, or is empty.
	Ignored string
	// Counted has the failures of each rule that may still lead to a ban.
	Counted []Counted
}

// Counted are the failures of one rule.
type Counted struct {
	jail.Policy
	// Times are those of the failures, oldest first.
	Times []time.Time
}

// Standing tells how an address stands.
func (e *Engine) Standing(addr netip.Addr) Standing {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := Standing{Prefix: e.jail.Key(addr)}
	s.Ignored, _ = e.jail.Ignored(addr)
	for _, p := range e.jail.Policies() {
		if times := e.jail.Counted(p.Rule, s.Prefix); len(times) > 0 {
			s.Counted = append(s.Counted, Counted{p, times})
		}
	}
	return s
}
