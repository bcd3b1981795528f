package rules_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// count is how often an address (IPv6: its /64) failed by each rule.
func count(failures []rules.Failure) map[string]int {
	counts := make(map[string]int)
	for _, f := range failures {
		bits := 32
		if f.Addr.Is6() {
			bits = 64
		}
		prefix, _ := f.Addr.Prefix(bits)
		counts[f.Rule+" "+prefix.String()]++
	}
	return counts
}

// builtIn compiles the built-in rules.
func builtIn(t testing.TB) *rules.Set {
	t.Helper()
	set, err := rules.Compile(rules.BuiltIn(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// replay feeds a whole log as history.
func replay(set *rules.Set, log []byte) ([]rules.Failure, rules.Stats) {
	scanner := set.NewScanner(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	var failures []rules.Failure
	for line := range bytes.Lines(log) {
		failures = scanner.Feed(failures, rules.Line{Text: bytes.TrimRight(line, "\r\n")})
	}
	return scanner.Flush(failures), scanner.Stats()
}

func capture(t testing.TB, name string) []byte {
	t.Helper()
	log, err := os.ReadFile(filepath.Join("..", "testdata", "logs", name))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// TestCaptures holds what real Odoo servers logged under attack against what
// the attacking script did. 8.8.8.8, 8.8.4.4 and 9.9.9.9 stand in submitted
// logins only.
func TestCaptures(t *testing.T) {
	prefork17 := map[string]int{
		"odoo-login 203.0.113.7/32": 8, "odoo-login 203.0.113.8/32": 2, "odoo-login 203.0.113.9/32": 2,
		"odoo-login 203.0.113.11/32": 1, "odoo-login 203.0.113.50/32": 7, "odoo-login 2001:db8::/64": 1,
		"odoo-database 203.0.113.12/32": 2,
	}
	prefork := maps.Clone(prefork17)
	// Odoo 17 logs an empty login, 19 does not; 19 has an API.
	prefork17["odoo-login 203.0.113.7/32"] = 9
	prefork["odoo-api 203.0.113.10/32"] = 1
	threaded := make(map[string]int)
	for host := 10; host <= 33; host++ {
		threaded[fmt.Sprintf("odoo-login 198.51.100.%d/32", host)] = 1
	}
	forger := map[netip.Addr]uint64{netip.MustParseAddr("203.0.113.7"): 2}
	tests := []struct {
		name   string
		want   map[string]int
		forged map[netip.Addr]uint64
	}{
		{"odoo19-prefork.log", prefork, forger},
		{"odoo17-prefork.log", prefork17, forger},
		{"odoo19-threaded.log", threaded, map[netip.Addr]uint64{}},
		{"odoo9-prefork.log", map[string]int{"odoo-login 203.0.113.20/32": 1, "odoo-login 203.0.113.21/32": 1}, map[netip.Addr]uint64{}},
		{"odoo18-json.log", map[string]int{"odoo-login 203.0.113.20/32": 1, "odoo-login 203.0.113.21/32": 1}, map[netip.Addr]uint64{}},
		{"compose.log", map[string]int{"odoo-login 203.0.113.21/32": 1, "odoo-login 203.0.113.22/32": 1}, map[netip.Addr]uint64{}},
		{"syslog.log", map[string]int{"odoo-login 203.0.113.20/32": 2}, map[netip.Addr]uint64{}},
		{"colours.log", map[string]int{"odoo-login 203.0.113.20/32": 2}, map[netip.Addr]uint64{}},
		{
			"forged-cooldown.log",
			map[string]int{"odoo-login 203.0.113.20/32": 1},
			map[netip.Addr]uint64{netip.MustParseAddr("203.0.113.20"): 2},
		},
		{"odoo19-warn.log", map[string]int{"odoo-cooldown 203.0.113.77/32": 4}, map[netip.Addr]uint64{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			failures, stats := replay(builtIn(t), capture(t, tt.name))
			if diff := cmp.Diff(tt.want, count(failures)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.forged, stats.Forged, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("forged lines (-want +got):\n%s", diff)
			}
			if stats.Unattributed != 0 || stats.Unknown != 0 {
				t.Errorf("unattributed %d, unknown %d, want none", stats.Unattributed, stats.Unknown)
			}
		})
	}
}

// TestCapturesReadLate follows the captures as one does who looks now and then:
// all that was written since is read at once. Nothing may depend on how often.
func TestCapturesReadLate(t *testing.T) {
	stamp := regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}`)
	for _, name := range []string{"odoo17-prefork.log", "odoo19-prefork.log", "odoo19-threaded.log"} {
		want, _ := replay(builtIn(t), capture(t, name))
		for _, every := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond, time.Second, 10 * time.Second} {
			t.Run(fmt.Sprint(name, " every ", every), func(t *testing.T) {
				scanner := builtIn(t).NewScanner(time.Time{})
				var got []rules.Failure
				var look time.Time
				for line := range bytes.Lines(capture(t, name)) {
					// Stamps before the next look are true; the forged ones are not.
					at, err := time.Parse("2006-01-02 15:04:05,000", string(stamp.Find(line)))
					if err == nil && at.After(look) && at.Nanosecond() > 0 {
						got = scanner.Settle(got, look)
						look = at.Truncate(every).Add(every)
					}
					got = scanner.Feed(got, rules.Line{Text: bytes.TrimRight(line, "\r\n"), Seen: look})
				}
				got = scanner.Settle(got, look.Add(time.Hour))
				if diff := cmp.Diff(count(want), count(got)); diff != "" {
					t.Errorf("failures (-replayed +followed):\n%s", diff)
				}
			})
		}
	}
}
