package engine

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/banner"
	"odooban/internal/finding"
	"odooban/internal/jail"
	"odooban/rules"
	"odooban/watcher"
)

// start is when the logs of these tests begin.
var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// samePrefix lets cmp look into bans.
var samePrefix = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

// fakeFirewall remembers what it was told to block, and when.
type fakeFirewall struct {
	mu     sync.Mutex
	blocks [][]banner.Ban
	times  []time.Time
	// refuse says for each call, counted from 0, why it fails.
	refuse func(ctx context.Context, call int) error
}

func (f *fakeFirewall) Block(ctx context.Context, bans []banner.Ban) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blocks, f.times = append(f.blocks, bans), append(f.times, time.Now())
	if f.refuse != nil {
		return f.refuse(ctx, len(f.blocks)-1)
	}
	return nil
}

// calls is how often it was told to block something.
func (f *fakeFirewall) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.blocks)
}

// diary is an Observer that writes everything down.
type diary struct {
	entries []string
	alarms  []Alarm
}

func (d *diary) Failed(source string, f rules.Failure) {
	d.entries = append(d.entries, fmt.Sprintf("%s: failed %v", source, f.Addr))
}

func (d *diary) Banned(source string, b banner.Ban) {
	d.entries = append(d.entries, fmt.Sprintf("%s: banned %v", source, b.Prefix))
}

func (d *diary) Alarmed(a Alarm) { d.alarms = append(d.alarms, a) }

// codes are the alarms in short.
func (d *diary) codes() []string {
	codes := []string{}
	for _, a := range d.alarms {
		code := fmt.Sprintf("%s %d", a.Code, a.Count)
		if a.Over {
			code += " over"
		}
		codes = append(codes, code)
	}
	return codes
}

