package metrics

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"odooban/banner"
	"odooban/internal/engine"
	"odooban/internal/finding"
)

// daemon is one that says what the test wants.
type daemon struct {
	status   engine.Status
	firewall banner.KeeperStatus
	err      error
	// uncounted is why packets are not counted.
	uncounted error
}

func (d daemon) Status() engine.Status { return d.status }

// kernel is its firewall.
type kernel struct{ daemon }

func (k kernel) Status() banner.KeeperStatus { return k.firewall }

func (k kernel) Dropped(context.Context) (uint64, error) { return 4711, k.uncounted }

func (d daemon) parts() Parts {
	return Parts{
		Engine: d, Firewall: kernel{d}, Journal: func() error { return d.err },
		Alarms:  func() []engine.Alarm { return []engine.Alarm{{Code: finding.JournalOutage, Count: 2}} },
		Healthy: func() bool { return d.err == nil }, Version: "1.2.3",
	}
}

// attacked is a daemon that has seen something.
func attacked() daemon {
	read := time.UnixMilli(1795448163250)
	return daemon{
		status: engine.Status{
			Refused: 5,
			Sources: []engine.SourceStatus{
				{
					Name: "/var/log/odoo/odoo.log", Lines: 1234, Failures: 14, Unattributed: 2, Unknown: 1,
					Rules:    map[string]engine.Tally{"odoo-login": {Failures: 14, Bans: 1}},
					LastLine: read, LastRecord: read.Add(-1500 * time.Millisecond),
				},
				{Name: "journal:odoo.service", Began: read.Add(-time.Hour), Rules: map[string]engine.Tally{}},
				{Name: "/srv/\xff.log", Trouble: "not there"},
			},
			Jails: []engine.JailStatus{
				{Rule: "odoo-cooldown"},
				{Rule: "odoo-login", Failures: 14, Bans: 1, Keys: 3, Forgotten: 8},
			},
			Met: map[string]uint64{finding.OwnAddress: 7},
		},
		firewall: banner.KeeperStatus{Backend: "ipset", Bans: 17, Mends: 2},
	}
}

// scrape gets what the handler says, without what Go and the process have.
func scrape(t *testing.T, parts Parts) (all, own string) {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(parts).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "odooban_") {
			lines = append(lines, line)
		}
	}
	return w.Body.String(), strings.Join(lines, "")
}

