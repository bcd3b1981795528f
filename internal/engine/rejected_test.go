package engine

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
	"odooban/rules/ledger"
	"odooban/watcher"
)

// rejection is a line at a second, that names an address and was sent by another.
func rejection(second int, addr, by string) rules.Rejection {
	r := rules.Rejection{Reason: ledger.OtherAnswer}
	r.Time = start.Add(time.Duration(second) * time.Second)
	r.Addr, _ = netip.ParseAddr(addr)
	r.By, _ = netip.ParseAddr(by)
	return r
}

// Whoever asks about an address is told of what names it, and of what it sent.
func TestRejectedOfAnAddress(t *testing.T) {
	e, _, _ := newTest(t)
	counts := map[rules.Reason]uint64{ledger.OtherAnswer: 3}
	first, second := e.sources.begin("a.log", start), e.sources.begin("b.log", start)
	e.sources.reject(first, []rules.Rejection{
		rejection(3, "203.0.113.1", "203.0.113.2"), rejection(1, "203.0.113.2", ""), rejection(5, "", ""),
	}, counts)
	e.sources.reject(second, []rules.Rejection{rejection(2, "203.0.113.1", ""), rejection(4, "2001:db8::1", "2001:db8::2")}, nil)
	tests := []struct {
		prefix string
		want   []string
	}{
		{"203.0.113.1/32", []string{"b.log 2", "a.log 3"}},
		{"203.0.113.2/32", []string{"a.log 1", "a.log 3"}},
		{"203.0.113.3/32", nil},
		{"2001:db8::/64", []string{"b.log 4"}},
	}
	for _, tt := range tests {
		t.Run(tt.prefix, func(t *testing.T) {
			var got []string
			for _, r := range e.Rejected(netip.MustParsePrefix(tt.prefix)) {
				got = append(got, fmt.Sprintf("%s %v", r.Source, r.Time.Sub(start).Seconds()))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rejected (-want +got):\n%s", diff)
			}
		})
	}
	counts[ledger.OtherAnswer]++ // as the scanner does
	if got := e.Status().Sources[0].Rejected; got[ledger.OtherAnswer] != 3 {
		t.Errorf("counts %v, want those that were told", got)
	}
}

// However many are rejected, only the latest are remembered.
func TestRejectionsAreBounded(t *testing.T) {
	tests := []struct {
		name  string
		times []int // how many come each time
	}{
		{"few", []int{1, 2}},
		{"just as many", []int{mostRejected}},
		{"one by one", make([]int, 3*mostRejected+7)},
		{"more at once", []int{3, 3 * mostRejected, 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r rejections
			n := 0
			for _, times := range tt.times {
				var some []rules.Rejection
				for range max(1, times) {
					some = append(some, rejection(n, "", ""))
					n++
				}
				r.add(some)
			}
			if want := min(n, mostRejected); len(r.all) != want {
				t.Fatalf("%d are remembered, want %d", len(r.all), want)
			}
			oldest := start.Add(time.Duration(n-len(r.all)) * time.Second)
			for _, one := range r.all {
				if one.Time.Before(oldest) {
					t.Fatalf("one of %v is remembered, want none before %v", one.Time, oldest)
				}
			}
		})
	}
}

// forgingLogins is a Source of logins of many addresses, each of which holds a whole
// record that accuses somebody else.
type forgingLogins struct {
	logins int
	victim string
	// after is called when all have been judged.
	after func()
}

func (forgingLogins) Name() string { return "log" }

func (f forgingLogins) Follow(_ context.Context, sink watcher.Sink) error {
	const took = 20 * time.Millisecond
	for n := range f.logins {
		text, access := f.login(n, time.Now(), took)
		for _, lines := range []string{text, access} {
			now := time.Now()
			for line := range strings.Lines(lines) {
				if err := sink.Line(watcher.Line{Text: []byte(strings.TrimSuffix(line, "\n")), Seen: now}); err != nil {
					return err
				}
			}
			time.Sleep(took)
		}
		if err := sink.Settled(time.Now()); err != nil {
			return err
		}
		time.Sleep(2 * time.Second)
	}
	err := sink.Settled(time.Now())
	f.after()
	return err
}

