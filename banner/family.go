package banner

import (
	"errors"
	"net/netip"
)

// The last addresses of the ranges for documentation, to try sets with: nobody has
// them.
const (
	probeIPv4 = "192.0.2.255/32"
	probeIPv6 = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128"
)

// errUntended is why IPv6 is not guarded before Repair. Who comes to take over bans
// takes those of IPv4 then, also where those of IPv6 cannot be had.
var errUntended = errors.New("IPv6 is not guarded yet")

// split parts what is about prefixes by family and keeps the order.
func split[T any](all []T, about func(T) netip.Prefix) (v4, v6 []T) {
	for _, one := range all {
		if about(one).Addr().Is4() {
			v4 = append(v4, one)
		} else {
			v6 = append(v6, one)
		}
	}
	return v4, v6
}

// itself says what a prefix is about.
func itself(p netip.Prefix) netip.Prefix { return p }
