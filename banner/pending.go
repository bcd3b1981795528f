package banner

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// pending returns what of the bans is still to be put in force, one ban a
// prefix, in the order of the prefixes, and an error that names each prefix
// that must not be banned.
func pending(bans []Ban, now time.Time) ([]Ban, error) {
	latest := make(map[netip.Prefix]Ban, len(bans))
	var refused []error
	for _, b := range bans {
		prefix, err := canonical(b.Prefix)
		if err != nil {
			refused = append(refused, err)
			continue
		}
		if b.Prefix = prefix; b.Until.After(now) && b.Until.After(latest[prefix].Until) {
			latest[prefix] = b
		}
	}
	return slices.SortedFunc(maps.Values(latest), byPrefix), errors.Join(refused...)
}

// canonical returns the prefix as the kernel would keep it, without host bits.
func canonical(p netip.Prefix) (netip.Prefix, error) {
	switch {
	case !p.IsValid() || p.Addr().Is4In6():
		return p, fmt.Errorf("ban %v: not a prefix of IPv4 or IPv6; write it like 203.0.113.7/32 or 2001:db8::/64", p)
	case p.Bits() == 0:
		return p, fmt.Errorf("ban %v: refused, that is everybody; to keep everybody out stop the service", p)
	}
	return p.Masked(), nil
}

func byPrefix(a, b Ban) int { return a.Prefix.Compare(b.Prefix) }