// newTest returns an Engine that bans for fifteen minutes at the third failure
// within one, and leaves 192.0.2.0/24 alone.
func newTest(t *testing.T) (*Engine, *fakeFirewall, *diary) {
	t.Helper()
	j, err := jail.New(jail.Options{
		Policies: []jail.Policy{{Rule: rules.LoginRule, MaxRetry: 3, FindTime: time.Minute, BanTime: 15 * time.Minute}},
		Ignore:   []jail.Ignored{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Why: "the office"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	firewall, observer := &fakeFirewall{}, &diary{}
	return New(j, firewall, observer), firewall, observer
}

// failures are n of one address, a second apart.
func failures(addr string, n int) []rules.Failure {
	var all []rules.Failure
	for i := range n {
		all = append(all, rules.Failure{
			Time: start.Add(time.Duration(i) * time.Second), Addr: netip.MustParseAddr(addr), Rule: rules.LoginRule,
		})
	}
	return all
}

// banOf is the ban that three failures of one address lead to.
func banOf(prefix string) banner.Ban {
	return banner.Ban{
		Prefix: netip.MustParsePrefix(prefix), Rule: rules.LoginRule, Failures: 3,
		Time: start.Add(2 * time.Second), Until: start.Add(15*time.Minute + 2*time.Second),
	}
}

func TestObserve(t *testing.T) {
	tests := []struct {
		name     string
		failures []rules.Failure
		blocks   [][]banner.Ban
		entries  []string
	}{
		{"nothing", nil, nil, nil},
		{
			"too few", failures("203.0.113.20", 2), nil,
			[]string{"log: failed 203.0.113.20", "log: failed 203.0.113.20"},
		},
		{
			"enough", failures("203.0.113.20", 4),
			[][]banner.Ban{{banOf("203.0.113.20/32")}},
			[]string{
				"log: failed 203.0.113.20", "log: failed 203.0.113.20", "log: failed 203.0.113.20",
				"log: failed 203.0.113.20", "log: banned 203.0.113.20/32",
			},
		},
		{
			"two at once are one call", append(failures("203.0.113.20", 3), failures("2001:db8::7", 3)...),
			[][]banner.Ban{{banOf("203.0.113.20/32"), banOf("2001:db8::/64")}},
			[]string{
				"log: failed 203.0.113.20", "log: failed 203.0.113.20", "log: failed 203.0.113.20",
				"log: failed 2001:db8::7", "log: failed 2001:db8::7", "log: failed 2001:db8::7",
				"log: banned 203.0.113.20/32",
				"log: banned 2001:db8::/64",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, firewall, observer := newTest(t)
			e.Observe(t.Context(), "log", tt.failures, time.Time{})
			if diff := cmp.Diff(tt.blocks, firewall.blocks, samePrefix); diff != "" {
				t.Errorf("blocks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.entries, observer.entries); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
			if len(observer.alarms) > 0 {
				t.Errorf("alarms: %v", observer.alarms)
			}
		})
	}
}

// Many sources fail at once; each key's failures count together, whichever
// source they come from, and the observer is told one thing at a time.
func TestObserveFromManySources(t *testing.T) {
	const sources = 16
	e, firewall, observer := newTest(t)
	var all sync.WaitGroup
	for i := range sources {
		all.Go(func() {
			e.Observe(t.Context(), fmt.Sprint(i), failures(fmt.Sprintf("203.0.113.%d", i), 3), time.Time{})
			shared := failures("198.51.100.1", 1)
			shared[0].User = fmt.Sprint(i)
			e.Observe(t.Context(), fmt.Sprint(i), shared, time.Time{})
		})
	}
	all.Wait()
	if len(firewall.blocks) != sources+1 {
		t.Errorf("%d blocks, want %d", len(firewall.blocks), sources+1)
	}
	if len(observer.entries) != sources*(3+1+1)+1 {
		t.Errorf("%d entries, want %d", len(observer.entries), sources*(3+1+1)+1)
	}
}

// script is a Source that hands on what it holds: a line, or Settled for "".
type script struct {
	lines []string
	// ended says that the source ends after its lines, else it waits for ctx.
	ended bool
	done  func()
	err   error
}

func (s *script) Name() string { return "script" }

func (s *script) Follow(ctx context.Context, sink watcher.Sink) error {
	now := start.Add(time.Minute)
	for _, line := range s.lines {
		var err error
		if line == "" {
			err, now = sink.Settled(now), now.Add(rules.LonePatience)
		} else {
			err = sink.Line(watcher.Line{Text: []byte(line)})
		}
		if err != nil {
			return err
		}
	}
	if s.err != nil || s.ended {
		return s.err
	}
	s.done()
	<-ctx.Done()
	return nil
}

// odoo is a record of Odoo's login code.
func odoo(second int, message string) string {
	return fmt.Sprintf("2026-11-23 09:00:%02d,000 1 INFO shop odoo.addons.base.models.res_users: %s", second, message)
}

func TestFollow(t *testing.T) {
	three := []string{
		odoo(0, "Login failed for login:admin from 203.0.113.20 "),
		odoo(1, "Login failed for login:admin from 203.0.113.20 "),
		odoo(2, "Login failed for login:admin from 203.0.113.20 "),
	}
	broken := errors.New("broken")
	tests := []struct {
		name   string
		source script
		err    error
		bans   int
		alarms []string
	}{
		{"ends", script{lines: three, ended: true}, nil, 1, nil},
		{"settles", script{lines: append(three[:3:3], "", "")}, nil, 1, nil},
		{"is stopped before it is certain", script{lines: three}, nil, 0, nil},
		{"breaks", script{lines: three, err: broken}, broken, 0, nil},
		{"says what no rule knows", script{lines: []string{odoo(0, "Login failed, and how! ")}, ended: true}, nil, 0, []string{"format-changed 1"}},
		{"does not tell the address", script{lines: []string{odoo(0, "Login failed for login:admin from n/a ")}, ended: true}, nil, 0, []string{"unattributed 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, firewall, observer := newTest(t)
			set, err := rules.Compile(rules.BuiltIn(), nil)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tt.source.done = cancel
			if err := e.Follow(ctx, &tt.source, set, start); !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if len(firewall.blocks) != tt.bans {
				t.Errorf("bans %v, want %d", firewall.blocks, tt.bans)
			}
			if diff := cmp.Diff(append([]string{}, tt.alarms...), observer.codes()); diff != "" {
				t.Errorf("alarms (-want +got):\n%s", diff)
			}
		})
	}
}

// An alarm says what is wrong and what to do, and names its source.
func TestAlarmsHelp(t *testing.T) {
	e, firewall, observer := newTest(t)
	firewall.refuse = func(context.Context, int) error { return errors.New("no such table") }
	e.Observe(t.Context(), "log", failures("192.0.2.7", 1), start.Add(time.Hour))
	e.Observe(t.Context(), "log", failures("203.0.113.20", 3), time.Time{})
	for _, a := range append(observer.alarms, ScanAlarms("log", rules.Stats{}, rules.Stats{Unknown: 1, Unattributed: 2, ProxySuspected: 3})...) {
		if a.Text == "" || a.Cure == "" || a.Code == "" || (a.Source == "") != (a.Code == finding.FirewallFailed) {
			t.Errorf("alarm lacks something: %+v", a)
		}
	}
	want := []string{"clock-differs 1", "own-address 1", "firewall-failed 1"}
	if diff := cmp.Diff(want, observer.codes()); diff != "" {
		t.Fatalf("alarms (-want +got):\n%s", diff)
	}
	if text := observer.alarms[1].Text; !strings.Contains(text, "192.0.2.7") || !strings.Contains(text, "the office") {
		t.Errorf("own-address says %q", text)
	}
	if text := observer.alarms[2].Text; !strings.Contains(text, "no such table") {
		t.Errorf("firewall-failed says %q", text)
	}
}
