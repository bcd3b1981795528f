package jail

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

const (
	defaultIPv6Prefix = 64
	defaultMaxKeys    = 1_000_000

	maxMaxRetry = 1000 // each key may hold twice as many times
	maxMaxKeys  = 100_000_000
)

// Policy says when a rule's failures lead to a ban: at the failure that makes
// MaxRetry of them within FindTime, both ends included.
type Policy struct {
	// Rule is the name of the rule, as failures carry it.
	Rule string
	// MaxRetry is the number of failures that lead to a ban, 1 to 1000.
	MaxRetry int
	// FindTime is how far back failures count, at least a millisecond.
	FindTime time.Duration
	// BanTime is how long a ban lasts, at least a second.
	BanTime time.Duration
}

// Ignored is a network whose addresses are never counted and never banned.
type Ignored struct {
	Prefix netip.Prefix
	// Why is for people: "loopback", "this host's address on eth0".
	Why string
}

// Options are what a Jail is made of.
type Options struct {
	// Policies holds one policy for each rule that may ban.
	Policies []Policy
	// Ignore lists the networks to leave alone.
	Ignore []Ignored
	// IPv6Prefix is the length of the IPv6 networks that are counted and banned
	// as one, 32 to 128; 0 means 64.
	IPv6Prefix int
	// NAT64 lists the prefixes of translators beside 64:ff9b::/96, of a length that
	// RFC 6052 knows: 32, 40, 48, 56, 64 or 96.
	NAT64 []netip.Prefix
	// Growth makes the bans of repeat offenders longer.
	Growth Growth
	// MaxKeys bounds the keys counted for each policy, and the bans remembered;
	// 0 means a million.
	MaxKeys int
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.IPv6Prefix == 0 {
		o.IPv6Prefix = defaultIPv6Prefix
	}
	if o.MaxKeys == 0 {
		o.MaxKeys = defaultMaxKeys
	}
	return o
}

func (o Options) validate() error {
	switch {
	case len(o.Policies) == 0:
		return errors.New("no jail is configured; add one, such as " +
			"{rule: odoo-login, maxretry: 10, findtime: 1m, bantime: 15m}")
	case o.IPv6Prefix < 32 || o.IPv6Prefix > 128:
		return fmt.Errorf("ipv6 prefix length %d is not between 32 and 128; use 64", o.IPv6Prefix)
	case o.MaxKeys < 1 || o.MaxKeys > maxMaxKeys:
		return fmt.Errorf("limit of %d keys is not between 1 and %d; use %d", o.MaxKeys, maxMaxKeys, defaultMaxKeys)
	}
	seen := make(map[string]bool)
	for _, p := range o.Policies {
		if err := p.validate(); err != nil {
			return err
		}
		if seen[p.Rule] {
			return fmt.Errorf("rule %s has two jails; keep one of them", p.Rule)
		}
		seen[p.Rule] = true
	}
	if err := o.Growth.validate(o.Policies); err != nil {
		return err
	}
	for _, i := range o.Ignore {
		if err := i.validate(); err != nil {
			return err
		}
	}
	for _, p := range o.NAT64 {
		if err := validateNAT64(p); err != nil {
			return err
		}
	}
	return nil
}

// validateNAT64 returns what is wrong with the prefix of a translator, and how to
// write it.
func validateNAT64(p netip.Prefix) error {
	if !p.IsValid() || !p.Addr().Is6() || p != p.Masked() || !slices.Contains([]int{32, 40, 48, 56, 64, 96}, p.Bits()) {
		return fmt.Errorf("%v is no prefix of NAT64; write one of IPv6 with a length of 32, 40, 48, 56, 64 or 96, "+
			"such as 64:ff9b:1::/96", p)
	}
	return nil
}

func (p Policy) validate() error {
	switch {
	case p.Rule == "":
		return errors.New("a jail names no rule; add rule: odoo-login, or another that it is for")
	case p.MaxRetry < 1 || p.MaxRetry > maxMaxRetry:
		return fmt.Errorf("jail %s: maxretry %d is not between 1 and %d; write maxretry: 10", p.Rule, p.MaxRetry, maxMaxRetry)
	case p.FindTime < time.Millisecond:
		return fmt.Errorf("jail %s: findtime %v is under a millisecond; write findtime: 1m", p.Rule, p.FindTime)
	case p.BanTime < time.Second:
		return fmt.Errorf("jail %s: bantime %v is under a second; write bantime: 15m", p.Rule, p.BanTime)
	}
	return nil
}

func (i Ignored) validate() error {
	switch {
	case !i.Prefix.IsValid():
		return fmt.Errorf("ignored network (%s) is not valid; write an address with its length, such as 198.51.100.0/24",
			i.Why)
	case i.Prefix != i.Prefix.Masked():
		return fmt.Errorf("ignored network %v has bits set behind its length; write %v for the network or %v for the address",
			i.Prefix, i.Prefix.Masked(), single(i.Prefix.Addr()))
	}
	return nil
}

// unmapped returns the prefix of IPv4 addresses that one of IPv4-mapped IPv6
// addresses stands for, and any other as it is.
func unmapped(p netip.Prefix) netip.Prefix {
	if !p.Addr().Is4In6() || p.Bits() < 96 {
		return p
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
}

func single(addr netip.Addr) netip.Prefix {
	return netip.PrefixFrom(addr, addr.BitLen())
}
