package netlab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	uplink = "uplink"
	// The server's addresses are its clients' gateway. For IPv6 each end of a
	// cable has one of its own: a neighbour answers only for an address of the
	// interface that was asked.
	server4, server6 = "203.0.113.1", "2001:db8:ffff::1"
	gateway6         = "fe80::1"
)

// join lays a cable from the server to client number i and tells both the way.
func (n *Net) join(client *Host, i int) error {
	port := fmt.Sprintf("client%d", i)
	addr4, addr6 := fmt.Sprintf("198.51.100.%d", i), fmt.Sprintf("2001:db8:%x::1", i)
	cable := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: port},
		PeerName:      uplink,
		PeerNamespace: netlink.NsFd(client.ns),
	}
	err := n.Server.Do(func() error {
		return first(
			func() error { return netlink.LinkAdd(cable) },
			func() error { return up(port) },
			func() error { return addAddr(port, gateway6+"/64") },
			func() error { return route(port, addr4+"/32", "") },
			func() error { return route(port, addr6+"/64", "") },
		)
	})
	if err != nil {
		return err
	}
	return client.Do(func() error {
		return first(
			func() error { return up(uplink) },
			func() error { return client.number(uplink, addr4, addr6) },
			func() error { return route(uplink, "0.0.0.0/0", server4) },
			func() error { return route(uplink, "::/0", gateway6) },
		)
	})
}

// number gives the host its two addresses.
func (h *Host) number(dev, addr4, addr6 string) error {
	h.dev, h.Addr4, h.Addr6 = dev, netip.MustParseAddr(addr4), netip.MustParseAddr(addr6)
	return h.Do(func() error {
		return errors.Join(addAddr(dev, addr4+"/32"), addAddr(dev, addr6+"/128"))
	})
}

func up(dev string) error {
	link, err := netlink.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", dev, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", dev, err)
	}
	return nil
}

// addAddr gives an interface an address that is good at once: nobody else can
// have it, so the kernel does not look for duplicates.
func addAddr(dev, prefix string) error {
	link, err := netlink.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", dev, err)
	}
	addr, err := netlink.ParseAddr(prefix)
	if err != nil {
		return fmt.Errorf("read address %s: %w", prefix, err)
	}
	addr.Flags = unix.IFA_F_NODAD
	if err := netlink.AddrAdd(link, addr); err != nil {
		return fmt.Errorf("add address %s to %s: %w", prefix, dev, err)
	}
	return nil
}

// route sends what is for dst through dev, to the neighbour via if it is given.
func route(dev, dst, via string) error {
	link, err := netlink.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", dev, err)
	}
	_, network, err := net.ParseCIDR(dst)
	if err != nil {
		return fmt.Errorf("read route: %w", err)
	}
	r := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: network, Gw: net.ParseIP(via)}
	if via == "" {
		r.Scope = netlink.SCOPE_LINK
	} else {
		r.SetFlag(netlink.FLAG_ONLINK)
	}
	if err := netlink.RouteAdd(r); err != nil {
		return fmt.Errorf("add route to %s: %w", dst, err)
	}
	return nil
}

// first runs the steps up to the first that fails, and returns its error.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
