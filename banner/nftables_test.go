package banner

import (
	"strings"
	"testing"
	"time"

	"odooban/internal/netnstest"
)

var nftKind = kinds[2]

// What an administrator sees.
func TestNFTablesListing(t *testing.T) {
	host := netnstest.New(t, 0).Server
	fw := nftKind.bare(t, host, 443, 80)
	block(t, fw, time.Hour, "203.0.113.7/32", "198.51.100.0/24", "2001:db8:1::/64", "2001:db8::7/128")
	listing := host.Run(t, "nft", "list", "table", "inet", nftName)
	t.Log(listing)
	for _, want := range []string{
		"type filter hook prerouting priority raw - 10; policy accept;",
		"meta l4proto { tcp, udp } th dport { 80, 443 } ip saddr @banned4 counter packets 0 bytes 0 drop",
		"ip saddr & 255.255.255.0 == @banned4_24 ",
		"ip6 saddr @banned6 ",
		"ip6 saddr & ffff:ffff:ffff:ffff:: == @banned6_64 ",
		"203.0.113.7 counter packets 0 bytes 0 timeout 1h expires",
	} {
		if !strings.Contains(listing, want) {
			t.Errorf("listing has no %q", want)
		}
	}
}

func TestNFTablesMadeByHandIsAdopted(t *testing.T) {
	host := netnstest.New(t, 0).Server
	host.Run(t, "nft", "add", "table", "inet", nftName)
	host.Run(t, "nft", "add", "set", "inet", nftName, "banned4", "{ type ipv4_addr; flags timeout; }")
	host.Run(t, "nft", "add", "set", "inet", nftName, "friends", "{ type ipv4_addr; }")
	host.Run(t, "nft", "add", "element", "inet", nftName, "banned4", "{ 203.0.113.7, 203.0.113.8 timeout 1h }")
	fw := nftKind.bare(t, host)
	bans, err := fw.List(t.Context())
	if err != nil || len(bans) != 2 || !bans[0].Until.IsZero() || bans[1].Until.IsZero() {
		t.Errorf("in force: %v, %v", bans, err)
	}
	if listing := host.Run(t, "nft", "list", "table", "inet", nftName); !strings.Contains(listing, "friends") {
		t.Error("a set that is not ours is gone")
	}
}

func TestNFTablesWrongSetIsNotTouched(t *testing.T) {
	for _, c := range []struct{ name, kind string }{
		{"another type", "{ type ipv6_addr; flags timeout; }"},
		{"no timeouts", "{ type ipv4_addr; }"},
		{"intervals", "{ type ipv4_addr; flags interval, timeout; }"},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := netnstest.New(t, 0).Server
			host.Run(t, "nft", "add", "table", "inet", nftName)
			host.Run(t, "nft", "add", "set", "inet", nftName, "banned4", c.kind)
			_, err := openOn(t, host, Options{Backend: "nftables"})
			wantText(t, err, "adopt set banned4", "nft delete table inet odooban")
		})
	}
}

func TestSetNamed(t *testing.T) {
	for _, c := range []struct {
		name string
		want nftSet
		ok   bool
	}{
		{"banned4", nftSet{4, 32}, true},
		{"banned6", nftSet{6, 128}, true},
		{"banned6_64", nftSet{6, 64}, true},
		{"banned4_24", nftSet{4, 24}, true},
		{"banned4_32", nftSet{}, false},
		{"banned4_0", nftSet{}, false},
		{"banned4_33", nftSet{}, false},
		{"banned6_064", nftSet{}, false},
		{"banned5", nftSet{}, false},
		{"banned", nftSet{}, false},
		{"friends", nftSet{}, false},
		{"", nftSet{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := setNamed(c.name); ok != c.ok || ok && got != c.want {
				t.Errorf("%v, %v", got, ok)
			}
		})
	}
}

// More than a message holds, in part there already: the kernel has every one.
func TestNFTablesStoresAllOfManyBatches(t *testing.T) {
	fw := nftKind.bare(t, netnstest.New(t, 0).Server, webPorts...)
	bans := manyBans(5300, 2700)
	for _, some := range [][]Ban{bans[:1234], bans, bans} {
		if err := fw.Block(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(blocked(t, fw)); got != len(bans) {
		t.Errorf("%d in force of %d", got, len(bans))
	}
}
