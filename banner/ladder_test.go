package banner

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
	"odooban/internal/netnstest"
)

// openOn opens a firewall on the host by the ladder.
func openOn(t *testing.T, host *netnstest.Host, opts Options) (k *Keeper, err error) {
	t.Helper()
	err = host.Do(func() (err error) {
		k, err = Open(t.Context(), opts)
		return err
	})
	if err == nil {
		t.Cleanup(func() { k.Close() })
		k.fw = inside{host, k.fw}
	}
	return k, err
}

func TestOpenTakesTheBackendThatWorks(t *testing.T) {
	for _, c := range []struct {
		name string
		opts Options
		want string
		// notes are words of the notes, in their order.
		notes []string
	}{
		{"auto", Options{Backend: "auto"}, "ipset", nil},
		{"by default", Options{}, "ipset", nil},
		{"no iptables", Options{IPTables: "/nonexistent/iptables"}, "nftables", []string{"not used: ipset: find iptables"}},
		{"no ip6tables", Options{IP6Tables: "/nonexistent/ip6tables"}, "nftables", []string{"not used: ipset: IPv6 is not guarded"}},
		{"ipset without ip6tables", Options{Backend: "ipset", IP6Tables: "/nonexistent/ip6tables"}, "ipset", []string{"IPv6 is not guarded"}},
		{"ipset", Options{Backend: "ipset"}, "ipset", nil},
		{"nftables", Options{Backend: "nftables"}, "nftables", nil},
		{"iptables", Options{Backend: "iptables"}, "iptables", nil},
		{"dry-run", Options{Backend: "dry-run"}, "dry-run", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := openOn(t, netnstest.New(t, 0).Server, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			if k.Name() != c.want {
				t.Errorf("it took %s, want %s", k.Name(), c.want)
			}
			notes := k.Notes()
			if len(notes) != len(c.notes) {
				t.Fatalf("notes: %v", notes)
			}
			for i, words := range c.notes {
				if !strings.Contains(notes[i].Error(), words) {
					t.Errorf("note %d says nothing of %q: %v", i, words, notes[i])
				}
			}
			block(t, k, time.Hour, "203.0.113.7/32")
			wantBlocked(t, k, "203.0.113.7/32")
		})
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	host := netnstest.New(t, 0).Server
	_, err := openOn(t, host, Options{Backend: "pf"})
	wantText(t, err, `"pf"`, "write auto, ipset, nftables, iptables or dry-run")
	_, err = openOn(t, host, Options{Backend: "ipset", IPTables: "/nonexistent/iptables"})
	wantText(t, err, "ipset: find iptables")

	for _, c := range []struct {
		name string
		caps []uintptr
		want []string
	}{
		{"no capability", nil, []string{
			"no firewall works here:\nnftables: ", "CAP_NET_ADMIN (in a container: cap_add NET_ADMIN)",
			"\nipset: ", "CAP_NET_ADMIN and CAP_NET_RAW",
			"\niptables: ", "run as root",
		}},
		{"without raw", []uintptr{unix.CAP_NET_ADMIN}, []string{"nftables []"}},
		{"enough", []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW}, []string{"ipset []"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := asNobody(t, netnstest.New(t, 0).Server, c.caps, tryOpen, "auto", "iptables-nft", "ip6tables-nft")
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("says nothing of %q:\n%s", want, out)
				}
			}
		})
	}
}

// Whoever changes the backend keeps the bans in force, and nothing of the old one
// stays.
func TestOpenTakesOverTheBansOfAnotherBackend(t *testing.T) {
	for _, from := range kinds {
		for _, to := range kinds {
			if from.backend == to.backend || from.iptables != to.iptables {
				continue
			}
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				network := netnstest.New(t, 1)
				host := network.Server
				host.Echo(t, 8069)
				old, err := openOn(t, host, from.options(webPorts...))
				if err != nil {
					t.Fatal(err)
				}
				block(t, old, time.Hour, families[0].ban, families[1].ban)
				k, err := openOn(t, host, to.options(webPorts...))
				if err != nil {
					t.Fatal(err)
				}
				if notes := k.Notes(); len(notes) > 0 {
					t.Errorf("notes: %v", notes)
				}
				for _, f := range families {
					wantNoWay(t, network.Clients[0], netip.AddrPortFrom(f.server(network), 8069), dropMeter(t, to, host, f))
				}
				wantUntil(t, k, time.Now().Add(time.Hour))
				k.look(t.Context(), func(m Mended) { t.Errorf("found wrong: %+v", m) })
				if bans, err := old.List(t.Context()); err == nil && len(bans) > 0 {
					t.Errorf("the old backend still has %v", bans)
				}
			})
		}
	}
}

