package banner

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/await"
	"odooban/internal/netnstest"
)

// TestConformance holds every Firewall to what the interface promises.
func TestConformance(t *testing.T) {
	t.Run("dry run", func(t *testing.T) {
		conform(t, func(*testing.T) Firewall { return new(DryRun) })
	})
	eachBackend(t, func(t *testing.T, k kind) {
		conform(t, func(t *testing.T) Firewall { return k.bare(t, netnstest.New(t, 0).Server, webPorts...) })
	})
}

func conform(t *testing.T, empty func(*testing.T) Firewall) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Firewall)
	}{
		{"begins empty", beginsEmpty},
		{"lists in order", listsInOrder},
		{"keeps until", keepsUntil},
		{"blocks twice", blocksTwice},
		{"extends and shortens", extendsAndShortens},
		{"takes the last end of one call", takesLastEnd},
		{"skips what has run out", skipsRunOut},
		{"drops host bits", dropsHostBits},
		{"refuses everybody", refusesEverybody},
		{"unblocks exactly", unblocksExactly},
		{"blocks more than a batch", blocksManyBatches},
		{"ends a ban by itself", endsByItself},
		{"stops with its context", stopsWithContext},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, empty(t)) })
	}
}

func wantBlocked(t *testing.T, fw Firewall, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), blocked(t, fw)); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
}

// wantUntil takes differences that the kernel's counting in seconds makes.
func wantUntil(t *testing.T, fw Firewall, want time.Time) {
	t.Helper()
	bans, err := fw.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bans {
		if off := b.Until.Sub(want); off < -5*time.Second || off > 2*time.Second {
			t.Errorf("%v ends %v off", b.Prefix, off)
		}
	}
}

