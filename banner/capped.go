package banner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/coreos/go-iptables/iptables"
)

var (
	_ backend = (*capped)(nil)
	_ expirer = (*capped)(nil)
)

// maxRules is how many bans of one family are rules: with 10,000 a round trip
// of everybody takes 3 to 6 times longer.
const maxRules = 1000

// capped is a Firewall for where the kernel has neither ipset nor nftables: one
// iptables rule for each ban, in a chain of its own, odooban, that raw
// PREROUTING jumps to. It holds 1,000 bans of each family; beyond, the one that
// ends soonest makes room. These bans end by expire: the kernel does not do it.
// All methods act in the network namespace of the calling thread.
type capped struct {
	mu     sync.Mutex
	v4, v6 *banChain
	noIPv6 error
}

// newCapped touches nothing yet: Repair puts the chain in place.
func newCapped(opts Options) *capped {
	return &capped{
		v4: newBanChain(iptables.ProtocolIPv4, opts.IPTables, opts.Ports),
		v6: newBanChain(iptables.ProtocolIPv6, opts.IP6Tables, opts.Ports),

		noIPv6: errUntended,
	}
}

// Repair puts the chain, the jump to it and the rules in it in place, adopting
// the bans that it finds, and says what was missing. IPv6 that cannot be guarded
// is not an error: see IPv6.
func (f *capped) Repair(ctx context.Context) (found []string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if found, err = f.v4.repair(ctx); err != nil {
		return found, err
	}
	found6, err := f.v6.repair(ctx)
	if ctx.Err() != nil {
		return found, ctx.Err()
	}
	if f.noIPv6 = nil; err != nil {
		f.noIPv6 = fmt.Errorf("IPv6 is not guarded: %w", err)
	}
	return append(found, found6...), nil
}

// missing returns 0: Repair has looked at each rule.
func (*capped) missing(context.Context, []netip.Prefix) (int, error) { return 0, nil }

// IPv6 returns nil when IPv6 is guarded, else why it is not and what to do.
func (f *capped) IPv6() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.noIPv6
}

// Block makes rules of the bans. See Firewall.
func (f *capped) Block(ctx context.Context, bans []Ban) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	todo, refused := pending(bans, now)
	v4, v6 := split(todo, Ban.about)
	err := f.v4.block(ctx, v4, now)
	switch {
	case len(v6) == 0:
	case f.noIPv6 != nil:
		err = errors.Join(err, fmt.Errorf("block %v: %w", v6[0].Prefix, f.noIPv6))
	default:
		err = errors.Join(err, f.v6.block(ctx, v6, now))
	}
	return errors.Join(refused, err, ctx.Err())
}

// Unblock deletes the rules of the prefixes. See Firewall.
func (f *capped) Unblock(ctx context.Context, prefixes []netip.Prefix) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	v4, v6 := split(prefixes, itself)
	return errors.Join(f.v4.unblock(ctx, v4), f.v6.unblock(ctx, v6), ctx.Err())
}

// List reads the rules. See Firewall.
func (f *capped) List(ctx context.Context) ([]Ban, error) { return bare(f.held(ctx)) }

func (f *capped) held(ctx context.Context) ([]Held, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	rules, err := f.v4.read(ctx)
	if err != nil {
		return nil, err
	}
	// Where IPv6 cannot be guarded nobody can see such rules, and IPv4 goes on.
	rules6, err := f.v6.read(ctx)
	if err != nil && f.noIPv6 == nil {
		return nil, err
	}
	now, all := time.Now(), []Held{}
	for _, found := range []map[banRule]uint64{rules, rules6} {
		for r, packets := range found {
			if end := r.end(); end.IsZero() || end.After(now) {
				all = append(all, Held{Prefix: r.prefix, Until: end, Packets: packets, Counted: true})
			}
		}
	}
	return inOrder(all), ctx.Err()
}

// dropped adds the counters of the rules there are to those of the rules that
// this process has deleted.
func (f *capped) dropped(ctx context.Context) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.v4.dropped(ctx)
	if err != nil || f.noIPv6 != nil {
		return n, err
	}
	n6, err := f.v6.dropped(ctx)
	return n + n6, errors.Join(err, ctx.Err())
}

// expire ends the bans that are due.
func (f *capped) expire(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	return errors.Join(f.v4.expire(ctx, now), f.v6.expire(ctx, now))
}

// Remove takes chain and jump away, and with them all bans. Nothing there is no
// error.
func (f *capped) Remove(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.v4.remove(ctx)
	if err6 := f.v6.remove(ctx); f.noIPv6 == nil {
		err = errors.Join(err, err6)
	}
	return err
}

// Close does nothing: the rules stay.
func (*capped) Close() error { return nil }
