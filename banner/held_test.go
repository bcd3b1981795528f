package banner

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
	"odooban/internal/netnstest"
	"odooban/internal/testrequire"
)

// bansFor are bans of the prefixes that end at the same time.
func bansFor(d time.Duration, prefixes ...string) []Ban {
	until := time.Now().Add(d)
	bans := make([]Ban, len(prefixes))
	for i, p := range prefixes {
		bans[i] = Ban{Prefix: netip.MustParsePrefix(p), Until: until}
	}
	return bans
}

// heldOf returns what the kernel says about a ban.
func heldOf(t *testing.T, b backend, prefix string) Held {
	t.Helper()
	all, err := b.held(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range all {
		if h.Prefix == netip.MustParsePrefix(prefix) {
			return h
		}
	}
	t.Fatalf("%s is not held: %v", prefix, all)
	return Held{}
}

func droppedBy(t *testing.T, b backend) uint64 {
	t.Helper()
	n, err := b.dropped(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Each ban counts its packets, and begins anew; the sum goes on, also when the
// ban is over and when everything is repaired.
func TestDroppedPacketsAreCounted(t *testing.T) {
	eachFamily(t, func(t *testing.T, k kind, f family) {
		network := netnstest.New(t, 1)
		network.Server.Echo(t, 22)
		fw, ok := k.bare(t, network.Server, webPorts...).(inside)
		if !ok {
			t.Fatal("not inside")
		}
		keeper := newKeeper(k.backend, fw)
		block(t, keeper, time.Hour, f.ban, "203.0.113.7/32", "2001:db8:77::/64")
		connect(t, network.Clients[0], f.server(network), 22) // a port that is not guarded
		if h := heldOf(t, fw, f.ban); h.Packets != 0 || !h.Counted {
			t.Errorf("at first: %+v", h)
		}
		wantNoWay(t, network.Clients[0], netip.AddrPortFrom(f.server(network), 443), dropMeter(t, k, network.Server, f))
		if h := heldOf(t, fw, f.ban); h.Packets == 0 {
			t.Errorf("after a packet was dropped: %+v", h)
		}
		for _, other := range []string{"203.0.113.7/32", "2001:db8:77::/64"} {
			if h := heldOf(t, fw, other); h.Packets != 0 {
				t.Errorf("of another: %+v", h)
			}
		}
		sum := droppedBy(t, fw)
		if sum == 0 {
			t.Error("no packet in all")
		}

		unblock(t, keeper, f.ban)
		block(t, keeper, time.Hour, f.ban, "203.0.113.0/24")
		if h := heldOf(t, fw, f.ban); h.Packets != 0 {
			t.Errorf("of a new ban: %+v", h)
		}
		repair(t, network.Server, fw)
		if status := keeper.Status(); status.Bans != 4 || status.Backend != k.backend {
			t.Errorf("status: %+v", status)
		}
		if n, err := keeper.Dropped(t.Context()); err != nil || n < sum {
			t.Errorf("dropped %d packets, %v, want %d or more", n, err, sum)
		}
	})
}

// Sets that were made without counters are taken as they are.
func TestBansThatAreNotCounted(t *testing.T) {
	for _, c := range []struct {
		kind kind
		made func(host *netnstest.Host)
	}{
		{kinds[0], func(host *netnstest.Host) {
			host.Run(t, "ipset", "create", "odooban4", "hash:net", "timeout", "0")
			host.Run(t, "ipset", "add", "odooban4", "203.0.113.7", "timeout", "3600")
		}},
		{nftKind, func(host *netnstest.Host) {
			host.Run(t, "nft", "add", "table", "inet", nftName)
			host.Run(t, "nft", "add", "set", "inet", nftName, "banned4", "{ type ipv4_addr; flags timeout; }")
			host.Run(t, "nft", "add", "element", "inet", nftName, "banned4", "{ 203.0.113.7 timeout 1h }")
		}},
	} {
		t.Run(c.kind.name, func(t *testing.T) {
			network := netnstest.New(t, 1)
			c.made(network.Server)
			fw := c.kind.bare(t, network.Server, webPorts...)
			block(t, fw, time.Hour, "198.51.100.1/32", "2001:db8:1::/64")
			for prefix, counted := range map[string]bool{"203.0.113.7/32": false, "198.51.100.1/32": false, "2001:db8:1::/64": true} {
				if h := heldOf(t, fw, prefix); h.Counted != counted {
					t.Errorf("counted: %+v", h)
				}
			}
			wantNoWay(t, network.Clients[0], netip.AddrPortFrom(network.Server.Addr4, 443),
				dropMeter(t, c.kind, network.Server, families[0]))
			if droppedBy(t, fw) == 0 {
				t.Error("the rules count all the same")
			}
		})
	}
}

// Bans that were adopted again and blocked again count on. What others have taken
// away comes back.
func TestAdoptedBansCountOn(t *testing.T) {
	eachFamily(t, func(t *testing.T, k kind, f family) {
		network := netnstest.New(t, 1)
		keeper, err := openOn(t, network.Server, k.options(webPorts...))
		if err != nil {
			t.Fatal(err)
		}
		bans := bansFor(time.Hour, f.ban, "203.0.113.7/32", "2001:db8:77::/64")
		again := func() {
			t.Helper()
			if err := keeper.Block(t.Context(), bans); err != nil {
				t.Fatal(err)
			}
		}
		again()
		wantNoWay(t, network.Clients[0], netip.AddrPortFrom(f.server(network), 443), dropMeter(t, k, network.Server, f))
		counted := heldOf(t, keeper.fw, f.ban).Packets
		if keeper.slow != nil {
			if err := keeper.learnOthers(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			unblock(t, keeper.fw, "203.0.113.7/32", "2001:db8:77::/64")
			keeper.Adopt()
			again()
			if h := heldOf(t, keeper.fw, f.ban); h.Packets < counted || counted == 0 {
				t.Errorf("it counted %d packets, and now: %+v", counted, h)
			}
			for _, lost := range bans[1:] {
				heldOf(t, keeper.fw, lost.Prefix.String())
			}
		}
	})
}

// Who asks for the packets does not wait for the lock of iptables beyond his
// deadline.
func TestDroppedPacketsObeyADeadline(t *testing.T) {
	for _, k := range kinds {
		if !strings.HasSuffix(k.name, "legacy") {
			continue // nobody else locks
		}
		t.Run(k.name, func(t *testing.T) {
			testrequire.Command(t, k.iptables)
			path := filepath.Join(t.TempDir(), "lock")
			t.Setenv("XTABLES_LOCKFILE", path)
			fw := k.bare(t, netnstest.New(t, 0).Server, webPorts...)
			lock, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer lock.Close()
			if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			if _, err := fw.dropped(ctx); err == nil || !strings.Contains(err.Error(), "lock") {
				t.Errorf("error is %v", err)
			}
			if took := time.Since(began); took >= nfnetlink.Patience*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
