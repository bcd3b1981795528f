package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"odooban/rules"
	"odooban/watcher"
)

// burst is a Source of three failed logins in one go, without access lines,
// and nothing behind them.
type burst struct{}

func (burst) Name() string { return "burst" }

func (burst) Follow(ctx context.Context, sink watcher.Sink) error {
	now := time.Now()
	for range 3 {
		text := now.UTC().Format("2006-01-02 15:04:05,000") +
			" 1 INFO shop odoo.addons.base.models.res_users: Login failed for login:admin from 203.0.113.20 "
		if err := sink.Line(watcher.Line{Text: []byte(text), Seen: now}); err != nil {
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
// nothing follows.
func TestFollowThinksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, firewall, _ := newTest(t)
		set, err := rules.Compile(rules.BuiltIn(), nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- e.Follow(ctx, burst{}, set, time.Now()) }()
		time.Sleep(watcher.SettleTime)
		synctest.Wait()
		if n := firewall.calls(); n != 0 {
			t.Errorf("banned at once %d times", n)
		}
		time.Sleep(rules.LonePatience)
		synctest.Wait()
		if n := firewall.calls(); n != 1 {
			t.Errorf("banned %d times, want once", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
