package banner

import "net/netip"

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
