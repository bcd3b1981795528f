package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
	"odooban/watcher"
)

// burst is a Source of three failed logins of one address in one go, among some
// of others, without access lines, and nothing behind them.
type burst struct {
	others  bool
	history bool
}

func (burst) Name() string { return "burst" }

func (b burst) Follow(ctx context.Context, sink watcher.Sink) error {
	now := time.Now()
	seen := now
	if b.history {
		seen = time.Time{}
	}
	addrs := []string{"203.0.113.20", "203.0.113.20", "203.0.113.20"}
	if b.others {
		addrs = append(addrs, "198.51.100.1", "198.51.100.2")
	}
	for i, addr := range addrs {
		const apart = 5 * time.Millisecond // a process refuses no two at once
		at := now.Add(-apart * time.Duration(len(addrs)-i))
		text := at.UTC().Format("2006-01-02 15:04:05,000") +
			" 1 INFO shop odoo.addons.base.models.res_users: Login failed for login:admin from " + addr + " "
		if err := sink.Line(watcher.Line{Text: []byte(text), Seen: seen}); err != nil {
			return err
		}
	}
	time.Sleep(watcher.SettleTime)
	if err := sink.Settled(time.Now()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// Where there are no access lines, what was written last is judged although
// nothing follows, unless its lines may be one login's.
func TestFollowWithoutAccessLines(t *testing.T) {
	tests := []struct {
		name   string
		source burst
		bans   []int // after SettleTime, LonePatience, and ten minutes
	}{
		{"live", burst{}, []int{0, 1, 1}},
		{"live, of several", burst{others: true}, []int{0, 0, 0}},
		{"history", burst{history: true}, []int{0, 1, 1}},
		{"history, of several", burst{history: true, others: true}, []int{0, 1, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, firewall, _ := newTest(t)
				set, err := rules.Compile(rules.BuiltIn(), nil)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- e.Follow(ctx, tt.source, set, time.Now()) }()
				var bans []int
				for _, wait := range []time.Duration{watcher.SettleTime, rules.LonePatience, 10 * time.Minute} {
					time.Sleep(wait)
					synctest.Wait()
					bans = append(bans, firewall.calls())
				}
				if diff := cmp.Diff(tt.bans, bans); diff != "" {
					t.Errorf("bans (-want +got):\n%s", diff)
				}
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
