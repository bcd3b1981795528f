package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/finding"
	"odooban/internal/jail"
	"odooban/rules"
)

// An attacker causes some alarms: each is told the first time and each time its
// count gains a digit, for each source.
func TestAlarmsAreThrottled(t *testing.T) {
	e, firewall, observer := newTest(t)
	for range 1500 {
		e.Observe(t.Context(), "log", failures("192.0.2.7", 1), time.Time{})
	}
	e.Observe(t.Context(), "other", failures("192.0.2.7", 2)[1:], time.Time{})
	want := []string{"own-address 1", "own-address 10", "own-address 100", "own-address 1000", "own-address 1"}
	if diff := cmp.Diff(want, observer.codes()); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
	if len(firewall.blocks) > 0 {
		t.Errorf("banned our own: %v", firewall.blocks)
	}
}

func TestAlarmsThatCountMoreThanOne(t *testing.T) {
	tests := []struct {
		name   string
		counts []uint64
		want   []string
	}{
		{"one by one", []uint64{1, 1, 1}, []string{"x 1"}},
		{"many at once", []uint64{250, 749, 1}, []string{"x 250", "x 1000"}},
		{"over two digits", []uint64{9, 991}, []string{"x 9", "x 1000"}},
		{"none counts as one", []uint64{0, 9}, []string{"x 1", "x 10"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, _, observer := newTest(t)
			for _, n := range tt.counts {
				e.Raise(Alarm{Code: "x", Count: n})
			}
			if diff := cmp.Diff(tt.want, observer.codes()); diff != "" {
				t.Errorf("alarms (-want +got):\n%s", diff)
			}
		})
	}
}

// The log's clock is compared with ours where we saw the line being written.
func TestClockDiffers(t *testing.T) {
	tests := []struct {
		name  string
		seen  time.Time
		alarm bool
	}{
		{"history", time.Time{}, false},
		{"the same", start, false},
		{"a minute later", start.Add(time.Minute), false},
		{"more", start.Add(time.Minute + time.Millisecond), true},
		{"a minute before", start.Add(-time.Minute), false},
		{"more before", start.Add(-time.Minute - time.Millisecond), true},
		{"local time instead of UTC", start.Add(2 * time.Hour), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, _, observer := newTest(t)
			e.Observe(t.Context(), "log", failures("203.0.113.20", 1), tt.seen)
			if got := len(observer.alarms) == 1 && observer.alarms[0].Code == finding.ClockDiffers; got != tt.alarm {
				t.Errorf("alarms %v", observer.alarms)
			}
		})
	}
}

// Addresses that were given up are counted once, and told as other alarms are.
func TestForgottenAddresses(t *testing.T) {
	j, err := jail.New(jail.Options{
		Policies: []jail.Policy{
			{Rule: rules.LoginRule, MaxRetry: 3, FindTime: time.Minute, BanTime: 15 * time.Minute},
			{Rule: "other", MaxRetry: 3, FindTime: time.Minute, BanTime: 15 * time.Minute},
		},
		MaxKeys: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	observer := &diary{}
	e := New(j, &fakeFirewall{}, observer)
	come := func(n int) {
		for range n {
			addr := fmt.Sprintf("203.0.113.%d", len(observer.entries))
			e.Observe(t.Context(), "log", failures(addr, 1), time.Time{})
		}
		e.CheckAlarms(time.Now())
		e.CheckAlarms(time.Now())
	}
	for _, n := range []int{2, 3, 1, 6} {
		come(n)
	}
	if diff := cmp.Diff([]string{"too-many-addresses 3", "too-many-addresses 10"}, observer.codes()); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
	var forgotten []uint64
	for _, one := range e.Status().Jails {
		forgotten = append(forgotten, one.Forgotten)
	}
	if diff := cmp.Diff([]uint64{10, 0}, forgotten); diff != "" {
		t.Errorf("forgotten (-want +got):\n%s", diff)
	}
}

// A source tells each trouble once, however they alternate, and anew when it was
// over.
func TestTroubleIsTold(t *testing.T) { synctest.Test(t, testTroubleIsTold) }

func testTroubleIsTold(t *testing.T) {
	e, _, observer := newTest(t)
	e.Trouble("log", errors.New("read log: permission denied"))
	e.Trouble("log", errors.New("read log: it does not exist yet"))
	for range 3 {
		e.Trouble("log", errors.New("read log: permission denied"))
		e.Trouble("log", errors.New("read log: it does not exist yet"))
	}
	e.Trouble("log", nil)
	e.Trouble("log", errors.New("read log: permission denied")) // it comes and goes
	e.Trouble("log", nil)
	time.Sleep(time.Minute)
	e.Trouble("log", errors.New("read log: permission denied"))
	forgetTimes(observer.alarms)
	want := []Alarm{
		{Code: finding.SourceTrouble, Source: "log", Text: "read log: permission denied", Count: 1},
		{Code: finding.SourceTrouble, Source: "log", Text: "read log: it does not exist yet", Count: 2},
		{Code: finding.SourceTrouble, Source: "log", Text: "read log: permission denied", Count: 9, Over: true},
		{Code: finding.SourceTrouble, Source: "log", Text: "read log: permission denied", Count: 1},
	}
	if diff := cmp.Diff(want, observer.alarms); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
}

// The cure for failures of our own addresses is of who has logged them.
func TestOwnAddressHasItsCure(t *testing.T) {
	e, _, observer := newTest(t)
	for _, rule := range []string{rules.LoginRule, rules.ProxyLogin} {
		e.alarmIgnored(rule, rules.Failure{Rule: rule, Addr: netip.MustParseAddr("10.0.0.2")}, "containers")
	}
	for i, want := range []string{"proxy_mode = True in odoo.conf", "forwardedHeaders.trustedIPs"} {
		if got := observer.alarms[i].Cure; !strings.Contains(got, want) {
			t.Errorf("the cure is %q, want one with %q", got, want)
		}
	}
}

// Who looks for trouble again and finds none ends its alarm; the second time speaks
// too.
func TestConclude(t *testing.T) {
	e, _, observer := newTest(t)
	silent := Alarm{Code: finding.SourceSilent, Source: "log", Text: "nothing was written", Count: 1}
	other := Alarm{Code: finding.OwnAddress, Source: "log", Text: "from 127.0.0.1", Count: 1}
	e.Raise(other)
	for range 2 {
		e.Raise(silent)
		e.Conclude([]string{finding.SourceSilent}, []Alarm{silent})
		e.Conclude([]string{finding.SourceSilent}, nil)
	}
	forgetTimes(observer.alarms)
	over := silent
	over.Over = true
	if diff := cmp.Diff([]Alarm{other, silent, over, silent, over}, observer.alarms); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
}

// forgetTimes takes the times away, which are those of the test.
func forgetTimes(alarms []Alarm) {
	for i := range alarms {
		alarms[i].Last = time.Time{}
	}
}