func beginsEmpty(t *testing.T, fw Firewall) {
	wantBlocked(t, fw)
	if err := fw.Block(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if err := fw.Unblock(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func listsInOrder(t *testing.T, fw Firewall) {
	block(t, fw, time.Hour, "2001:db8:1::/64", "203.0.113.0/24", "198.51.100.7/32", "2001:db8::7/128")
	wantBlocked(t, fw, "198.51.100.7/32", "203.0.113.0/24", "2001:db8::7/128", "2001:db8:1::/64")
}

func keepsUntil(t *testing.T, fw Firewall) {
	block(t, fw, time.Hour, "203.0.113.7/32", "2001:db8:1::/64")
	wantUntil(t, fw, time.Now().Add(time.Hour))
}

func blocksTwice(t *testing.T, fw Firewall) {
	block(t, fw, time.Hour, "203.0.113.7/32")
	block(t, fw, time.Hour, "203.0.113.7/32", "203.0.113.8/32")
	wantBlocked(t, fw, "203.0.113.7/32", "203.0.113.8/32")
}

func extendsAndShortens(t *testing.T, fw Firewall) {
	for _, d := range []time.Duration{time.Minute, 24 * time.Hour, time.Hour} {
		block(t, fw, d, "203.0.113.7/32", "2001:db8:1::/64")
		wantUntil(t, fw, time.Now().Add(d))
	}
}

func takesLastEnd(t *testing.T, fw Firewall) {
	prefix := netip.MustParsePrefix("203.0.113.7/32")
	var bans []Ban
	for _, d := range []time.Duration{time.Minute, time.Hour, time.Second, -time.Hour} {
		bans = append(bans, Ban{Prefix: prefix, Until: time.Now().Add(d)})
	}
	if err := fw.Block(t.Context(), bans); err != nil {
		t.Fatal(err)
	}
	wantUntil(t, fw, time.Now().Add(time.Hour))
}

func skipsRunOut(t *testing.T, fw Firewall) {
	block(t, fw, -time.Second, "203.0.113.7/32")
	block(t, fw, 0, "203.0.113.8/32", "2001:db8:1::/64")
	wantBlocked(t, fw)
}

func dropsHostBits(t *testing.T, fw Firewall) {
	block(t, fw, time.Hour, "203.0.113.7/24", "2001:db8:1::7/64")
	wantBlocked(t, fw, "203.0.113.0/24", "2001:db8:1::/64")
	if err := fw.Unblock(t.Context(), []netip.Prefix{netip.MustParsePrefix("203.0.113.9/24")}); err != nil {
		t.Fatal(err)
	}
	wantBlocked(t, fw, "2001:db8:1::/64")
}

func refusesEverybody(t *testing.T, fw Firewall) {
	for _, wrong := range []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"),
		{},
		netip.PrefixFrom(netip.MustParseAddr("::ffff:203.0.113.9"), 128),
	} {
		until := time.Now().Add(time.Hour)
		err := fw.Block(t.Context(), []Ban{
			{Prefix: wrong, Until: until},
			{Prefix: netip.MustParsePrefix("203.0.113.7/32"), Until: until},
		})
		if text := mustFail(t, err); !strings.Contains(text, wrong.String()) {
			t.Errorf("error does not name %v: %s", wrong, text)
		}
		if err := fw.Unblock(t.Context(), []netip.Prefix{wrong}); err != nil {
			t.Error(err)
		}
	}
	wantBlocked(t, fw, "203.0.113.7/32")
}

func unblocksExactly(t *testing.T, fw Firewall) {
	block(t, fw, time.Hour, "203.0.113.0/24", "203.0.113.7/32", "2001:db8:1::/64")
	err := fw.Unblock(t.Context(), []netip.Prefix{
		netip.MustParsePrefix("203.0.113.7/32"),
		netip.MustParsePrefix("2001:db8:1::/64"),
		netip.MustParsePrefix("198.51.100.1/32"), // is not blocked
	})
	if err != nil {
		t.Fatal(err)
	}
	wantBlocked(t, fw, "203.0.113.0/24")
}

func blocksManyBatches(t *testing.T, fw Firewall) {
	bans := manyBans(2500, 1200)
	if isCapped(fw) { // it runs iptables for each
		bans = manyBans(20, 20)
	}
	if err := fw.Block(t.Context(), bans); err != nil {
		t.Fatal(err)
	}
	if got := blocked(t, fw); len(got) != len(bans) {
		t.Fatalf("%d in force of %d", len(got), len(bans))
	}
	var prefixes []netip.Prefix
	for _, b := range bans {
		prefixes = append(prefixes, b.Prefix)
	}
	if err := fw.Unblock(t.Context(), prefixes); err != nil {
		t.Fatal(err)
	}
	wantBlocked(t, fw)
}

func endsByItself(t *testing.T, fw Firewall) {
	end := time.Now().Add(time.Second)
	block(t, fw, time.Second, "203.0.113.7/32", "2001:db8:1::/64")
	block(t, fw, time.Hour, "203.0.113.8/32")
	await.Until(t, "the end of the bans", func() bool { return len(blocked(t, fw)) == 1 })
	const tick = 10 * time.Millisecond // of the kernel's clock, at most
	if early := time.Until(end); early > tick {
		t.Errorf("ended %v early", early)
	}
	wantBlocked(t, fw, "203.0.113.8/32")
}

func stopsWithContext(t *testing.T, fw Firewall) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	prefix := netip.MustParsePrefix("203.0.113.7/32")
	if err := fw.Block(ctx, []Ban{{Prefix: prefix, Until: time.Now().Add(time.Hour)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Block: %v", err)
	}
	if err := fw.Unblock(ctx, []netip.Prefix{prefix}); !errors.Is(err, context.Canceled) {
		t.Errorf("Unblock: %v", err)
	}
	if _, err := fw.List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v", err)
	}
	wantBlocked(t, fw)
}

// manyBans makes so many bans of an hour per family.
func manyBans(v4, v6 int) []Ban {
	until := time.Now().Add(time.Hour)
	bans := make([]Ban, 0, v4+v6)
	for i := range v4 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		bans = append(bans, Ban{Prefix: netip.PrefixFrom(addr, 32), Until: until})
	}
	for i := range v6 {
		addr := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 5: byte(i >> 16), 6: byte(i >> 8), 7: byte(i)})
		bans = append(bans, Ban{Prefix: netip.PrefixFrom(addr, 64), Until: until})
	}
	return bans
}
