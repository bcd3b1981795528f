package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/control"
	"odooban/rules"
)

// What is wrong is said beside the numbers.
func TestWriteStatus(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 48, 57, 0, time.UTC)
	status := control.Status{
		Version: "1.2.3", PID: 812, Since: at.Add(-time.Hour), Reasons: []string{"no source can be followed: gone"},
		Sources: []control.Source{{
			Name: "odoo.log", Lines: 1, Failures: 14, Unattributed: 1, Unknown: 2,
			Rejected: map[rules.Reason]uint64{"no-address": 1, "other-answer": 12, "clock": 1}, LastLine: at, LastRecord: at, Trouble: "gone",
		}},
		Jails: []control.Jail{
			{Rule: "odoo-login", MaxRetry: 10, FindTime: 60, BanTime: 900, Failures: 14, Bans: 1, Counting: 4, Forgotten: 5},
		},
		Firewall: control.Firewall{
			Backend: "ipset", Bans: 1, Dropped: new(uint64(1)), Mended: 1, LastMended: []string{"rule missing"}, Notes: []string{"no IPv6"},
		},
		Alarms: []control.Alarm{{Code: "own-address", Source: "odoo.log", Text: "from 127.0.0.1", Cure: "x", Count: 1, Last: at}},
	}
	want := `odooban 1.2.3, process 812, counting since 2026-11-23 09:48:57 UTC
NOT HEALTHY: no source can be followed: gone

SOURCE    LINES  FAILURES  LAST LINE (UTC)      LAG
odoo.log  1      14        2026-11-23 10:48:57  0s
TROUBLE: gone
odoo.log: 1 failure without an address, 2 lines about logins not understood
odoo.log: not counted: 12 other-answer, 1 clock, 1 no-address

JAIL        BANS FOR  AFTER     FAILURES  BANS  COUNTING
odoo-login  15m       10 in 1m  14        1     4
odoo-login: 5 addresses forgotten, as too many were counted

Firewall ipset: 1 ban in force, 1 packet dropped, put right 1 time
      last: rule missing
NOTE  no IPv6

ALARM own-address, 1 time, last 2026-11-23 10:48:57, odoo.log
      from 127.0.0.1
      x
`
	var got strings.Builder
	w := tabwriter.NewWriter(&got, 0, 0, 2, ' ', 0)
	writeStatus(w, &status)
	w.Flush()
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// While the daemon reads its configuration it answers nothing, and programs are
// told so by a document all the same.
func TestBusyDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- control.NewServer(func(control.Change) {}).Run(ctx, listener) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	t.Setenv("ODOOBAN_SOCKET", path)
	for _, command := range []string{"status", "health"} {
		var out, complaint strings.Builder
		code := run([]string{command, "--json"}, strings.NewReader(""), &out, &complaint)
		var said struct {
			Healthy bool     `json:"healthy"`
			Reasons []string `json:"reasons"`
		}
		if err := json.Unmarshal([]byte(out.String()), &said); err != nil {
			t.Errorf("%s prints %q: %v", command, out.String(), err)
		}
		if code != exitFailed || said.Healthy || len(said.Reasons) != 1 || !strings.Contains(said.Reasons[0], "try again") {
			t.Errorf("%s exits %d and says %+v; %s", command, code, said, complaint.String())
		}
	}
}
