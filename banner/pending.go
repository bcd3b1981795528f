package banner

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// pending returns what of the bans is still to be put in force, one ban a
// prefix, and an error that names each prefix that must not be banned.
func pending(bans []Ban, now time.Time) ([]Ban, error) {
	todo := make([]Ban, 0, len(bans))
	place := make(map[netip.Prefix]int, len(bans))
	var refused []error
	for _, b := range bans {
		prefix, err := canonical(b.Prefix)
		if err != nil {
			refused = append(refused, err)
			continue
		}
		b.Prefix = prefix
		i, known := place[prefix]
		switch {
		case !b.Until.After(now):
		case !known:
			place[prefix] = len(todo)
			todo = append(todo, b)
		case b.Until.After(todo[i].Until):
			todo[i] = b
		}
	}
	return todo, errors.Join(refused...)
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