// login is the record of a login, and its access line.
func (f forgingLogins) login(n int, now time.Time, took time.Duration) (text, access string) {
	const stamp, failed = "2006-01-02 15:04:05,000", " 1 INFO shop odoo.addons.base.models.res_users: Login failed for login:"
	at, end := now.UTC(), now.Add(took).UTC()
	by := fmt.Sprint("198.51.100.", n)
	text = at.Format(stamp) + failed + "x\n" + at.Format(stamp) + failed + "admin from " + f.victim + " \ny from " + by + " \n"
	return text, end.Format(stamp) + " 1 INFO shop werkzeug: " + by + " - - [" + end.Format("02/Jan/2006 15:04:05") +
		`] "POST /web/login HTTP/1.1" 200 - 5 0.003 0.020` + "\n"
}

// What is rejected is explained, and neither counted nor written into the journal:
// an attacker could fill it. Whoever sent it is counted.
func TestRejectedIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, firewall, observer := newTest(t)
		journal, set := journaled(t, e)
		defer journal.Close()
		const logins, victim = 50, "203.0.113.20"
		var during Status
		var about []Rejected
		source := forgingLogins{logins, victim, func() {
			during, about = e.Status(), e.Rejected(netip.MustParsePrefix(victim+"/32"))
		}}
		if err := e.Follow(t.Context(), source, set, time.Now()); err != nil {
			t.Fatal(err)
		}
		var counted uint64
		for _, n := range during.Sources[0].Rejected {
			counted += n
		}
		if counted != logins || len(about) != logins {
			t.Errorf("of %d lines %d were counted as rejected, and %d told of", logins, counted, len(about))
		}
		for n, r := range about {
			if by := fmt.Sprint("198.51.100.", n); r.Reason == "" || r.By != netip.MustParseAddr(by) {
				t.Errorf("rejected %+v, want a reason, and that %s sent it", r, by)
			}
		}
		if got := during.Sources[0].Failures; got != logins {
			t.Errorf("%d failures, want those of the %d who sent the lines", got, logins)
		}
		for _, entry := range observer.entries {
			if strings.Contains(entry, victim) {
				t.Errorf("observed %q", entry)
			}
		}
		kept := 0
		for f, err := range journal.Failures(t.Context(), time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			if kept++; f.Addr == netip.MustParseAddr(victim) {
				t.Errorf("in the journal: %+v", f)
			}
		}
		if kept != logins {
			t.Errorf("%d in the journal, want the %d failures", kept, logins)
		}
		if firewall.calls() > 0 {
			t.Errorf("bans %v", firewall.blocks)
		}
	})
}

// TestMainReason holds that the reason is told for which failures were lost, of whatever log,
// and none for forged lines.
func TestMainReason(t *testing.T) {
	lost := rules.Reasons()[slices.IndexFunc(rules.Reasons(), func(r rules.ReasonInfo) bool {
		return !r.Forged && r.Reason != ledger.NoAddress && r.Reason != ledger.Ambiguous // one of Traefik's
	})].Reason
	tests := []struct {
		name   string
		counts map[rules.Reason]uint64
		want   rules.Reason
	}{
		{"none", nil, ""},
		{"forged alone", map[rules.Reason]uint64{ledger.OtherAnswer: 9}, ""},
		{"the most frequent", map[rules.Reason]uint64{ledger.OtherAnswer: 9, ledger.NoAddress: 1, ledger.Ambiguous: 2}, ledger.Ambiguous},
		{"of Traefik's log", map[rules.Reason]uint64{lost: 1}, lost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, known := MainReason(tt.counts); got.Reason != tt.want || known != (tt.want != "") {
				t.Errorf("%q, known %v, want %q", got.Reason, known, tt.want)
			}
		})
	}
}
