package banner

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDryRunByItsOwnClock(t *testing.T) {
	// A replay bans in the time of the log, years ago.
	now := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
	fw := &DryRun{Now: func() time.Time { return now }}
	ban := Ban{
		Prefix: netip.MustParsePrefix("203.0.113.7/32"), Rule: "odoo-login",
		Time: now, Until: now.Add(time.Minute), Failures: 10,
	}
	if err := fw.Block(t.Context(), []Ban{ban}); err != nil {
		t.Fatal(err)
	}
	got, err := fw.List(t.Context())
	if diff := cmp.Diff([]Ban{ban}, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); err != nil || diff != "" {
		t.Errorf("it does not know all of its ban: %v (-want +got):\n%s", err, diff)
	}
	now = now.Add(time.Minute)
	wantBlocked(t, fw)
}

func TestDryRunByTheWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fw := new(DryRun)
		block(t, fw, time.Hour, "203.0.113.7/32")
		time.Sleep(time.Hour - 1) // of the bubble's clock
		wantBlocked(t, fw, "203.0.113.7/32")
		time.Sleep(time.Nanosecond)
		wantBlocked(t, fw)
	})
}

func TestDryRunForgetsWhatHasEnded(t *testing.T) {
	var now time.Time
	fw := &DryRun{Now: func() time.Time { return now }}
	most := 0
	for i := range 100_000 {
		now = now.Add(time.Second)
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		ban := Ban{Prefix: netip.PrefixFrom(addr, 32), Until: now.Add(time.Minute)}
		if err := fw.Block(t.Context(), []Ban{ban}); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(fw.bans))
	}
	if most > 2000 {
		t.Errorf("it held %d bans for 60 in force", most)
	}
}

func TestPendingKeepsTheWholeBan(t *testing.T) {
	now := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
	longer := Ban{
		Prefix: netip.MustParsePrefix("203.0.113.0/24"), Rule: "odoo-login",
		Time: now, Until: now.Add(time.Hour), Failures: 10,
	}
	shorter := longer
	shorter.Until = now.Add(time.Minute)
	got, err := pending([]Ban{shorter, longer, shorter}, now)
	if err != nil {
		t.Fatal(err)
	}
	same := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if diff := cmp.Diff([]Ban{longer}, got, same); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
}
