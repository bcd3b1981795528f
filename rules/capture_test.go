package rules_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// TestCaptures holds what real servers logged under attack against what the attacking
// script did. 8.8.8.8, 8.8.4.4 and 9.9.9.9 stand in submitted logins only.
func TestCaptures(t *testing.T) {
	prefork17 := map[string]int{
		"odoo-login 203.0.113.7/32": 8, "odoo-login 203.0.113.8/32": 2, "odoo-login 203.0.113.9/32": 2,
		"odoo-login 203.0.113.11/32": 1, "odoo-login 203.0.113.50/32": 7, "odoo-login 2001:db8::/64": 1,
		"odoo-database 203.0.113.12/32": 2,
	}
	prefork := maps.Clone(prefork17)
	prefork17["odoo-login 203.0.113.7/32"] = 9 // 17 logs an empty login
	prefork["odoo-api 203.0.113.10/32"] = 1    // 19 has an API
	threaded := make(map[string]int)
	for host := 10; host <= 33; host++ {
		threaded[fmt.Sprintf("odoo-login 198.51.100.%d/32", host)] = 1
	}
	tests := []struct {
		name   string
		want   map[string]int
		forged uint64 // lines that are said to be
	}{
		{"odoo19-prefork.log", prefork, 2},
		{"odoo17-prefork.log", prefork17, 2},
		{"odoo19-threaded.log", threaded, 0},
		{"odoo9-prefork.log", map[string]int{"odoo-login 203.0.113.20/32": 1, "odoo-login 203.0.113.21/32": 1}, 0},
		{"odoo18-json.log", map[string]int{"odoo-login 203.0.113.20/32": 1, "odoo-login 203.0.113.21/32": 1}, 0},
		{"compose.log", map[string]int{"odoo-login 203.0.113.21/32": 1, "odoo-login 203.0.113.22/32": 1}, 0},
		{"syslog.log", map[string]int{"odoo-login 203.0.113.20/32": 2}, 0},
		{"colours.log", map[string]int{"odoo-login 203.0.113.20/32": 2}, 0},
		{"forged-cooldown.log", map[string]int{"odoo-login 203.0.113.20/32": 1}, 2},
		{"odoo19-warn.log", map[string]int{"odoo-cooldown 203.0.113.77/32": 4}, 0},
		{"min/fragment.log", map[string]int{}, 12},
		{"min/replay-plain.log", twenty, 0},
		{"min/replay-bad-query.log", twenty, 0},
		{"min/replay-fatal-db.log", twenty, 0},
		{"min/replay-new-device.log", twenty, 0},
		{"min/replay-no-csrf.log", twenty, 0},
		{"min/replay-reset-mail.log", twenty, 0},
		{"min/reset-flood.log", map[string]int{"odoo-reset 203.0.113.75/32": 14}, 0},
		{"min/reset-flood-nomail.log", map[string]int{"odoo-reset 203.0.113.75/32": 14}, 0},
		{"min/common-forge.clf", map[string]int{"traefik-login 203.0.113.11/32": 2}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			failures, stats := replay(builtIn(t), capture(t, tt.name))
			if diff := cmp.Diff(tt.want, count(failures)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			forged := uint64(0)
			for why, n := range stats.Rejected {
				if why.Forged() {
					forged += n
				}
			}
			if forged -= stats.Doubtful; forged != tt.forged || stats.Unattributed != 0 || stats.Unknown != 0 {
				t.Errorf("forged %d, want %d; unattributed %d, unknown %d, want none (%v)", forged, tt.forged, stats.Unattributed, stats.Unknown, stats.Rejected)
			}
		})
	}
}

// twenty is what a client did of whom all failures count.
var twenty = map[string]int{"odoo-login 203.0.113.50/32": 20}

// TestForgerIsNamed holds that who sent forged lines is named.
func TestForgerIsNamed(t *testing.T) {
	for name, forger := range map[string]string{
		"odoo19-prefork.log": "203.0.113.7", "odoo17-prefork.log": "203.0.113.7", "forged-cooldown.log": "203.0.113.20",
	} {
		_, stats := replay(builtIn(t), capture(t, name))
		want := map[netip.Addr]uint64{netip.MustParseAddr(forger): 2}
		if diff := cmp.Diff(want, stats.Forged, sameAddr); diff != "" {
			t.Errorf("%s: forged lines (-want +got):\n%s", name, diff)
		}
	}
}

// TestCapturesReadLate follows the captures as one does who looks now and then: all that
// was written since is read at once. Nothing may depend on how often.
func TestCapturesReadLate(t *testing.T) {
	stamp := regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}`)
	for _, name := range []string{"odoo17-prefork.log", "odoo19-prefork.log", "odoo19-threaded.log"} {
		want, _ := replay(builtIn(t), capture(t, name))
		looks := []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, time.Second}
		forged := name != "odoo19-threaded.log"
		if !forged {
			looks = looks[:2] // what threads write in a second, one of them may have written
		}
		for _, every := range looks {
			t.Run(fmt.Sprint(name, " every ", every), func(t *testing.T) {
				scanner := builtIn(t).NewScanner(time.Time{})
				var got []rules.Failure
				var look time.Time
				for line := range bytes.Lines(capture(t, name)) {
					// Stamps before the next look are true; the forged ones, to the second, are not.
					at, err := time.Parse("2006-01-02 15:04:05,000", string(stamp.Find(line)))
					if err == nil && at.After(look) && (at.Nanosecond() > 0 || !forged) {
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
