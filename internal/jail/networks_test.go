package jail

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// The examples of RFC 6052, section 2.4, and networks.
func TestTranslated(t *testing.T) {
	tests := []struct{ translator, ipv4, want string }{
		{"2001:db8::/32", "192.0.2.33/32", "2001:db8:c000:221::/64"},
		{"2001:db8:100::/40", "192.0.2.33/32", "2001:db8:1c0:2:21::/80"},
		{"2001:db8:122::/48", "192.0.2.33/32", "2001:db8:122:c000:2:2100::/88"},
		{"2001:db8:122:300::/56", "192.0.2.33/32", "2001:db8:122:3c0:0:221::/96"},
		{"2001:db8:122:344::/64", "192.0.2.33/32", "2001:db8:122:344:c0:2:2100::/104"},
		{"2001:db8:122:344::/96", "192.0.2.33/32", "2001:db8:122:344::192.0.2.33/128"},
		{"64:ff9b::/96", "127.0.0.0/8", "64:ff9b::7f00:0/104"},
		{"2001:db8:122::/48", "192.0.0.0/16", "2001:db8:122:c000::/64"},
		{"2001:db8:122::/48", "192.0.2.0/24", "2001:db8:122:c000:2::/80"},
	}
	for _, tt := range tests {
		got := translated(netip.MustParsePrefix(tt.translator), netip.MustParsePrefix(tt.ipv4))
		if got != netip.MustParsePrefix(tt.want) {
			t.Errorf("%s behind %s is %s, want %s", tt.ipv4, tt.translator, got, tt.want)
		}
	}
}

// Whoever has all of a /64 but one ignored address is few keys, none of which has that
// address in it.
func TestKeysBesideIgnored(t *testing.T) {
	network, ignored := netip.MustParsePrefix("2001:db8:9::/64"), netip.MustParseAddr("2001:db8:9::5")
	j := must(t, Options{
		Policies: []Policy{{login, 1, time.Second, time.Second}},
		Ignore:   []Ignored{{single(ignored), "own"}},
	})
	random := rand.New(rand.NewPCG(1, 2))
	keys := make(map[netip.Prefix]bool)
	for range 10_000 {
		to := ignored.As16()
		for i := range 8 {
			// However close to the ignored address.
			to[8+i] ^= byte(random.Uint32()) >> random.IntN(9) * byte(random.IntN(2))
		}
		addr := netip.AddrFrom16(to)
		if addr == ignored {
			continue
		}
		key := j.Key(addr)
		keys[key] = true
		if key.Contains(ignored) || !key.Contains(addr) || !network.Overlaps(key) || key.Bits() <= 64 {
			t.Fatalf("%s is counted by %s", addr, key)
		}
	}
	if len(keys) > 64 {
		t.Errorf("%d keys", len(keys))
	}
}
