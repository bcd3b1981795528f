package jail

import (
	"net/netip"
	"slices"
	"sort"

	"github.com/gaissmai/bart"
)

// wellKnownNAT64 is the prefix of RFC 6052 that translators put IPv4 addresses into.
var wellKnownNAT64 = netip.MustParsePrefix("64:ff9b::/96")

// networks says which addresses are counted together, and which are left alone.
// It does not change.
type networks struct {
	ipv6   int            // the length of IPv6 networks
	nat64  []netip.Prefix // of translators, each with all of IPv4 behind it
	ignore bart.Table[string]
}

// newNetworks adds to the ignored IPv4 networks the forms in which translators
// show them.
func newNetworks(ipv6 int, nat64 []netip.Prefix, ignore []Ignored) *networks {
	n := &networks{ipv6: ipv6, nat64: nat64}
	for _, i := range ignore {
		p := unmapped(i.Prefix)
		n.ignore.Insert(p, i.Why)
		if p.Addr().Is4() {
			for _, translator := range nat64 {
				n.ignore.Insert(translated(translator, p), i.Why)
			}
		}
	}
	return n
}

// key is the largest network around addr, not shorter than ipv6, that has no
// ignored address in it and no translator's. An address that is IPv4, ignored or a
// translator's stands alone.
//
// Thus the rest of a network with one ignored address is at most as many keys as
// there are bits behind the network's length: one for the half without it, one for
// the quarter, and so on. Who has all of these addresses gains little by changing them.
func (n *networks) key(addr netip.Addr) netip.Prefix {
	if addr.Is4() {
		return single(addr)
	}
	longer := sort.Search(addr.BitLen()-n.ipv6, func(longer int) bool {
		return !n.shared(netip.PrefixFrom(addr, n.ipv6+longer).Masked())
	})
	return netip.PrefixFrom(addr, n.ipv6+longer).Masked()
}

// shared reports whether a ban of network would reach into an ignored address or a
// translator's. No network within one that is not shared is.
func (n *networks) shared(network netip.Prefix) bool {
	return n.ignore.OverlapsPrefix(network) || slices.ContainsFunc(n.nat64, network.Overlaps)
}

// translated is the network that p, of IPv4, is behind a translator, by RFC 6052:
// the address follows the prefix, and bits 64 to 71 stay zero.
func translated(translator, p netip.Prefix) netip.Prefix {
	to, at := translator.Addr().As16(), translator.Bits()/8
	for _, octet := range p.Addr().As4() {
		if at == 8 {
			at++
		}
		to[at] = octet
		at++
	}
	bits := translator.Bits() + p.Bits()
	if translator.Bits() <= 64 && bits > 64 {
		bits += 8
	}
	return netip.PrefixFrom(netip.AddrFrom16(to), bits).Masked()
}
