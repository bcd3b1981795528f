package engine

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/banner"
	"odooban/internal/jail"
)

var errRefused = errors.New("refused")

// startRun runs e until the returned function is called.
func startRun(t *testing.T, e *Engine) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func TestRefusedBansAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, firewall, observer := newTest(t)
		firewall.refuse = func(_ context.Context, call int) error {
			if call < 8 || call == 9 {
				return errRefused
			}
			return nil
		}
		began := time.Now()
		stop := startRun(t, e)
		e.Observe(t.Context(), "log", failures("203.0.113.20", 3), time.Time{})
		time.Sleep(time.Hour)
		// After a success the next one is tried again soon.
		e.Observe(t.Context(), "log", failures("203.0.113.21", 3), time.Time{})
		time.Sleep(time.Hour)
		stop()

		var after []time.Duration
		for _, at := range firewall.times {
			after = append(after, at.Sub(began))
		}
		s, h := time.Second, time.Hour
		want := []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 61 * s, 91 * s, 121 * s, h, h + s}
		if diff := cmp.Diff(want, after); diff != "" {
			t.Errorf("tries (-want +got):\n%s", diff)
		}
		for i, bans := range firewall.blocks[:9] {
			if diff := cmp.Diff([]banner.Ban{banOf("203.0.113.20/32")}, bans, samePrefix); diff != "" {
				t.Errorf("try %d (-want +got):\n%s", i, diff)
			}
		}
		if diff := cmp.Diff([]string{"firewall-failed 1"}, observer.codes()); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}
	})
}

// What is refused while the next try is due goes with it, and of two bans of
// one prefix the one that ends later is kept.
func TestRefusedBansAreTriedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, firewall, _ := newTest(t)
		firewall.refuse = func(_ context.Context, call int) error {
			if call < 3 {
				return errRefused
			}
			return nil
		}
		later := failures("203.0.113.20", 3)
		for i := range later {
			later[i].Time = later[i].Time.Add(time.Hour)
		}
		e.Observe(t.Context(), "log", later, time.Time{})
		e.Observe(t.Context(), "log", failures("203.0.113.20", 3), time.Time{})
		e.Observe(t.Context(), "log", failures("203.0.113.21", 3), time.Time{})
		stop := startRun(t, e)
		time.Sleep(time.Minute)
		stop()

		got := make(map[string]time.Time)
		for _, b := range firewall.blocks[3] {
			got[b.Prefix.String()] = b.Until
		}
		want := map[string]time.Time{
			"203.0.113.20/32": start.Add(time.Hour + 15*time.Minute + 2*time.Second),
			"203.0.113.21/32": start.Add(15*time.Minute + 2*time.Second),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tried again (-want +got):\n%s", diff)
		}
		if len(firewall.blocks) != 4 {
			t.Errorf("%d calls, want 4", len(firewall.blocks))
		}
	})
}

// The end of the context ends Run wherever it is, and is no trouble with the
// firewall.
func TestRunEndsWithItsContext(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration // between the refusal and the end
		calls int
	}{
		{"while nothing is refused", -1, 0},
		{"while it waits to try again", 500 * time.Millisecond, 1},
		{"while it tries", time.Second, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, firewall, observer := newTest(t)
				firewall.refuse = func(ctx context.Context, call int) error {
					if call > 0 {
						<-ctx.Done()
						return ctx.Err()
					}
					return errRefused
				}
				stop := startRun(t, e)
				if tt.after >= 0 {
					e.Observe(t.Context(), "log", failures("203.0.113.20", 3), time.Time{})
					time.Sleep(tt.after)
				}
				synctest.Wait()
				stop()
				if len(firewall.blocks) != tt.calls {
					t.Errorf("%d calls, want %d", len(firewall.blocks), tt.calls)
				}
				if len(observer.alarms) > 1 {
					t.Errorf("alarms %v", observer.alarms)
				}
			})
		})
	}
}

func TestObserveAfterTheEndIsNoAlarm(t *testing.T) {
	e, firewall, observer := newTest(t)
	firewall.refuse = func(ctx context.Context, _ int) error { return ctx.Err() }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.Observe(ctx, "log", failures("203.0.113.20", 3), time.Time{})
	if len(observer.alarms) > 0 {
		t.Errorf("alarms %v", observer.alarms)
	}
}

// A refused ban is not tried again when nobody is banned there any more.
func TestIgnoredBanIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, firewall, _ := newTest(t)
		firewall.refuse = func(_ context.Context, call int) error {
			if call == 0 {
				return errRefused
			}
			return nil
		}
		defer startRun(t, e)()
		e.Observe(t.Context(), "log", failures("203.0.113.20", 3), time.Time{})
		network := netip.MustParsePrefix("203.0.113.0/24")
		if _, err := e.jail.Leave([]jail.Ignored{{Prefix: network, Why: "the branch office"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		firewall.mu.Lock()
		defer firewall.mu.Unlock()
		for _, bans := range firewall.blocks[1:] {
			if len(bans) > 0 {
				t.Errorf("tried again: %v", bans)
			}
		}
	})
}
