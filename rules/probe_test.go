package rules_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// answered is an access line of Odoo's.
func answered(request string, status int) string {
	return fmt.Sprintf(`2026-11-23 10:45:45,470 28342 INFO shop werkzeug: 203.0.113.9 - - [23/Nov/2026 10:45:45] "%s HTTP/1.1" %d - 5 0.013 0.027`,
		request, status)
}

// TestProbes holds which access lines are failures by themselves.
func TestProbes(t *testing.T) {
	for _, tt := range []struct {
		request string
		status  int
		want    string
	}{
		{"GET /web/database/manager", 200, "odoo-database"},
		{"GET /web/database/manager?x=1", 200, "odoo-database"},
		{"GET /web/database/manager/", 404, "odoo-database"},
		{"POST /web/database/drop", 403, "odoo-database"},
		{"POST /web/database/create", 200, "odoo-database"},
		{"POST /web/database/create", 303, ""},
		{"GET /web/database/selector", 200, ""},
		{"POST /web/database/list", 200, ""},
		{"GET /web/database", 404, ""},
		{"POST /json/2/res.partner/search", 401, "odoo-api"},
		{"POST /json/2/res.partner/search_read_with_a_name_that_is_longer_than_what_is_looked_at", 401, "odoo-api"},
		{"GET /json/1/res.partner", 401, "odoo-api"},
		{"POST /json/2/res.partner/search", 404, ""},
		{"POST /json/2/res.partner/search", 200, ""},
		{"POST /web/login/totp", 200, "odoo-totp"},
		{"POST /fr/web/login/totp?redirect=%2F", 200, "odoo-totp"},
		{"post //web/login/totp/", 200, "odoo-totp"},
		{"POST /web/login/totp", 303, ""},
		{"GET /web/login/totp", 200, ""},
		{"POST /web/reset_password", 200, "odoo-reset"},
		{"GET /web/reset_password", 200, ""},
		{"POST /web/reset_password?token=x", 303, ""},
		{"POST /web/login", 200, ""},
		{"GET /shop/web/database/manager", 200, ""},
	} {
		t.Run(fmt.Sprint(tt.request, " ", tt.status), func(t *testing.T) {
			var want []string
			if tt.want != "" {
				want = []string{tt.want + " 203.0.113.9"}
			}
			line := answered(tt.request, tt.status)
			if diff := cmp.Diff(want, told(builtIn(t), line)); diff != "" {
				t.Errorf("replayed (-want +got):\n%s", diff)
			}
			live, _ := followed(t, []string{line})
			if diff := cmp.Diff(want, live); diff != "" {
				t.Errorf("live (-want +got):\n%s", diff)
			}
			e := builtIn(t).Explain([]byte(line), time.Time{})
			if e.Rule != tt.want {
				t.Errorf("explained by %q", e.Rule)
			}
		})
	}
}

// TestProbesBehindPercentSigns holds that no path hides from a replay, which
// looks at few lines once it knows whose log it reads.
func TestProbesBehindPercentSigns(t *testing.T) {
	quiet := answered("GET /web/assets/%20.css", 200)
	for _, tt := range []struct {
		request string
		status  int
		want    string
	}{
		{"GET /web/%64atabase/manager", 200, "odoo-database"},
		{"GET /%77eb%2fdatabase%2Fmanager", 200, "odoo-database"},
		{"POST /%6Ason/%32/res.partner", 401, "odoo-api"},
		{"GET /json/%31/res.partner", 401, "odoo-api"},
		{"POST /web/logi%6e/totp", 200, "odoo-totp"},
		{"POST /web/reset%5Fpassword", 200, "odoo-reset"},
	} {
		t.Run(tt.request, func(t *testing.T) {
			lines := []string{quiet, quiet, quiet, answered(tt.request, tt.status), quiet}
			want := []string{tt.want + " 203.0.113.9"}
			if diff := cmp.Diff(want, told(builtIn(t), lines...)); diff != "" {
				t.Errorf("replayed (-want +got):\n%s", diff)
			}
			live, _ := followed(t, lines)
			if diff := cmp.Diff(want, live); diff != "" {
				t.Errorf("live (-want +got):\n%s", diff)
			}
			log := []byte(strings.Join(lines, "\n") + "\n")
			wantSkimmed(t, builtIn(t), log, 1, 200, len(log))
		})
	}
}

