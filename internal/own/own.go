// Package own knows what must never be banned, because this host lives on it:
// its own addresses, its gateways and the networks of its containers. It looks
// them up in the kernel, notices when they change, and says of each to people
// what it is.
package own

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"odooban/internal/sidecar"
)

// Prefix is one of the host itself or of what it lives on.
type Prefix struct {
	Prefix netip.Prefix
	// Why says to people what the prefix is, like "address of eth0".
	Why string
}

// Loopback returns what is every host's own.
func Loopback() []Prefix {
	return []Prefix{
		{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
		{netip.MustParsePrefix("::1/128"), "loopback"},
	}
}

// Prefixes returns what must never be banned, each once, in the order of the
// prefixes: loopback, link-local, the host's own addresses, its gateways and
// the networks of containers. Private ranges as such are not among them. It
// looks at the network namespace of the calling thread as it is now.
func Prefixes() ([]Prefix, error) {
	own := append(Loopback(),
		Prefix{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
		Prefix{netip.MustParsePrefix("fe80::/10"), "link-local"},
	)
	links, err := sidecar.Complete(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	routes, err := sidecar.Complete(allRoutes)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	apart := sidecar.Apart(links)
	names := make(map[int]string, len(links))
	for _, link := range links {
		names[link.Attrs().Index] = link.Attrs().Name
		addrs, err := sidecar.Complete(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_ALL) })
		if err != nil {
			return nil, fmt.Errorf("list addresses of %s: %w", link.Attrs().Name, err)
		}
		own = append(own, ofLink(link, addrs, leadsToContainers(link, links, routes, apart))...)
	}
	for _, route := range routes {
		own = append(own, gateways(route, names)...)
	}
	return distinct(own), nil
}

// ofLink returns an interface's addresses, and the networks behind it if these are
// of containers.
func ofLink(link netlink.Link, addrs []netlink.Addr, containers bool) []Prefix {
	name := link.Attrs().Name
	var own []Prefix
	for _, a := range addrs {
		addr, ok := addrOf(a.IP)
		if !ok {
			continue
		}
		own = append(own, Prefix{netip.PrefixFrom(addr, addr.BitLen()), "address of " + name})
		ones, _ := a.Mask.Size()
		if network, err := addr.Prefix(ones); err == nil && ones > 0 && containers && !addr.IsLinkLocalUnicast() {
			own = append(own, Prefix{network, "containers on " + name})
		}
	}
	return own
}

// leadsToContainers says whether those on the networks of link are containers: on
// a host behind a bridge of theirs, and in a container, apart from the host, at
// the other end of its cable. A macvlan or ipvlan leads to the network outside.
func leadsToContainers(link netlink.Link, links []netlink.Link, routes []netlink.Route, apart bool) bool {
	return apart && link.Type() == "veth" || isContainerBridge(link, links, routes)
}

// isContainerBridge knows the bridges of containers by what is connected to them:
// containers alone. Where nothing is, it knows those of Docker, Podman and CNI by
// their names. Other bridges may lead to the whole network outside, whatever their
// name: br-lan is one of OpenWrt's.
func isContainerBridge(link netlink.Link, links []netlink.Link, routes []netlink.Route) bool {
	index := link.Attrs().Index
	toOutside := func(r netlink.Route) bool {
		return r.LinkIndex == index && (r.Dst == nil || r.Dst.IP.IsUnspecified())
	}
	if link.Type() != "bridge" || slices.ContainsFunc(routes, toOutside) {
		return false
	}
	connected := false
	for _, other := range links {
		if other.Attrs().MasterIndex == index {
			if other.Type() != "veth" {
				return false
			}
			connected = true
		}
	}
	return connected || slices.ContainsFunc([]string{"docker", "br-", "podman", "cni"}, func(prefix string) bool {
		return strings.HasPrefix(link.Attrs().Name, prefix)
	})
}

// allRoutes lists the routes of all tables: policy routing has gateways too.
func allRoutes() ([]netlink.Route, error) {
	everyTable := &netlink.Route{Table: unix.RT_TABLE_UNSPEC}
	return netlink.RouteListFiltered(netlink.FAMILY_ALL, everyTable, netlink.RT_FILTER_TABLE)
}

// gateways returns the next hops of a route, of which it may have several.
func gateways(route netlink.Route, names map[int]string) []Prefix {
	hops := append([]*netlink.NexthopInfo{{LinkIndex: route.LinkIndex, Gw: route.Gw, Via: route.Via}}, route.MultiPath...)
	var own []Prefix
	for _, hop := range hops {
		gw := hop.Gw
		if via, ok := hop.Via.(*netlink.Via); ok {
			gw = via.Addr
		}
		if addr, ok := addrOf(gw); ok {
			own = append(own, Prefix{netip.PrefixFrom(addr, addr.BitLen()), "gateway on " + names[hop.LinkIndex]})
		}
	}
	return own
}

// addrOf converts an address; unspecified ones, which stand for none, are left.
func addrOf(ip net.IP) (netip.Addr, bool) {
	addr, ok := netip.AddrFromSlice(ip)
	addr = addr.Unmap()
	return addr, ok && !addr.IsUnspecified()
}

// distinct sorts, and keeps the first reason for a prefix.
func distinct(own []Prefix) []Prefix {
	slices.SortStableFunc(own, func(a, b Prefix) int { return a.Prefix.Compare(b.Prefix) })
	return slices.CompactFunc(own, func(a, b Prefix) bool { return a.Prefix == b.Prefix })
}
