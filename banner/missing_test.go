package banner

import (
	"net/netip"
	"testing"

	"odooban/internal/netnstest"
)

// What is gone is noticed without listing all, also when as many are there as
// there should be.
func TestMissing(t *testing.T) {
	eachBackend(t, func(t *testing.T, k kind) {
		if k.backend == "iptables" {
			return // Repair looks at each rule
		}
		fw := k.bare(t, netnstest.New(t, 0).Server, webPorts...)
		bans := manyBans(300, 300)
		if err := fw.Block(t.Context(), bans[100:]); err != nil {
			t.Fatal(err)
		}
		var prefixes []netip.Prefix
		for _, b := range bans {
			prefixes = append(prefixes, b.Prefix)
		}
		for _, c := range []struct {
			name     string
			prefixes []netip.Prefix
			want     bool
		}{
			{"nothing", nil, false},
			{"all there", prefixes[100:], false},
			{"too few there", prefixes, true},
			{"others there", prefixes[:10], true},
			{"a length that was never banned", []netip.Prefix{netip.MustParsePrefix("192.0.2.0/30")}, true},
		} {
			t.Run(c.name, func(t *testing.T) {
				n, err := fw.missing(t.Context(), c.prefixes)
				if err != nil || (n > 0) != c.want {
					t.Errorf("%d missing, %v", n, err)
				}
				t.Logf("%d missing", n)
			})
		}
	})
}
