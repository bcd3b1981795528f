package banner

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fake is a backend without a kernel that forgets bans after cut, as ipset
// does, and from which tests take bans away.
type fake struct {
	dry
	cut time.Duration

	mu    sync.Mutex
	found []string
	err   error
}

// breaks makes the next Repair find something and every one fail with err.
func (f *fake) breaks(err error, found ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found, f.err = found, err
}

func (f *fake) Repair(context.Context) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := f.found
	f.found = nil
	return found, f.err
}

func (f *fake) Block(ctx context.Context, bans []Ban) error {
	bans = slices.Clone(bans)
	for i, b := range bans {
		if latest := time.Now().Add(f.cut); f.cut > 0 && b.Until.After(latest) {
			bans[i].Until = latest
		}
	}
	return f.dry.Block(ctx, bans)
}

func (f *fake) missing(ctx context.Context, prefixes []netip.Prefix) (lost int, err error) {
	bans, err := f.List(ctx)
	for _, p := range prefixes {
		if !slices.ContainsFunc(bans, func(b Ban) bool { return b.Prefix == p }) {
			lost++
		}
	}
	return lost, err
}

// reports is what a keeper has reported.
type reports struct {
	mu  sync.Mutex
	all []Mended
}

func (r *reports) add(m Mended) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, m)
}

func (r *reports) list() []Mended {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// kept runs a test with a keeper of a fake in a bubble, where time passes when
// everybody waits.
func kept(t *testing.T, test func(t *testing.T, f *fake, k *Keeper, told *reports)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		f := new(fake)
		k := newKeeper("fake", f)
		changed := make(chan struct{}, 1)
		k.changes = func(context.Context) (<-chan struct{}, func()) { return changed, func() {} }
		var told reports
		done := make(chan error)
		go func() { done <- k.Keep(ctx, told.add) }()
		test(t, f, k, &told)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestKeeperIsQuietWhileAllIsWell(t *testing.T) {
	kept(t, func(t *testing.T, _ *fake, k *Keeper, told *reports) {
		block(t, k, time.Minute, "203.0.113.7/32", "2001:db8:1::/64")
		time.Sleep(time.Hour)
		if got := told.list(); len(got) > 0 {
			t.Errorf("reports: %v", got)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.known.ends) > 0 {
			t.Errorf("it still knows %v", k.known.ends)
		}
	})
}

func TestKeeperPutsBackWhatIsGone(t *testing.T) {
	kept(t, func(t *testing.T, f *fake, k *Keeper, told *reports) {
		block(t, k, time.Hour, "203.0.113.7/32", "2001:db8:1::/64")
		block(t, k, time.Hour, "198.51.100.7/32")
		unblock(t, k, "198.51.100.7/32")
		unblock(t, f, "203.0.113.7/32")
		f.breaks(nil, "the rule was gone")
		time.Sleep(keepEvery + time.Millisecond)
		wantBlocked(t, f, "203.0.113.7/32", "2001:db8:1::/64")
		wantUntil(t, f, time.Now().Add(time.Hour-keepEvery))
		want := []Mended{{Found: []string{"the rule was gone", "bans were gone: at least 1 of 2"}, Righted: true, Restored: 2, Count: 1}}
		if diff := cmp.Diff(want, told.list()); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
	})
}

func TestKeeperLooksAtOnceWhenToldOfAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		changed := make(chan struct{}, 1)
		f := new(fake)
		f.breaks(nil, "x")
		k := newKeeper("fake", f)
		k.changes = func(context.Context) (<-chan struct{}, func()) { return changed, func() {} }
		var at []time.Duration
		began, done := time.Now(), make(chan error)
		go func() {
			done <- k.Keep(ctx, func(Mended) {
				at = append(at, time.Since(began))
				f.breaks(nil, "x")
			})
		}()
		time.Sleep(10 * time.Second)
		for range 100 { // a program that changes something all the time
			changed <- struct{}{}
			time.Sleep(50 * time.Millisecond)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := []time.Duration{10*time.Second + keepSettle, 10*time.Second + keepSettle + keepPause, 10*time.Second + keepSettle + 2*keepPause}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("looked (-want +got):\n%s", diff)
		}
	})
}

// Keep has ended when all that it began has.
func TestKeeperWaitsForItsListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		k, ended := newKeeper("fake", new(fake)), false
		k.changes = func(ctx context.Context) (<-chan struct{}, func()) {
			return nil, func() {
				<-ctx.Done()
				time.Sleep(time.Second)
				ended = true
			}
		}
		stop()
		if err := k.Keep(ctx, func(Mended) {}); err != nil || !ended {
			t.Errorf("listener ended: %v, %v", ended, err)
		}
	})
}