// A restart adopts the bans, and does not shorten them.
func TestOpenAdoptsTheBans(t *testing.T) {
	eachBackend(t, func(t *testing.T, k kind) {
		host := netnstest.New(t, 0).Server
		for i := range 3 {
			keeper, err := openOn(t, host, k.options(webPorts...))
			if err != nil {
				t.Fatal(err)
			}
			block(t, keeper, time.Hour>>i, "203.0.113.7/32", "2001:db8:1::/64", "198.51.100.0/24")
			wantBlocked(t, keeper, "198.51.100.0/24", "203.0.113.7/32", "2001:db8:1::/64")
			wantUntil(t, keeper, time.Now().Add(time.Hour))
			keeper.look(t.Context(), func(m Mended) { t.Errorf("found wrong: %+v", m) })
		}
	})
}

// Other ports take effect with a restart; the bans stay.
func TestOpenWithOtherPorts(t *testing.T) {
	eachFamily(t, func(t *testing.T, k kind, f family) {
		network := netnstest.New(t, 1)
		network.Server.Echo(t, 8069)
		first, err := openOn(t, network.Server, k.options(8069))
		if err != nil {
			t.Fatal(err)
		}
		block(t, first, time.Hour, f.ban)
		if _, err := openOn(t, network.Server, k.options(443)); err != nil {
			t.Fatal(err)
		}
		connect(t, network.Clients[0], f.server(network), 8069)
		wantNoWay(t, network.Clients[0], netip.AddrPortFrom(f.server(network), 443), dropMeter(t, k, network.Server, f))
	})
}

// A set that somebody's rule holds is left empty: who was banned is not banned
// again out of it, by that rule or by the next start with another backend.
func TestRemoveEmptiesASetInUse(t *testing.T) {
	for _, k := range kinds {
		if k.backend != "ipset" {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			host := netnstest.New(t, 0).Server
			keeper, err := openOn(t, host, k.options(webPorts...))
			if err != nil {
				t.Fatal(err)
			}
			block(t, keeper, time.Hour, "203.0.113.7/32")
			host.Run(t, k.iptables, "-A", "INPUT", "-m", "set", "--match-set", "odooban4", "src", "-j", "DROP")
			if err := keeper.Remove(t.Context()); err == nil {
				t.Error("it does not say that the set is left")
			}
			if left := host.Run(t, "ipset", "save", "odooban4"); strings.Contains(left, "203.0.113.7") {
				t.Errorf("left behind:\n%s", left)
			}
		})
	}
}

func TestRemoveLeavesNothingOfAnyBackend(t *testing.T) {
	eachBackend(t, func(t *testing.T, k kind) {
		host := netnstest.New(t, 0).Server
		keeper, err := openOn(t, host, k.options(webPorts...))
		if err != nil {
			t.Fatal(err)
		}
		block(t, keeper, time.Hour, "203.0.113.7/32", "2001:db8:1::/64", "198.51.100.0/24")
		for range 2 {
			if err := keeper.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
			var left string
			for _, tables := range []string{k.iptables, k.ip6tables} {
				left += host.Run(t, tables+"-save")
			}
			left += host.Run(t, "nft", "list", "ruleset") + host.Run(t, "ipset", "save")
			if strings.Contains(left, "odooban") {
				t.Errorf("left behind:\n%s", left)
			}
		}
		block(t, keeper, -time.Hour, "203.0.113.7/32")
		keeper.look(t.Context(), func(m Mended) {
			if m.Err != nil {
				t.Error(m.Err)
			}
		})
		wantBlocked(t, keeper)
	})
}

// Whose rules cannot be deleted, their sets are not waited for: the service, which
// may not run iptables, would start so much later each time.
func TestOpenDoesNotWaitForSetsInUse(t *testing.T) {
	host := netnstest.New(t, 0).Server
	old, err := openOn(t, host, kinds[0].options(webPorts...))
	if err != nil {
		t.Fatal(err)
	}
	block(t, old, time.Hour, "203.0.113.7/32", "2001:db8:1::/64")
	began := time.Now()
	k, err := openOn(t, host, Options{Backend: "nftables", IPTables: "/nonexistent/iptables", IP6Tables: "/nonexistent/ip6tables"})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > nfnetlink.Patience*time.Second {
		t.Errorf("it took %v", took)
	}
	wantBlocked(t, k, "203.0.113.7/32", "2001:db8:1::/64")
	notes := k.Notes()
	if len(notes) != 1 {
		t.Fatalf("notes: %v", notes)
	}
	for _, words := range []string{"take over the bans of ipset", "find iptables", "the set is in use"} {
		if text := notes[0].Error(); !strings.Contains(text, words) {
			t.Errorf("it says nothing of %q: %s", words, text)
		}
	}
}
