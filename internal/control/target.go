package control

import (
	"fmt"
	"net/netip"
	"strings"

	"odooban/internal/config"
)

// target is what a ban is to be about: an address, with what else is banned
// with it, or exactly a prefix.
type target struct {
	prefix netip.Prefix
	// single says that an address was named.
	single bool
}

// Check says what is wrong with an order, so that nobody has to be asked for
// that.
func (o Order) Check() error {
	if _, err := parseTarget(o.Prefix); err != nil {
		return &wrongError{err}
	}
	if o.For == "" {
		return nil
	}
	if _, err := config.ParseDuration(o.For); err != nil {
		return &wrongError{err}
	}
	return nil
}

// ParseAddr reads an address as people write it. The error says how.
func ParseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil || addr.IsUnspecified() {
		return netip.Addr{}, fmt.Errorf("%q is no address; write one like 203.0.113.7 or 2001:db8::7", text)
	}
	return addr.Unmap().WithZone(""), nil
}

// parseTarget reads an address or a network as people write it.
func parseTarget(text string) (target, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "/") {
		addr, err := ParseAddr(text)
		if err != nil {
			return target{}, fmt.Errorf("%w, or a network like 203.0.113.0/24", err)
		}
		return target{netip.PrefixFrom(addr, addr.BitLen()), true}, nil
	}
	p, err := config.ParsePrefix(text)
	if err != nil {
		return target{}, err
	}
	if p.Bits() == 0 {
		return target{}, fmt.Errorf("%s is everybody; to keep everybody out stop the service", p)
	}
	return target{p, false}, nil
}
