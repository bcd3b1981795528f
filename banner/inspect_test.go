package banner

import (
	"testing"
	"time"

	"odooban/internal/netnstest"
)

// Inspect says what is there and what is missing, and changes nothing.
func TestInspect(t *testing.T) {
	eachBackend(t, func(t *testing.T, k kind) {
		host := netnstest.New(t, 0).Server
		look := func(want func([]Inspection) bool, when string) {
			t.Helper()
			var found []Inspection
			err := host.Do(func() (err error) {
				found, err = Inspect(k.options(webPorts...))
				return err
			})
			if err != nil || !want(found) {
				t.Errorf("%s: %+v, %v", when, found, err)
			}
		}
		look(func(found []Inspection) bool { return len(found) == 0 }, "before")
		fw := k.bare(t, host, webPorts...)
		sound := func(found []Inspection) bool {
			return len(found) == 1 && found[0].Backend == k.backend && len(found[0].Missing)+len(found[0].IPv6) == 0
		}
		look(sound, "in place")
		if k.backend == "nftables" {
			host.Run(t, "nft", "flush", "table", "inet", "odooban")
		} else {
			host.Run(t, k.iptables, "-t", "raw", "-I", "PREROUTING", "-j", "ACCEPT")
		}
		damaged := func(found []Inspection) bool { return len(found) == 1 && len(found[0].Missing) == 1 }
		look(damaged, "damaged")
		look(damaged, "damaged and looked at")
		if k.backend == "nftables" {
			if _, err := fw.Repair(t.Context()); err != nil {
				t.Fatal(err)
			}
		} else {
			host.Run(t, k.iptables, "-t", "raw", "-D", "PREROUTING", "1")
		}
		look(sound, "mended")
	})
}

// Rules stand in the order in which lengths were first banned, and who comes later
// cannot know it.
func TestInspectAfterMoreLengthsWereBanned(t *testing.T) {
	host := netnstest.New(t, 0).Server
	block(t, nftKind.bare(t, host, webPorts...), time.Hour,
		"203.0.113.0/24", "198.51.0.0/16", "192.0.2.0/25", "2001:db8::/48", "2001:db8::/32")
	for range 10 {
		err := host.Do(func() error {
			found, err := Inspect(nftKind.options(webPorts...))
			if len(found) != 1 || len(found[0].Missing) > 0 {
				t.Errorf("found %+v", found)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