func TestMetrics(t *testing.T) {
	_, got := scrape(t, attacked().parts())
	goVersion := regexp.MustCompile(`goversion="[^"]*"`)
	zeros := regexp.MustCompile(`(?m)^odooban_alarms_total\{.*\} 0\n`)
	got = zeros.ReplaceAllString(goVersion.ReplaceAllString(got, `goversion="go"`), "")
	want := strings.ReplaceAll(`odooban_alarms_total{code="journal-outage"} 2
odooban_alarms_total{code="own-address"} 7
odooban_bans_in_force 17
odooban_bans_refused 5
odooban_bans_total{rule="odoo-cooldown",source="/var/log/odoo/odoo.log"} 0
odooban_bans_total{rule="odoo-cooldown",source="journal:odoo.service"} 0
odooban_bans_total{rule="odoo-login",source="/var/log/odoo/odoo.log"} 1
odooban_bans_total{rule="odoo-login",source="journal:odoo.service"} 0
odooban_build_info{goversion="go",version="1.2.3"} 1
odooban_dropped_packets_total 4711
odooban_failures_total{rule="odoo-cooldown",source="/var/log/odoo/odoo.log"} 0
odooban_failures_total{rule="odoo-cooldown",source="journal:odoo.service"} 0
odooban_failures_total{rule="odoo-login",source="/var/log/odoo/odoo.log"} 14
odooban_failures_total{rule="odoo-login",source="journal:odoo.service"} 0
odooban_firewall_mends_total 2
odooban_firewall_up{backend="ipset"} 1
odooban_healthy 1
odooban_journal_up 1
odooban_lines_total{source="/var/log/odoo/odoo.log"} 1234
odooban_lines_total{source="journal:odoo.service"} 0
odooban_source_lag_seconds{source="/var/log/odoo/odoo.log"} 1.5
odooban_source_last_line_timestamp_seconds{source="/var/log/odoo/odoo.log"} 1.79544816325e+09
odooban_source_last_line_timestamp_seconds{source="journal:odoo.service"} 1.79544456325e+09
odooban_source_up{source="/srv/REPLACED.log"} 0
odooban_source_up{source="/var/log/odoo/odoo.log"} 1
odooban_source_up{source="journal:odoo.service"} 1
odooban_unattributed_failures_total{source="/var/log/odoo/odoo.log"} 2
odooban_unattributed_failures_total{source="journal:odoo.service"} 0
odooban_unknown_format_total{source="/var/log/odoo/odoo.log"} 1
odooban_unknown_format_total{source="journal:odoo.service"} 0
odooban_window_keys{rule="odoo-cooldown"} 0
odooban_window_keys{rule="odoo-login"} 3
odooban_window_keys_forgotten_total{rule="odoo-cooldown"} 0
odooban_window_keys_forgotten_total{rule="odoo-login"} 8
`, "REPLACED", "\ufffd")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// A counter that cannot be read, as another program holds the lock of iptables,
// says nothing about the firewall.
func TestPacketsThatAreNotCounted(t *testing.T) {
	d := attacked()
	d.uncounted = errors.New("the lock is held")
	_, got := scrape(t, d.parts())
	if !strings.Contains(got, "odooban_firewall_up{backend=\"ipset\"} 1\n") || strings.Contains(got, "odooban_dropped_packets_total") {
		t.Errorf("says:\n%s", got)
	}
}

// TestTrouble is about a daemon with neither firewall nor journal: what is
// known is told all the same.
func TestTrouble(t *testing.T) {
	d := attacked()
	d.err = errors.New("no answer")
	d.firewall.Err, d.uncounted = d.err, d.err
	_, got := scrape(t, d.parts())
	for _, want := range []string{
		"odooban_healthy 0\n", "odooban_journal_up 0\n", "odooban_firewall_up{backend=\"ipset\"} 0\n",
		"odooban_bans_in_force 17\n", "odooban_lines_total{source=\"/var/log/odoo/odoo.log\"} 1234\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("says no %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "odooban_dropped_packets_total") {
		t.Error("says how many packets were dropped, which it does not know")
	}
}

// TestDryRun has no journal.
func TestDryRun(t *testing.T) {
	parts := attacked().parts()
	parts.Journal = nil
	if _, got := scrape(t, parts); strings.Contains(got, "odooban_journal_up") {
		t.Error("says how the journal is, which is none")
	}
}

func TestNames(t *testing.T) {
	text, _ := scrape(t, attacked().parts())
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestLabels lets no label be something that an attacker chooses.
func TestLabels(t *testing.T) {
	bounded := []string{"source", "rule", "code", "backend", "version", "goversion"}
	for _, m := range all {
		for _, label := range m.labels {
			if !slices.Contains(bounded, label) {
				t.Errorf("%s has the label %s", m.name, label)
			}
		}
	}
}

func TestOtherPaths(t *testing.T) {
	handler := Handler(attacked().parts())
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodGet, "/debug/pprof/", http.StatusNotFound},
		{http.MethodPost, "/metrics", http.StatusMethodNotAllowed},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, io.NopCloser(strings.NewReader("x"))))
		if w.Code != tt.want {
			t.Errorf("%s %s: status %d, want %d", tt.method, tt.path, w.Code, tt.want)
		}
	}
}

// As many scrapes are answered at once as connections are let in.
func TestManyScrapes(t *testing.T) {
	var entered, all sync.WaitGroup
	entered.Add(maxConns)
	parts := attacked().parts()
	parts.Healthy = func() bool {
		entered.Done()
		entered.Wait()
		return true
	}
	handler := Handler(parts)
	for range maxConns {
		all.Go(func() {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
			if answer.Code != http.StatusOK {
				t.Errorf("the answer is %d", answer.Code)
				entered.Done()
			}
		})
	}
	all.Wait()
}
