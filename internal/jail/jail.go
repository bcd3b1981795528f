// Package jail decides who is banned: it counts failures by policy, and leaves
// alone whom it must.
//
// It asks no clock. A ban begins at the time of the failure that completed it,
// by the log, and ends BanTime later; the same failures in the same order lead
// to the same bans, live or replayed. Whoever acts on a ban has to see whether
// it is over already.
//
// IPv4 addresses are counted and banned one by one, IPv6 addresses by network.
// An IPv6 network that holds an ignored address is the exception: its other
// addresses are counted and banned one by one, too.
//
// Failures during a ban belong to it and count nowhere. After it counting begins
// anew for the rule that banned; what other rules had counted before the ban
// they keep for as long as their FindTime says. A failure from before the ban
// that comes late belongs to it as well if a ban from its own time on would
// still run when the one there is begins. Earlier ones may be a ban of their
// own: no two bans of a prefix ever overlap.
package jail

import (
	"net/netip"
	"time"

	"github.com/gaissmai/bart"

	"odooban/internal/window"
	"odooban/rules"
)

// Decision is a prefix to ban.
type Decision struct {
	Prefix netip.Prefix
	// Rule is the rule whose failures led to the ban.
	Rule string
	// Time is when the last of these failures happened, in UTC and cut to the
	// millisecond. Rule, Prefix and Time identify the ban.
	Time time.Time
	// Until is the first moment at which the ban is over.
	Until time.Time
	// Failures is how many there were.
	Failures int
}

// Jail holds all policies and what they have counted. Observe, Lift and
// Forgotten must not run at the same time: the caller holds a lock. Ignored and
// Key need none.
type Jail struct {
	policies map[string]*policy
	bans     bans
	ignore   bart.Table[string]
	ipv6     int
	maxKeys  int
}

// policy is a Policy at work.
type policy struct {
	Policy
	window *window.Window
	made   []made // the bans that are remembered, oldest first
}

// New returns a Jail that has counted nothing yet. Its errors are about the
// options, and say how to write them.
func New(o Options) (*Jail, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	j := &Jail{
		policies: make(map[string]*policy),
		bans:     make(bans),
		ipv6:     o.IPv6Prefix,
		maxKeys:  o.MaxKeys,
	}
	for _, p := range o.Policies {
		j.policies[p.Rule] = &policy{Policy: p, window: window.New(p.MaxRetry, p.FindTime, o.MaxKeys)}
	}
	for _, i := range o.Ignore {
		j.ignore.Insert(unmapped(i.Prefix), i.Why)
	}
	return j, nil
}

// Observe counts one failure, and returns true with the ban that it leads to,
// if it does. Failures of rules without a policy and of ignored addresses count
// nothing.
func (j *Jail) Observe(f rules.Failure) (Decision, bool) {
	p, known := j.policies[f.Rule]
	if _, ignored := j.Ignored(f.Addr); !known || ignored || !f.Addr.IsValid() {
		return Decision{}, false
	}
	prefix := j.Key(f.Addr)
	if j.bans.cover(prefix, stretchOf(f.Time, p.BanTime)) {
		return Decision{}, false
	}
	last, full := p.window.Add(prefix.Addr().As16(), f.Time)
	// The last is not f when f came late, and may have been counted before
	// another rule's ban that covers it.
	if !full || j.bans.cover(prefix, stretchOf(last, p.BanTime)) {
		return Decision{}, false
	}
	j.bans.remember(p, made{prefix, stretchOf(last, p.BanTime)}, j.maxKeys)
	return Decision{
		Prefix:   prefix,
		Rule:     p.Rule,
		Time:     last,
		Until:    last.Add(p.BanTime),
		Failures: p.MaxRetry,
	}, true
}

// Key returns what the failures of addr are counted by, and what would be
// banned for them.
func (j *Jail) Key(addr netip.Addr) netip.Prefix {
	addr = plain(addr)
	if addr.Is4() {
		return single(addr)
	}
	network, err := addr.Prefix(j.ipv6)
	if err != nil || j.ignore.OverlapsPrefix(network) {
		return single(addr)
	}
	return network
}

// Ignored says whether addr is left alone, and why.
func (j *Jail) Ignored(addr netip.Addr) (why string, ok bool) {
	return j.ignore.Lookup(plain(addr))
}

// Lift forgets the bans of prefix, so that its failures count again from now
// on. It is for bans that people end early.
func (j *Jail) Lift(prefix netip.Prefix) {
	delete(j.bans, prefix)
}

// Forgotten returns how many keys were given up because there were more than
// MaxKeys: an attack from so many addresses that some were counted short.
func (j *Jail) Forgotten() uint64 {
	var sum uint64
	for _, p := range j.policies {
		sum += p.window.Forgotten()
	}
	return sum
}

// plain returns addr as it would be written in a firewall.
func plain(addr netip.Addr) netip.Addr {
	return addr.Unmap().WithZone("")
}
