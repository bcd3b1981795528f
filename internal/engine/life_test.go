package engine

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/finding"
	"odooban/rules"
	"odooban/rules/ledger"
	"odooban/watcher"
)

// happening is what happens to an engine a while after what was before.
type happening struct {
	after time.Duration
	what  func(*Engine)
}

// scanned lets the scanner of "log" have seen so much more.
func scanned(more rules.Stats) func(*Engine) {
	return func(e *Engine) { e.alarmScan("log", rules.Stats{}, more) }
}

// fails lets an address fail in "log" now, by a clock that is so much ahead.
func fails(addr string, ahead time.Duration) func(*Engine) {
	return func(e *Engine) {
		now := time.Now()
		e.Observe(context.Background(), "log", []rules.Failure{
			{Time: now.Add(ahead), Addr: netip.MustParseAddr(addr), Rule: rules.LoginRule},
		}, now)
	}
}

// loses lets n lines be rejected in "log" now because of their times, an hour ahead.
func loses(n int) func(*Engine) {
	return func(e *Engine) {
		now := time.Now()
		one := rules.Rejection{Failure: rules.Failure{Time: now.Add(time.Hour)}, Reason: ledger.Clock}
		var all []rules.Rejection
		for range n {
			all = append(all, one)
		}
		e.checkRejected("log", all, now)
	}
}

