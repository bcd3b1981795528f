package banner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-iptables/iptables"
	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
)

var _ backend = (*ipSet)(nil)

// ipSet is a Firewall of one ipset set per family, odooban4 and odooban6, and
// the iptables rules that drop what comes from their members. It acts in the
// network namespace of the thread that made it, except for Repair and Remove,
// which also run iptables in the namespace of the calling thread.
type ipSet struct {
	conn   *nfnetlink.Conn
	v4, v6 guard

	// tending keeps Repair and Remove from running at once.
	tending sync.Mutex
	mu      sync.Mutex
	noIPv6  error
}

// guard is what keeps the banned addresses of one family away.
type guard struct {
	set   set
	rules rules
}

// newIPSet touches nothing yet: Repair puts sets and rules in place.
func newIPSet(opts Options) (*ipSet, error) {
	probe4, probe6 := netip.MustParsePrefix(probeIPv4), netip.MustParsePrefix(probeIPv6)
	conn, err := nfnetlink.Dial()
	if err != nil {
		return nil, err
	}
	return &ipSet{
		conn:   conn,
		noIPv6: errUntended,
		v4: guard{
			set:   set{conn: conn, name: "odooban4", family: unix.AF_INET, batch: 1000, probe: probe4},
			rules: dropRules(iptables.ProtocolIPv4, opts.IPTables, "odooban4", opts.Ports),
		},
		v6: guard{
			set:   set{conn: conn, name: "odooban6", family: unix.AF_INET6, batch: 500, probe: probe6},
			rules: dropRules(iptables.ProtocolIPv6, opts.IP6Tables, "odooban6", opts.Ports),
		},
	}, nil
}

// Repair puts in place what is missing, adopting sets that are there with the
// bans in them, and proves that it works. It says what was missing: nft flush
// ruleset takes the rules with it, but leaves the bans. IPv6 that cannot be
// guarded is not an error: see IPv6.
func (f *ipSet) Repair(ctx context.Context) (found []string, err error) {
	f.tending.Lock()
	defer f.tending.Unlock()
	found, err = f.v4.setUp(ctx)
	if err != nil {
		return found, err
	}
	found6, err := f.v6.setUp(ctx)
	if ctx.Err() != nil {
		return found, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.noIPv6 = nil; err != nil {
		f.noIPv6 = fmt.Errorf("IPv6 is not guarded: %w", err)
	}
	return append(found, found6...), nil
}

// missing looks at the numbers of members, and at some of the prefixes.
func (f *ipSet) missing(ctx context.Context, prefixes []netip.Prefix) (int, error) {
	v4, v6 := split(prefixes, itself)
	lost, err := f.v4.set.missing(ctx, v4)
	if err != nil || f.IPv6() != nil {
		return lost, err
	}
	lost6, err := f.v6.set.missing(ctx, v6)
	return lost + lost6, err
}

// IPv6 returns nil when IPv6 is guarded, else why it is not and what to do.
func (f *ipSet) IPv6() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.noIPv6
}

// Block adds the bans to the sets. See Firewall. A ban longer than 24 days ends
// after that time in the kernel and has to be blocked again. A ban of an IPv6
// prefix is an error while IPv6 is not guarded.
func (f *ipSet) Block(ctx context.Context, bans []Ban) error {
	now := time.Now()
	todo, refused := pending(bans, now)
	members := make([]member, len(todo))
	for i, b := range todo {
		members[i] = member{prefix: b.Prefix, seconds: seconds(b.Until.Sub(now))}
	}
	v4, v6 := split(members, member.about)
	err := f.v4.set.add(ctx, v4)
	if len(v6) == 0 {
		return errors.Join(refused, err)
	}
	if no := f.IPv6(); no != nil {
		return errors.Join(refused, err, fmt.Errorf("block %v: %w", v6[0].prefix, no))
	}
	return errors.Join(refused, err, f.v6.set.add(ctx, v6))
}

// Unblock deletes the prefixes from the sets. See Firewall.
func (f *ipSet) Unblock(ctx context.Context, prefixes []netip.Prefix) error {
	var members []member
	for _, p := range prefixes {
		// What must not be banned is not banned either.
		if p, err := canonical(p); err == nil {
			members = append(members, member{prefix: p})
		}
	}
	v4, v6 := split(members, member.about)
	return errors.Join(f.v4.set.del(ctx, v4), f.orNoSet(f.v6.set.del(ctx, v6)))
}

// orNoSet takes it for no error that there is no set of IPv6 while IPv6 is not
// guarded; there may be one, from when it was.
func (f *ipSet) orNoSet(err error) error {
	if errors.Is(err, syscall.ENOENT) && f.IPv6() != nil {
		return nil //nolint:nilerr // nothing is there
	}
	return err
}

// List reads the sets. See Firewall.
func (f *ipSet) List(ctx context.Context) ([]Ban, error) { return bare(f.held(ctx)) }

func (f *ipSet) held(ctx context.Context) ([]Held, error) {
	now := time.Now()
	members, err := f.v4.set.list()
	if err == nil && ctx.Err() == nil {
		var v6 []member
		v6, err = f.v6.set.list()
		members, err = append(members, v6...), f.orNoSet(err)
	}
	if err = errors.Join(ctx.Err(), err); err != nil {
		return nil, err
	}
	all := make([]Held, len(members))
	for i, m := range members {
		all[i] = Held{Prefix: m.prefix, Packets: m.packets, Counted: m.counted}
		if m.seconds > 0 {
			all[i].Until = now.Add(time.Duration(m.seconds) * time.Second)
		}
	}
	return inOrder(all), nil
}

// dropped reads the counters of the rules.
func (f *ipSet) dropped(ctx context.Context) (uint64, error) {
	n, err := f.v4.rules.dropped(ctx)
	if err != nil || f.IPv6() != nil {
		return n, err
	}
	n6, err := f.v6.rules.dropped(ctx)
	return n + n6, err
}

// Remove takes rules and sets away, and with them all bans. Nothing there is no
// error. Repair puts empty ones back.
func (f *ipSet) Remove(ctx context.Context) error {
	f.tending.Lock()
	defer f.tending.Unlock()
	err := f.v4.tearDown(ctx)
	if err6 := f.v6.tearDown(ctx); f.IPv6() == nil {
		err = errors.Join(err, err6)
	}
	return err
}

// Close lets go of the kernel. All bans stay in force until their end.
func (f *ipSet) Close() error {
	f.conn.Close()
	return nil
}

// setUp leaves no set behind that it has made and that nothing uses.
func (g guard) setUp(ctx context.Context) (found []string, err error) {
	ipt, err := g.rules.open()
	if err != nil {
		return nil, err
	}
	created, err := g.set.create()
	if err != nil {
		return nil, err
	}
	if created {
		found = append(found, "set "+g.set.name+" was gone")
	}
	if err = g.set.try(ctx); err == nil {
		found, err = g.rules.repair(ctx, ipt, found)
	}
	if err != nil && created && g.set.destroy(ctx, 0) == nil {
		return nil, err
	}
	return found, err
}

// tearDown goes on to the set when a rule cannot be deleted: without iptables
// there is no rule, and a set in use is not destroyed, however long one waits.
func (g guard) tearDown(ctx context.Context) error {
	err := g.rules.remove(ctx)
	wait := nfnetlink.Patience * time.Second
	if err != nil {
		wait = 0
	}
	return errors.Join(err, g.set.destroy(ctx, wait))
}
