package own

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"odooban/internal/netnstest"
)

// ownOn returns the own prefixes of a host with their reasons.
func ownOn(t *testing.T, host *netnstest.Host) map[string]string {
	t.Helper()
	var own []Prefix
	err := host.Do(func() (err error) {
		own, err = Prefixes()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	why := make(map[string]string, len(own))
	for _, o := range own {
		if o.Prefix != o.Prefix.Masked() {
			t.Errorf("%v has host bits", o.Prefix)
		}
		why[o.Prefix.String()] = o.Why
	}
	return why
}

func TestPrefixesOfAPlainHost(t *testing.T) {
	want := map[string]string{
		"127.0.0.0/8":       "loopback",
		"127.0.0.1/32":      "address of lo",
		"::1/128":           "loopback",
		"169.254.0.0/16":    "link-local",
		"fe80::/10":         "link-local",
		"198.51.100.1/32":   "address of uplink",
		"2001:db8:1::1/128": "address of uplink",
		"203.0.113.1/32":    "gateway on uplink",
		"fe80::1/128":       "gateway on uplink",
	}
	got := ownOn(t, netnstest.New(t, 1).Clients[0])
	linkLocal := netip.MustParsePrefix("fe80::/10")
	// The kernel makes up the interface's own link-local address.
	madeUp := cmpopts.IgnoreMapEntries(func(prefix, why string) bool {
		p := netip.MustParsePrefix(prefix)
		return p.Bits() == 128 && linkLocal.Contains(p.Addr()) && why == "address of uplink"
	})
	if diff := cmp.Diff(want, got, madeUp); diff != "" {
		t.Errorf("own prefixes (-want +got):\n%s", diff)
	}
}

func TestPrefixesOfContainerBridges(t *testing.T) {
	host := netnstest.New(t, 1).Clients[0]
	for _, c := range []struct {
		name, kind, addr string
		network          string
		container        bool
	}{
		{"docker0", "bridge", "172.17.0.1/16", "172.17.0.0/16", true},
		{"br-0123456789ab", "bridge", "172.18.0.1/16", "172.18.0.0/16", true},
		{"podman1", "bridge", "10.89.0.1/24", "10.89.0.0/24", true},
		{"cni0", "bridge", "fd00:1::1/64", "fd00:1::/64", true},
		{"br0", "bridge", "192.168.1.1/24", "192.168.1.0/24", false},
		{"docker9", "veth", "192.168.9.1/24", "192.168.9.0/24", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			host.Run(t, "ip", "link", "add", c.name, "type", c.kind)
			host.Run(t, "ip", "addr", "add", c.addr, "dev", c.name)
			own := ownOn(t, host)
			addr := netip.MustParsePrefix(c.addr).Addr()
			if why := own[netip.PrefixFrom(addr, addr.BitLen()).String()]; why != "address of "+c.name {
				t.Errorf("the address itself: %q", why)
			}
			if why, ok := own[c.network]; ok != c.container || ok && why != "containers on "+c.name {
				t.Errorf("the network: %q", why)
			}
		})
	}
}

// TestPrefixesOfRenamedBridges holds that a bridge that only containers are
// connected to is known whatever its name, and one to the outside is not.
func TestPrefixesOfRenamedBridges(t *testing.T) {
	for _, c := range []struct {
		name, bridge, port string
		route              bool
		container          bool
	}{
		{"containers alone", "shop", "veth", false, true},
		{"a virtual machine", "shop", "tap", false, false},
		{"the way out", "shop", "veth", true, false},
		{"nothing", "shop", "", false, false},
		{"the network outside, by a name like Docker's", "br-lan", "tap", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := netnstest.New(t, 1).Clients[0]
			host.Run(t, "ip", "link", "add", c.bridge, "type", "bridge")
			host.Run(t, "ip", "addr", "add", "172.19.0.1/16", "dev", c.bridge)
			switch c.port {
			case "veth":
				host.Run(t, "ip", "link", "add", "port", "type", "veth")
			case "tap":
				host.Run(t, "ip", "tuntap", "add", "port", "mode", "tap")
			}
			if c.port != "" {
				host.Run(t, "ip", "link", "set", "port", "master", c.bridge)
			}
			if c.route {
				host.Run(t, "ip", "link", "set", c.bridge, "up")
				host.Run(t, "ip", "route", "add", "default", "via", "172.19.0.9", "dev", c.bridge, "metric", "9")
			}
			if why, ok := ownOn(t, host)["172.19.0.0/16"]; ok != c.container {
				t.Errorf("the network: %q", why)
			}
		})
	}
}

// TestPrefixesInAContainer holds that the neighbours of the proxy whose network is
// shared are left alone, and that only there a cable leads to containers.
func TestPrefixesInAContainer(t *testing.T) {
	for _, c := range []struct {
		name       string
		more       string // another interface
		neighbours bool
	}{
		{"in a network of its own", "veth", true},
		{"in the host's network", "bridge", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
			host := netnstest.New(t, 1).Clients[0]
			host.Run(t, "ip", "addr", "add", "172.18.0.5/16", "dev", "uplink")
			host.Run(t, "ip", "link", "add", "lan", "link", "uplink", "type", "macvlan")
			host.Run(t, "ip", "addr", "add", "192.168.1.5/24", "dev", "lan")
			host.Run(t, "ip", "link", "add", "more", "type", c.more)
			own := ownOn(t, host)
			if why, ok := own["172.18.0.0/16"]; ok != c.neighbours || ok && why != "containers on uplink" {
				t.Errorf("the neighbours: %q", why)
			}
			if why, ok := own["192.168.1.0/24"]; ok {
				t.Errorf("the network outside: %q", why)
			}
		})
	}
}

func TestPrefixesOfGateways(t *testing.T) {
	for _, c := range []struct {
		name  string
		route []string
		want  []string
	}{
		{"another network", []string{"route", "add", "10.1.0.0/16", "via", "198.51.100.8", "dev", "uplink", "onlink"}, []string{"198.51.100.8/32"}},
		{"another table", []string{"route", "add", "default", "via", "198.51.100.9", "dev", "uplink", "onlink", "table", "77"}, []string{"198.51.100.9/32"}},
		{"two ways", []string{
			"route", "add", "10.3.0.0/16",
			"nexthop", "via", "198.51.100.10", "dev", "uplink", "onlink",
			"nexthop", "via", "198.51.100.11", "dev", "uplink", "onlink",
		}, []string{"198.51.100.10/32", "198.51.100.11/32"}},
		{"IPv4 over IPv6", []string{"route", "add", "10.4.0.0/16", "via", "inet6", "2001:db8:1::9", "dev", "uplink", "onlink"}, []string{"2001:db8:1::9/128"}},
		{"IPv6", []string{"-6", "route", "add", "2001:db8:99::/48", "via", "2001:db8:1::8", "dev", "uplink", "onlink"}, []string{"2001:db8:1::8/128"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := netnstest.New(t, 1).Clients[0]
			host.Run(t, "ip", c.route...)
			own := ownOn(t, host)
			for _, want := range c.want {
				if own[want] != "gateway on uplink" {
					t.Errorf("%s: %q", want, own[want])
				}
			}
		})
	}
}
