// Package jail decides who is banned: it counts failures by policy, and leaves
// alone whom it must.
//
// It asks no clock. A ban begins at the time of the failure that completed it,
// by the log, and ends BanTime later, or more for a repeat offender; the same
// failures in the same order lead to the same bans, live or replayed. Whoever
// acts on a ban has to see whether it is over already.
//
// IPv4 addresses are counted and banned one by one, IPv6 addresses by network.
// Where an IPv6 network holds an ignored address, the largest networks beside that
// are counted and banned instead. IPv4 clients behind NAT64 are counted and banned
// one by one.
//
// Failures during a ban belong to it and count nowhere, whenever they come. So
// do those of the rule that banned from up to FindTime before: after the ban it
// counts anew. What other rules had counted before the ban they keep for as
// long as their FindTime says. A failure that comes late counts as if it had
// come in time, and may complete a ban that begins before another; but no two
// bans of a prefix ever overlap, so it is none if it would reach into the other.
//
// What counts thus depends on the bans there are, and not on when they were
// made. That lets a jail go on where an earlier one ended: see Remember.
package jail

import (
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

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

// Jail holds all policies and what they have counted. The caller holds a lock,
// but for Leave, Ignored, IgnoredIn, Key, Policies and Lookback, which need none.
type Jail struct {
	policies map[string]*policy
	bans     bans
	growth   Growth
	networks atomic.Pointer[networks]
	maxKeys  int
}

// policy is a Policy at work.
type policy struct {
	Policy
	window *window.Window
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
		bans:     bans{of: make(map[netip.Prefix]history)},
		growth:   o.Growth,
		maxKeys:  o.MaxKeys,
	}
	for _, p := range o.Policies {
		j.policies[p.Rule] = &policy{Policy: p, window: window.New(p.MaxRetry, p.FindTime, o.MaxKeys)}
	}
	j.networks.Store(newNetworks(o.IPv6Prefix, append([]netip.Prefix{wellKnownNAT64}, o.NAT64...), o.Ignore))
	return j, nil
}

// Leave replaces the networks to leave alone, and says whether they hold
// addresses that the earlier ones did not. What was counted of them stays, and
// so do their bans: see Lift. One call comes after the other.
func (j *Jail) Leave(ignore []Ignored) (more bool, err error) {
	for _, i := range ignore {
		if err := i.validate(); err != nil {
			return false, err
		}
	}
	before := j.networks.Load()
	j.networks.Store(newNetworks(before.ipv6, before.nat64, ignore))
	return slices.ContainsFunc(ignore, func(i Ignored) bool {
		_, known := before.ignore.LookupPrefix(unmapped(i.Prefix))
		return !known
	}), nil
}

// Observe counts one failure, and returns true with the ban that it leads to,
// if it does. Failures of rules without a policy and of ignored addresses count
// nothing.
func (j *Jail) Observe(f rules.Failure) (Decision, bool) {
	if _, ignored := j.Ignored(f.Addr); ignored {
		return Decision{}, false
	}
	return j.Count(f)
}

// Count is Observe for an address that is not ignored: who has asked need not
// have it asked again.
func (j *Jail) Count(f rules.Failure) (Decision, bool) {
	p, known := j.policies[f.Rule]
	if !known || !f.Addr.IsValid() {
		return Decision{}, false
	}
	prefix := j.Key(f.Addr)
	past := j.bans.of[prefix]
	if past.claim(p, f.Time.UnixMilli()) {
		return Decision{}, false
	}
	last, full := p.window.Add(prefix.Addr().As16(), f.Time, func(last time.Time) bool {
		return !past.overlap(j.decide(p, prefix, last).stretch())
	})
	if !full {
		return Decision{}, false
	}
	d := j.decide(p, prefix, last)
	j.Remember(d)
	j.bans.expire(d.Time.UnixMilli())
	return d, true
}

// decide returns the ban that p's failures until last lead to.
func (j *Jail) decide(p *policy, prefix netip.Prefix, last time.Time) Decision {
	earlier := j.bans.of[prefix].since(last.UnixMilli(), j.growth.memory())
	return Decision{
		Prefix:   prefix,
		Rule:     p.Rule,
		Time:     last,
		Until:    last.Add(j.growth.length(p.BanTime, earlier)),
		Failures: p.MaxRetry,
	}
}

func (d Decision) stretch() stretch {
	return stretch{d.Time.UnixMilli(), d.Until.UnixMilli()}
}

