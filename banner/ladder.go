package banner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Names of backends, for Options and of Keeper.Name.
const (
	BackendIPSet    = "ipset"
	BackendNFTables = "nftables"
	// BackendIPTables has bans that no kernel ends: they last until somebody opens
	// them again.
	BackendIPTables = "iptables"
	// BackendDryRun bans nobody.
	BackendDryRun = "dry-run"
)

// Options are the choices for a firewall; the zero value takes what works here
// and guards all ports.
type Options struct {
	// Backend is ipset, nftables, iptables or dry-run; empty or auto takes the
	// first of the former three that works here.
	Backend string
	// Ports are the destination ports, of TCP and of UDP, that banned
	// prefixes are kept away from. Without any it is all ports of all
	// protocols, which also drops the answers to our own connections there.
	Ports []uint16
	// IPTables and IP6Tables are the commands to use, to choose between the
	// nft and the legacy variant; empty means iptables and ip6tables in PATH.
	IPTables, IP6Tables string
}

// backend is one way to keep prefixes away, and how it is tended.
type backend interface {
	Firewall
	// Repair puts in place what is missing, and says what that was.
	Repair(ctx context.Context) (found []string, err error)
	// missing says how many of the prefixes are not kept away. It may look at
	// only some, the first ones, but notices when all are gone.
	missing(ctx context.Context, prefixes []netip.Prefix) (int, error)
	// held returns what List does, with the packets that were dropped.
	held(ctx context.Context) ([]Held, error)
	// dropped returns how many packets were dropped since the rules were made. It
	// gives up soon after the deadline of ctx.
	dropped(ctx context.Context) (uint64, error)
	// IPv6 returns nil when IPv6 is guarded, else why not and what to do.
	IPv6() error
	// Remove takes everything of ours away, and with it all bans.
	Remove(ctx context.Context) error
	Close() error
}

// sampleSize is how many prefixes are looked for where it is not worth while
// to look for all.
const sampleSize = 100

// rung is one step of the ladder.
type rung struct {
	name string
	// make makes the backend and touches nothing.
	make func(Options) (backend, error)
}

// ladder is what auto tries, best first. What we lack the privilege for comes
// after what is as good.
func ladder() []rung {
	rungs := []rung{
		{BackendIPSet, func(o Options) (backend, error) { return orNil(newIPSet(o)) }},
		{BackendNFTables, func(o Options) (backend, error) { return orNil(newNFTables(o)) }},
		{BackendIPTables, func(o Options) (backend, error) { return newCapped(o), nil }},
	}
	if !mayMatchSets() {
		rungs[0], rungs[1] = rungs[1], rungs[0]
	}
	return rungs
}

// orNil keeps a nil pointer from becoming a backend that is not nil.
func orNil[B backend](b B, err error) (backend, error) {
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Open sets up the firewall that the options choose, proves that it works, and
// adopts the bans that it finds, those of another backend too; where to list them
// takes long, when they are asked for, and the others while Keep runs. An error says
// for each backend that was tried what is missing and what to do about it.
func Open(ctx context.Context, opts Options) (*Keeper, error) {
	if opts.Backend == BackendDryRun {
		return newKeeper(BackendDryRun, new(dry)), nil
	}
	best, tried := climb(ctx, opts)
	if best != nil {
		return adopt(ctx, best, opts)
	}
	switch len(tried) {
	case 0:
		return nil, fmt.Errorf("unknown firewall backend %q: write auto, ipset, nftables, iptables or dry-run", opts.Backend)
	case 1:
		return nil, tried[0]
	}
	return nil, fmt.Errorf("no firewall works here:\n%w", errors.Join(tried...))
}

// opened is a backend that is in place, and why better ones are not used.
type opened struct {
	backend
	name  string
	tried []error
}

// climb opens the first backend that guards both families, or if none does the first
// that works. Where none works it says why.
func climb(ctx context.Context, opts Options) (best *opened, tried []error) {
	for _, r := range ladder() {
		if opts.Backend != "" && opts.Backend != "auto" && opts.Backend != r.name {
			continue
		}
		b, err := r.open(ctx, opts)
		if err == nil {
			found := &opened{b, r.name, slices.Clone(tried)}
			err = b.IPv6()
			switch {
			case best == nil:
				best = found
			case err == nil:
				err, best = best.Close(), found
			default:
				err = errors.Join(err, b.Close())
			}
		}
		if err == nil {
			break
		}
		tried = append(tried, fmt.Errorf("%s: %w", r.name, err))
	}
	return best, tried
}

func (r rung) open(ctx context.Context, opts Options) (backend, error) {
	return prepared(ctx, r.make, opts)
}

// prepared makes a backend and puts it in place.
func prepared[B backend](ctx context.Context, produce func(Options) (B, error), opts Options) (B, error) {
	b, err := produce(opts)
	if err != nil {
		return b, err
	}
	if _, err := b.Repair(ctx); err != nil {
		return b, errors.Join(err, b.Close())
	}
	return b, nil
}

// adopt makes the keeper of a backend that is in place, with the bans that are
// in force, if it lists them quickly.
func adopt(ctx context.Context, b *opened, opts Options) (*Keeper, error) {
	k := newKeeper(b.name, b.backend)
	k.changes = changes
	for _, err := range b.tried {
		k.notes = append(k.notes, fmt.Errorf("not used: %w", err))
	}
	if k.Adopt(); k.slow == nil {
		began := time.Now()
		bans, err := b.List(ctx)
		if err != nil {
			return nil, errors.Join(err, b.Close())
		}
		k.mu.Lock()
		k.adopt(bans, time.Since(began))
		k.mu.Unlock()
	}
	k.takeOver(ctx, opts)
	return k, nil
}

// dry is a DryRun as a backend: there is nothing to tend.
type dry struct{ DryRun }

func (*dry) Repair(context.Context) ([]string, error)             { return nil, nil }
func (*dry) missing(context.Context, []netip.Prefix) (int, error) { return 0, nil }
func (*dry) IPv6() error                                          { return nil }
func (*dry) dropped(ctx context.Context) (uint64, error)          { return 0, ctx.Err() }
func (*dry) Remove(context.Context) error                         { return nil }
func (*dry) Close() error                                         { return nil }

// held drops nothing, so it counts nothing.
func (d *dry) held(ctx context.Context) ([]Held, error) {
	bans, err := d.List(ctx)
	all := make([]Held, len(bans))
	for i, b := range bans {
		all[i] = Held{Prefix: b.Prefix, Until: b.Until}
	}
	return all, err
}
