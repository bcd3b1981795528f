package engine

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/banner"
	"odooban/internal/jail"
	"odooban/internal/store"
	"odooban/rules"
)

// held is a dry run that bans by the time of these tests.
func held() *banner.DryRun {
	return &banner.DryRun{Now: func() time.Time { return start }}
}

func inForce(t *testing.T, firewall *banner.DryRun) (prefixes []string) {
	t.Helper()
	bans, err := firewall.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bans {
		prefixes = append(prefixes, b.Prefix.String())
	}
	return prefixes
}

// restored is an engine that goes on where the journal ends.
func restored(t *testing.T, journal *store.Journal, firewall Firewall) *Engine {
	t.Helper()
	j, err := jail.New(jail.Options{
		Policies: []jail.Policy{{Rule: rules.LoginRule, MaxRetry: 3, FindTime: time.Minute, BanTime: 15 * time.Minute}},
		Ignore:   []jail.Ignored{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Why: "the office"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	e := New(j, firewall, &diary{})
	if err := e.Restore(t.Context(), journal, start); err != nil {
		t.Fatal(err)
	}
	return e
}

func openJournal(t *testing.T) *store.Journal {
	t.Helper()
	journal, err := store.Open(filepath.Join(t.TempDir(), "journal", "odooban.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { journal.Close() })
	return journal
}

// seen lets the engine record n failures of an address, from a place in the log on.
func seen(t *testing.T, e *Engine, addr string, place, n int) {
	t.Helper()
	all := failures(addr, n)
	for i := range all {
		all[i].Time = start.Add(time.Duration(place+i) * time.Second)
		all[i].Place = rules.Place{Generation: addr, Offset: int64(place + i)}
	}
	e.record(t.Context(), "log", strconv.Itoa(place), all, time.Time{})
}

// What led to a ban that people ended leads to no other, now or after a restart;
// what comes later does.
func TestLiftForgets(t *testing.T) {
	const bad, other = "203.0.113.20", "203.0.113.21"
	prefix := netip.MustParsePrefix(bad + "/32")
	everybody := func(e *Engine, firewall *banner.DryRun) error {
		_, err := e.Flush(t.Context(), firewall, []netip.Prefix{prefix}, start)
		return err
	}
	one := func(e *Engine, firewall *banner.DryRun) error {
		return e.Lift(t.Context(), firewall, []netip.Prefix{prefix}, start)
	}
	for _, tt := range []struct {
		name string
		// before is how many failures there are before the ban is ended.
		before int
		end    func(*Engine, *banner.DryRun) error
		// others is how many failures of another address still count.
		others int
	}{
		{"a ban", 3, one, 2},
		{"failures that belong to it", 8, one, 2},
		{"failures before any ban", 2, one, 2},
		{"everybody", 8, everybody, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			journal, firewall := openJournal(t), held()
			e := restored(t, journal, firewall)
			seen(t, e, bad, 0, tt.before)
			seen(t, e, other, 10, 2)
			if err := tt.end(e, firewall); err != nil {
				t.Fatal(err)
			}
			for _, step := range []string{"live", "after a restart"} {
				if got := inForce(t, firewall); len(got) > 0 {
					t.Fatalf("%s: in force: %v", step, got)
				}
				if s := e.Standing(prefix.Addr()); len(s.Counted) > 0 {
					t.Errorf("%s: it counts %v", step, s.Counted)
				}
				n := 0
				if s := e.Standing(netip.MustParseAddr(other)); len(s.Counted) > 0 {
					n = len(s.Counted[0].Times)
				}
				if n != tt.others {
					t.Errorf("%s: %d failures of the other, want %d", step, n, tt.others)
				}
				e = restored(t, journal, firewall)
			}
			seen(t, e, bad, 0, tt.before) // read again
			seen(t, e, bad, 600, 2)
			if got := inForce(t, firewall); len(got) > 0 {
				t.Errorf("two failures are enough: %v", got)
			}
			seen(t, e, bad, 610, 1)
			if diff := cmp.Diff([]string{prefix.String()}, inForce(t, firewall)); diff != "" {
				t.Errorf("after three more (-want +got):\n%s", diff)
			}
		})
	}
}

// A ban that people make is as long as they say, outlives a restart, and takes
// the failures of its time.
func TestManualBan(t *testing.T) {
	journal, firewall := openJournal(t), held()
	e := restored(t, journal, firewall)
	prefix := netip.MustParsePrefix("203.0.113.20/32")
	b, err := e.Ban(t.Context(), prefix, time.Hour, start)
	want := banner.Ban{Prefix: prefix, Rule: Manual, Time: start, Until: start.Add(time.Hour)}
	if diff := cmp.Diff(want, b, samePrefix); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	seen(t, e, "203.0.113.20", 0, 5)
	if bans, err := journal.Bans(start); err != nil || len(bans) != 1 {
		t.Errorf("bans in the journal: %v, %v", bans, err)
	}
	firewall = held()
	e = restored(t, journal, firewall)
	if diff := cmp.Diff([]string{prefix.String()}, inForce(t, firewall)); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	if s := e.Standing(prefix.Addr()); len(s.Counted) > 0 {
		t.Errorf("it counts %v", s.Counted)
	}
}

func TestManualBanOfOurOwn(t *testing.T) {
	e, firewall, _ := newTest(t)
	for _, prefix := range []string{"192.0.2.7/32", "192.0.2.0/24", "192.0.0.0/16"} {
		_, err := e.Ban(t.Context(), netip.MustParsePrefix(prefix), time.Hour, start)
		if own, ok := errors.AsType[*IgnoredError](err); !ok || own.Why != "the office" {
			t.Errorf("%s: %v", prefix, err)
		}
	}
	if len(firewall.blocks) > 0 {
		t.Errorf("banned: %v", firewall.blocks)
	}
}

// A ban that was refused and then ended is not tried again.
func TestLiftedBanIsNotTriedAgain(t *testing.T) {
	e, firewall, _ := newTest(t)
	firewall.refuse = func(context.Context, int) error { return errors.New("no") }
	prefix := netip.MustParsePrefix("203.0.113.20/32")
	_, err := e.Ban(t.Context(), prefix, time.Hour, start)
	if err == nil || !strings.Contains(err.Error(), "tried again (odooban unban 203.0.113.20 takes it back)") {
		t.Errorf("error is %v", err)
	}
	if n := e.Status().Refused; n != 1 {
		t.Errorf("%d bans were refused", n)
	}
	if err := e.Lift(t.Context(), held(), []netip.Prefix{prefix}, start); err != nil {
		t.Error(err)
	}
	if n := e.Status().Refused; n != 0 {
		t.Errorf("%d bans are to be tried again", n)
	}
}

// A ban of before is not put in force again where nobody is banned any more.
func TestIgnoredBanIsNotRestored(t *testing.T) {
	journal := openJournal(t)
	journal.Update(func(tx *store.Tx) {
		for _, prefix := range []string{"192.0.2.7/32", "192.0.0.0/16", "203.0.113.20/32"} {
			b := banOf(prefix)
			b.Until = start.Add(time.Hour)
			tx.Ban(b)
		}
	})
	firewall := held()
	restored(t, journal, firewall)
	if diff := cmp.Diff([]string{"203.0.113.20/32"}, inForce(t, firewall)); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
}