func TestAlarmsEnd(t *testing.T) {
	unattributed := scanned(rules.Stats{Unattributed: 1, Rejected: map[rules.Reason]uint64{ledger.NoAddress: 1}})
	suspected := scanned(rules.Stats{ProxySuspected: 1})
	const short = time.Second
	tests := []struct {
		name   string
		before []happening
		after  time.Duration // until it is looked
		want   []string
		stands []string
	}{
		{
			"unattributed, and nothing else",
			[]happening{{0, unattributed}},
			23 * time.Hour,
			[]string{"unattributed 1"},
			[]string{"unattributed 1"},
		},
		{
			"unattributed, and nothing for a day",
			[]happening{{0, unattributed}},
			24 * time.Hour,
			[]string{"unattributed 1", "unattributed 1 over"},
			nil,
		},
		{
			"unattributed, while others are not",
			[]happening{{0, fails("203.0.113.1", 0)}, {0, unattributed}, {short, fails("203.0.113.1", 0)}, {short, unattributed}},
			10 * time.Minute,
			[]string{"unattributed 1"},
			[]string{"unattributed 2"},
		},
		{
			"others have addresses by now, for a short time",
			[]happening{{0, unattributed}, {short, fails("203.0.113.1", 0)}},
			10*time.Minute - 2*short,
			[]string{"unattributed 1"},
			[]string{"unattributed 1"},
		},
		{
			"others have addresses by now",
			[]happening{{0, unattributed}, {short, fails("203.0.113.1", 0)}},
			10*time.Minute - short,
			[]string{"unattributed 1", "unattributed 1 over"},
			nil,
		},
		{
			"it begins anew",
			[]happening{{0, unattributed}, {short, fails("203.0.113.1", 0)}, {10 * time.Minute, unattributed}},
			0,
			[]string{"unattributed 1", "unattributed 1 over", "unattributed 1"},
			[]string{"unattributed 1"},
		},
		{
			"a proxy, and private addresses",
			[]happening{{0, suspected}, {short, fails("10.0.0.1", 0)}},
			time.Hour,
			[]string{"proxy-mode 1"},
			[]string{"proxy-mode 1"},
		},
		{
			"a proxy, and then others, for a short time",
			[]happening{{0, suspected}, {short, fails("203.0.113.1", 0)}},
			30*time.Minute - 2*short,
			[]string{"proxy-mode 1"},
			[]string{"proxy-mode 1"},
		},
		{
			"a proxy, and then others",
			[]happening{{0, suspected}, {short, fails("2001:db8::1", 0)}},
			30*time.Minute - short,
			[]string{"proxy-mode 1", "proxy-mode 1 over"},
			nil,
		},
		{
			"a clock",
			[]happening{{0, fails("203.0.113.1", time.Hour)}, {short, fails("203.0.113.1", -time.Hour)}},
			time.Hour,
			[]string{"clock-differs 1"},
			[]string{"clock-differs 2"},
		},
		{
			"a clock that was put right",
			[]happening{{0, fails("203.0.113.1", time.Hour)}, {short, fails("203.0.113.1", time.Minute)}},
			0,
			[]string{"clock-differs 1", "clock-differs 1 over"},
			nil,
		},
		{
			"some lines lost to the clock",
			[]happening{{0, loses(9)}, {time.Hour, fails("203.0.113.1", 0)}, {short, loses(9)}},
			0,
			nil,
			nil,
		},
		{"many lines lost to the clock at once", []happening{{0, loses(100)}}, 0, nil, nil},
		{
			"many forged at once, again and again, by one who counts himself",
			[]happening{{0, loses(100)}, {short, fails("203.0.113.1", 0)}, {time.Minute, loses(100)}, {short, fails("203.0.113.1", 0)}},
			0,
			nil,
			nil,
		},
		{
			"all lost to the clock",
			[]happening{{0, loses(1)}, {5 * short, loses(8)}, {5 * short, loses(1)}, {short, loses(1)}},
			time.Minute,
			[]string{"clock-differs 10"},
			[]string{"clock-differs 11"},
		},
		{
			"all were lost to the clock",
			[]happening{{0, loses(9)}, {10 * short, loses(1)}, {time.Hour, fails("203.0.113.1", 0)}},
			0,
			[]string{"clock-differs 10", "clock-differs 10 over"},
			nil,
		},
		{
			"another alarm",
			[]happening{{0, func(e *Engine) { e.Raise(Alarm{Code: finding.MixedLog, Source: "log"}) }}},
			48 * time.Hour,
			[]string{"mixed-log 1"},
			[]string{"mixed-log 1"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _, observer := newTest(t)
				for _, h := range tt.before {
					time.Sleep(h.after)
					h.what(e)
				}
				time.Sleep(tt.after)
				stand := diary{alarms: e.Status().Alarms}
				e.CheckAlarms(time.Now())
				e.CheckAlarms(time.Now())
				if diff := cmp.Diff(append([]string{}, tt.want...), observer.codes()); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(append([]string{}, tt.stands...), stand.codes()); diff != "" {
					t.Errorf("in the status (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What was met is counted although it is over: a counter must not fall.
func TestMetOutlivesAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _, _ := newTest(t)
		for range 2 {
			scanned(rules.Stats{ProxySuspected: 3})(e)
			time.Sleep(untold)
			e.CheckAlarms(time.Now())
		}
		s := e.Status()
		if diff := cmp.Diff(map[string]uint64{finding.ProxyMode: 6}, s.Met); diff != "" || len(s.Alarms) > 0 {
			t.Errorf("alarms %v, met (-want +got):\n%s", s.Alarms, diff)
		}
	})
}

// An alarm about failures without an address tells the reason that most of them have.
func TestUnattributedTellsTheReason(t *testing.T) {
	tests := []struct {
		name    string
		reasons map[rules.Reason]uint64
		want    rules.Reason
	}{
		{"none is known", nil, ""},
		{"one", map[rules.Reason]uint64{ledger.Ambiguous: 1}, ledger.Ambiguous},
		{"the most frequent", map[rules.Reason]uint64{ledger.NoAddress: 2, ledger.Ambiguous: 3}, ledger.Ambiguous},
		{"of as many always the same", map[rules.Reason]uint64{ledger.NoAddress: 2, ledger.Ambiguous: 2}, ledger.Ambiguous},
		{"forged lines are none", map[rules.Reason]uint64{ledger.NoAddress: 2, ledger.OtherAnswer: 9}, ledger.NoAddress},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, _, observer := newTest(t)
			scanned(rules.Stats{Unattributed: 5, Rejected: tt.reasons})(e)
			if len(observer.alarms) != 1 {
				t.Fatalf("alarms %v", observer.alarms)
			}
			kind, got := finding.Of(finding.Unattributed), observer.alarms[0]
			if tt.want == "" {
				if got.Text != kind.Title || got.Cure != kind.Cure {
					t.Errorf("alarm %+v", got)
				}
				return
			}
			if why := Explain(tt.want); !strings.Contains(got.Text, string(why.Reason)+": "+why.Title) || got.Cure != why.Cure {
				t.Errorf("alarm %+v, want it to tell %+v", got, why)
			}
		})
	}
}

// A log whose clock is off is told of: bans end when they should not. Its failures count.
func TestClockThatIsOffIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, firewall, observer := newTest(t)
		set, err := rules.Compile(rules.BuiltIn(), nil)
		if err != nil {
			t.Fatal(err)
		}
		source := scripted{"log", func(sink watcher.Sink) error {
			for range 60 {
				now := time.Now()
				text := now.Add(time.Hour).UTC().Format("2006-01-02 15:04:05,000") +
					" 1 INFO shop odoo.addons.base.models.res_users: Login failed for login:admin from 203.0.113.20 "
				if err := sink.Line(watcher.Line{Text: []byte(text), Seen: now}); err != nil {
					return err
				}
				time.Sleep(watcher.SettleTime)
				if err := sink.Settled(time.Now()); err != nil {
					return err
				}
				time.Sleep(time.Second)
			}
			return nil
		}}
		if err := e.Follow(t.Context(), source, set, time.Now()); err != nil {
			t.Fatal(err)
		}
		codes := observer.codes()
		if len(codes) == 0 || !strings.HasPrefix(codes[0], "clock-differs ") {
			t.Errorf("alarms %v", codes)
		}
		if firewall.calls() == 0 {
			t.Error("no ban")
		}
	})
}