// Remember puts in a ban from a journal, by whatever rule; one that is known
// already changes nothing.
//
// A new jail goes on where another ended after Remember for all bans that it
// made, in any order, and Observe for all failures that it observed in the last
// Lookback, in the same order. Observe then returns only bans that are missing
// among the remembered ones, and from there on what the other jail would have
// returned: exactly, as long as no failure comes more than the shortest
// FindTime late, and there are no more keys, bans and late failures than a jail
// and its windows keep. To observe more than the last Lookback does no harm.
func (j *Jail) Remember(d Decision) {
	one := ban{rule: d.Rule, stretch: d.stretch()}
	over := max(one.until, d.Time.Add(j.growth.memory()).UnixMilli()) + j.Lookback().Milliseconds()
	if !j.bans.add(d.Prefix, one, over, j.maxKeys) {
		return
	}
	for _, p := range j.policies {
		claim := one.claim(p)
		p.window.Forget(d.Prefix.Addr().As16(), time.UnixMilli(claim.from), time.UnixMilli(claim.until))
	}
}

// Lookback is how far back from the newest failure, by the times of failures,
// the journaled ones have to be observed again after a restart: twice the
// longest FindTime, because the oldest failure that can still lead to a ban
// lies FindTime before one that comes FindTime late.
func (j *Jail) Lookback() time.Duration { return 2 * j.findTime() }

// Policies returns the policies, in the order of their rules.
func (j *Jail) Policies() []Policy {
	var all []Policy
	for _, rule := range slices.Sorted(maps.Keys(j.policies)) {
		all = append(all, j.policies[rule].Policy)
	}
	return all
}

// Keys returns how many addresses and networks have failures of a rule that may
// still count.
func (j *Jail) Keys(rule string) int {
	if p, ok := j.policies[rule]; ok {
		return p.window.Len()
	}
	return 0
}

// Forgotten returns how many addresses and networks with failures of a rule that
// might still have counted were given up, because there were more than MaxKeys.
func (j *Jail) Forgotten(rule string) uint64 {
	if p, ok := j.policies[rule]; ok {
		return p.window.Forgotten()
	}
	return 0
}

// findTime is the longest there is.
func (j *Jail) findTime() time.Duration {
	var longest time.Duration
	for _, p := range j.policies {
		longest = max(longest, p.FindTime)
	}
	return longest
}

// Key returns what the failures of addr are counted by, and what would be
// banned for them.
func (j *Jail) Key(addr netip.Addr) netip.Prefix { return j.networks.Load().key(plain(addr)) }

// Ignored says whether addr is left alone, and why.
func (j *Jail) Ignored(addr netip.Addr) (why string, ok bool) {
	return j.networks.Load().ignore.Lookup(plain(addr))
}

// Lift ends the bans of prefix, so that its failures count again from now on,
// and makes no later ban longer for them. It is for bans that people end early.
// The failures that led to them stay theirs, so that a restart does not ban
// anew: for a lifted ban in the journal call Remember and then Lift, before
// later bans of the prefix are remembered.
func (j *Jail) Lift(prefix netip.Prefix) {
	past := j.bans.of[prefix]
	for i := range past {
		past[i].lifted = true
	}
}

// Pardon forgets what was counted so far of the addresses in prefix; ::/0 is
// everybody, of IPv4 too. What they do from now on counts. After a restart what
// was pardoned must not be observed again.
func (j *Jail) Pardon(prefix netip.Prefix) {
	for _, p := range j.policies {
		p.window.ForgetAll(func(key window.Key) bool {
			addr := netip.AddrFrom16(key)
			return prefix.Contains(addr) || prefix.Contains(addr.Unmap())
		})
	}
}

// Counted returns the times of the failures of a rule that may still lead to a
// ban of prefix, oldest first.
func (j *Jail) Counted(rule string, prefix netip.Prefix) []time.Time {
	if p, ok := j.policies[rule]; ok {
		return p.window.Times(prefix.Addr().As16())
	}
	return nil
}

// IgnoredIn says whether an address in prefix is left alone, which one and why.
func (j *Jail) IgnoredIn(prefix netip.Prefix) (network netip.Prefix, why string, ok bool) {
	table := &j.networks.Load().ignore
	if network, why, ok := table.LookupPrefixLPM(prefix); ok {
		return network, why, true
	}
	for network, why := range table.Subnets(prefix) {
		return network, why, true
	}
	return netip.Prefix{}, "", false
}

// plain returns addr as it would be written in a firewall.
func plain(addr netip.Addr) netip.Addr {
	return addr.Unmap().WithZone("")
}