// TestProbesInLogins holds that a line in a login accuses nobody, and that one
// behind a login counts all the same, in its place.
func TestProbesInLogins(t *testing.T) {
	const odoo, probe = "odoo-login 203.0.113.7", "odoo-database 203.0.113.9"
	truth := answered("GET /web/database/manager", 200)
	forged := strings.NewReplacer("203.0.113.9", "8.8.8.8", "45,470", "45,460").Replace(truth)
	other := strings.Split(strings.NewReplacer(":45,4", ":45,8", "1.227", "0.020").Replace(strings.Join(odooFailed("b"), "\n")), "\n")
	lines := odooFailed("x\n" + forged + "\n" + forged + "\ny")
	for _, tt := range []struct {
		name   string
		bursts [][]string
		want   []string
	}{
		{"within", [][]string{lines[:4], lines[4:]}, []string{odoo}},
		{"behind", [][]string{odooFailed("a"), {truth}, other}, []string{odoo, probe, odoo}},
		{"behind, at once", [][]string{append(odooFailed("a"), truth)}, []string{odoo, probe}},
		{"between record and answer", [][]string{{odooFailed("a")[0], truth, odooFailed("a")[1]}}, []string{odoo, probe}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var all []string
			for _, burst := range tt.bursts {
				all = append(all, burst...)
			}
			if diff := cmp.Diff(tt.want, told(builtIn(t), all...)); diff != "" {
				t.Errorf("replayed (-want +got):\n%s", diff)
			}
			live, _ := followed(t, tt.bursts...)
			if diff := cmp.Diff(tt.want, live); diff != "" {
				t.Errorf("live (-want +got):\n%s", diff)
			}
		})
	}
}

// TestProbesAreBounded lets a login that is never answered hold up probes.
func TestProbesAreBounded(t *testing.T) {
	scanner := builtIn(t).NewScanner(time.Time{})
	probe := []byte(answered("GET /web/database/manager", 200))
	failures := scanner.Feed(nil, rules.Line{Text: []byte(odooFailed("x")[0])})
	fed := 0
	for range 20_000 {
		failures = scanner.Feed(failures, rules.Line{Text: probe})
		fed += len(probe) + 1
	}
	failures = scanner.Flush(failures)
	counted := bytes.Count([]byte(fmt.Sprint(failures)), []byte("odoo-database"))
	if counted < 10_000 {
		t.Errorf("told %d of 20000 in %d bytes", counted, fed)
	}
	if lost := scanner.Stats().Unattributed; counted+int(lost) < 20_000 {
		t.Errorf("told %d of 20000, and that %d are lost", counted, lost)
	}
}

// TestProbeBehindUnansweredLogin holds that a login without an answer holds up no line in
// which nothing behind it can be its end.
func TestProbeBehindUnansweredLogin(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 45, 46, 0, time.UTC)
	scanner := builtIn(t).NewScanner(now)
	var failures []rules.Failure
	login := strings.ReplaceAll(odooFailed("x")[0], "203.0.113.7", "n/a")
	for _, line := range []string{login, answered("GET /web/database/manager", 200)} {
		failures = scanner.Feed(failures, rules.Line{Text: []byte(line), Seen: now})
	}
	failures = scanner.Settle(failures, now.Add(10*time.Millisecond))
	if len(failures) != 1 || failures[0].Rule != rules.DatabaseRule {
		t.Errorf("told %v once nothing more came, want the probe", failures)
	}
}