// What fails again and again is told once, and is not counted as put right.
func TestKeeperTellsWhatItCannotRepair(t *testing.T) {
	kept(t, func(t *testing.T, f *fake, k *Keeper, told *reports) {
		broken, other := errors.New("no iptables; apt install iptables"), errors.New("it does not stay")
		time.Sleep(time.Millisecond)
		for _, err := range []error{broken, broken, broken, other, other, broken, nil, nil} {
			f.breaks(err)
			if err != nil {
				f.breaks(err, "the rule was gone")
			}
			time.Sleep(keepEvery)
			if s := k.Status(); !errors.Is(s.Err, err) || s.Mends > 0 {
				t.Errorf("status is %+v, want %v", s, err)
			}
		}
		var errs []string
		for _, m := range told.list() {
			if errs = append(errs, m.Err.Error()); m.Righted {
				t.Errorf("said to be put right: %+v", m)
			}
		}
		if diff := cmp.Diff([]string{broken.Error(), other.Error(), broken.Error()}, errs); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// expiring is a fake whose bans do not end by themselves, and cannot be ended.
type expiring struct {
	fake
	err error
}

func (e *expiring) expire(context.Context) error { return e.err }

// Bans that cannot be ended are told of once, and the status says so until they
// are.
func TestKeeperTellsThatBansDoNotEnd(t *testing.T) {
	f := &expiring{err: errors.New("delete rule: the lock is held")}
	k := newKeeper("fake", f)
	var told reports
	for range 60 {
		k.expire(t.Context(), told.add)
		k.look(t.Context(), told.add)
	}
	if s := k.Status(); len(told.list()) != 1 || !errors.Is(s.Err, f.err) || s.Mends > 0 {
		t.Errorf("told %+v; status %+v", told.list(), s)
	}
	f.err = nil
	k.expire(t.Context(), told.add)
	if s := k.Status(); len(told.list()) != 1 || s.Err != nil {
		t.Errorf("told %+v; status after the cure %+v", told.list(), s)
	}
}

func TestKeeperTakesTheLongerBan(t *testing.T) {
	kept(t, func(t *testing.T, f *fake, k *Keeper, _ *reports) {
		for _, d := range []time.Duration{time.Minute, 24 * time.Hour, time.Hour} {
			block(t, k, d, "203.0.113.7/32")
		}
		wantUntil(t, f, time.Now().Add(24*time.Hour))
		unblock(t, k, "203.0.113.7/32")
		block(t, k, time.Hour, "203.0.113.7/32")
		wantUntil(t, f, time.Now().Add(time.Hour))
	})
}

// A ban of 60 days stays for 60 days, although the kernel counts to 24.
func TestKeeperRearmsLongBans(t *testing.T) {
	kept(t, func(t *testing.T, f *fake, k *Keeper, told *reports) {
		f.cut = maxTimeout * time.Second
		const days = 24 * time.Hour
		block(t, k, 60*days, "203.0.113.7/32")
		for day := range 60 {
			if got := blocked(t, f); len(got) != 1 {
				t.Fatalf("day %d: in force: %v", day, got)
			}
			time.Sleep(days)
		}
		wantBlocked(t, f)
		if got := told.list(); len(got) > 0 {
			t.Errorf("reports: %v", got)
		}
	})
}

func TestKeeperKeepsWhatWasThereBefore(t *testing.T) {
	kept(t, func(t *testing.T, f *fake, k *Keeper, _ *reports) {
		k.mu.Lock()
		k.learn([]Ban{
			{Prefix: netip.MustParsePrefix("203.0.113.7/32"), Until: time.Now().Add(time.Hour)},
			{Prefix: netip.MustParsePrefix("198.51.100.7/32")},
		})
		k.mu.Unlock()
		time.Sleep(keepEvery + time.Millisecond)
		wantBlocked(t, f, "198.51.100.7/32", "203.0.113.7/32")
		time.Sleep(30 * 24 * time.Hour)
		wantBlocked(t, f, "198.51.100.7/32") // for ever
	})
}

// One that is refused does not keep others from being put back.
func TestKeeperPutsBackAllButWhatIsRefused(t *testing.T) {
	f := &picky{refuse: netip.MustParsePrefix("10.0.0.7/32")}
	k := newKeeper("fake", f)
	k.learn(manyBans(3*putBatch, 0))
	var told reports
	for range 3 {
		f.bans = nil
		k.look(t.Context(), told.add)
		if n := len(blocked(t, f)); n != 2*putBatch {
			t.Errorf("%d in force of %d", n, 3*putBatch)
		}
	}
	if all := told.list(); len(all) != 1 || all[0].Err == nil {
		t.Errorf("told %+v", all)
	}
}

// picky is a fake that takes no bans along with one of a prefix.
type picky struct {
	fake
	refuse netip.Prefix
}

func (p *picky) Block(ctx context.Context, bans []Ban) error {
	if slices.ContainsFunc(bans, func(b Ban) bool { return b.Prefix == p.refuse }) {
		return errors.New("refused")
	}
	return p.fake.Block(ctx, bans)
}

func TestLedgerIsBounded(t *testing.T) {
	var l ledger
	until := time.Now().Add(time.Hour)
	for i := range maxMembers + 10 {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		l.raise(Ban{Prefix: netip.PrefixFrom(addr, 32), Until: until})
	}
	if len(l.ends) != maxMembers {
		t.Errorf("it knows %d", len(l.ends))
	}
	l.sweep(until)
	if len(l.ends) != 0 {
		t.Errorf("it still knows %d", len(l.ends))
	}
}

func unblock(t *testing.T, fw Firewall, prefixes ...string) {
	t.Helper()
	var all []netip.Prefix
	for _, p := range prefixes {
		all = append(all, netip.MustParsePrefix(p))
	}
	if err := fw.Unblock(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

// TestKeeperPutsAdoptedBansInForceOnce takes a shortcut only for what was just found in force.
func TestKeeperPutsAdoptedBansInForceOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fake)
		block(t, f, time.Hour, "203.0.113.7/32", "203.0.113.8/32")
		bans, err := f.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		k := newKeeper("fake", f)
		k.adopt(bans, 0)
		unblock(t, f, "203.0.113.7/32", "203.0.113.8/32")
		block(t, k, time.Hour, "203.0.113.7/32", "198.51.100.7/32")
		wantBlocked(t, f, "198.51.100.7/32")
		block(t, k, time.Hour, "203.0.113.7/32")
		block(t, k, 2*time.Hour, "203.0.113.8/32")
		wantBlocked(t, f, "198.51.100.7/32", "203.0.113.7/32", "203.0.113.8/32")
	})
}
