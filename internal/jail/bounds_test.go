package jail

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"odooban/rules"
)

func numbered(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)})
}

func TestRemembersMaxKeysBans(t *testing.T) {
	j := must(t, Options{
		Policies: []Policy{{login, 1, time.Second, time.Hour}},
		MaxKeys:  10,
	})
	for i := range 100 {
		observe(j, rules.Failure{Time: at(float64(i)), Addr: numbered(i), Rule: login})
	}
	if len(j.bans.of) != 10 || len(j.bans.queue) != 10 {
		t.Errorf("%d prefixes and %d bans are remembered, want 10", len(j.bans.of), len(j.bans.queue))
	}
}

func TestLetsGoOfBansThatAreOver(t *testing.T) {
	j := must(t, Options{Policies: []Policy{
		{login, 1, time.Second, 10 * time.Second},
		{totp, 1, time.Second, 24 * time.Hour},
	}})
	observe(j, rules.Failure{Time: at(0), Addr: netip.MustParseAddr("203.0.113.20"), Rule: totp})
	for i := range 100 {
		observe(j, rules.Failure{Time: at(0), Addr: numbered(i), Rule: login})
	}
	for i := range 200 {
		observe(j, rules.Failure{Time: at(20 + float64(i)), Addr: numbered(1000 + i), Rule: login})
	}
	if len(j.bans.of) > 13 {
		t.Errorf("%d bans are remembered, want those of 11 seconds and the long one", len(j.bans.of))
	}
	if j.bans.of[netip.MustParsePrefix("203.0.113.20/32")] == nil {
		t.Error("the long ban is forgotten, though it is in force")
	}
}

func TestRemembersBansThatLateFailuresReach(t *testing.T) {
	j := must(t, Options{Policies: []Policy{{login, 1, time.Second, 10 * time.Second}}})
	observe(j, failure("203.0.113.20", 0), failure("203.0.113.21", 10.5))
	wantBans(t, observe(j, failure("203.0.113.20", 9.9)))
}

func TestOneStampFromTheFutureDoesNotEndBans(t *testing.T) {
	j := must(t, Options{Policies: []Policy{{login, 1, time.Second, time.Hour}}})
	for i := range 100 {
		observe(j, rules.Failure{Time: at(0), Addr: numbered(i), Rule: login})
	}
	observe(j, rules.Failure{Time: at(1e9), Addr: numbered(100), Rule: login})
	if len(j.bans.of) < 99 {
		t.Errorf("%d of 101 bans are left", len(j.bans.of))
	}
}

func TestMaxKeys(t *testing.T) {
	j := must(t, Options{
		Policies: []Policy{{login, 2, time.Hour, time.Hour}},
		MaxKeys:  10,
	})
	for i := range 25 {
		observe(j, rules.Failure{Time: at(0), Addr: numbered(i), Rule: login})
	}
	if got := j.Keys(login); got != 10 {
		t.Errorf("counts %d addresses, want 10", got)
	}
	if got := j.Forgotten(login); got != 15 {
		t.Errorf("%d addresses are forgotten, want 15", got)
	}
	if got := j.Forgotten(totp); got != 0 {
		t.Errorf("%d addresses are forgotten of a rule without a jail", got)
	}
}

// In whatever order failures come, a ban rests on enough of them, no two bans of
// an address overlap, and the same order leads to the same bans. In order, the
// bans are those of the plainest count there is.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		failures := make([]rules.Failure, 300)
		now := 0.0
		for i := range failures {
			now += rng.Float64() * 6
			failures[i] = rules.Failure{Time: at(now), Addr: numbered(rng.IntN(4)), Rule: login}
		}
		wantBans(t, observe(small(t), failures...), plainCount(failures)...)

		reach := 1 + rng.IntN(len(failures))
		for i := range failures {
			k := min(i+rng.IntN(reach), len(failures)-1)
			failures[i], failures[k] = failures[k], failures[i]
		}
		bans := observe(small(t), failures...)
		wantBans(t, observe(small(t), failures...), bans...)
		for i, d := range bans {
			checkGrounds(t, d, failures)
			for _, earlier := range bans[:i] {
				if earlier.Prefix == d.Prefix && earlier.Time.Before(d.Until) && d.Time.Before(earlier.Until) {
					t.Errorf("bans of %v overlap: %v and %v", d.Prefix, earlier.Time, d.Time)
				}
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d, reach %d", seed, reach)
		}
	}
}

// plainCount applies small's policy for logins to failures in order: it looks
// back over all of an address since its last ban.
func plainCount(failures []rules.Failure) []Decision {
	var bans []Decision
	counted := make(map[netip.Addr][]time.Time)
	until := make(map[netip.Addr]time.Time)
	for _, f := range failures {
		if f.Time.Before(until[f.Addr]) {
			continue
		}
		counted[f.Addr] = append(counted[f.Addr], f.Time)
		inside := 0
		for _, t := range counted[f.Addr] {
			if f.Time.Sub(t) <= 10*time.Second {
				inside++
			}
		}
		if inside >= 3 {
			until[f.Addr] = f.Time.Add(100 * time.Second)
			delete(counted, f.Addr)
			bans = append(bans, Decision{netip.PrefixFrom(f.Addr, 32), login, f.Time, until[f.Addr], 3})
		}
	}
	return bans
}

func checkGrounds(t *testing.T, d Decision, failures []rules.Failure) {
	t.Helper()
	inside, last := 0, false
	for _, f := range failures {
		if f.Addr == d.Prefix.Addr() && !f.Time.After(d.Time) && d.Time.Sub(f.Time) <= 10*time.Second {
			inside++
			last = last || f.Time.Equal(d.Time)
		}
	}
	if inside < d.Failures || !last {
		t.Errorf("ban of %v at %v rests on %d failures", d.Prefix, d.Time, inside)
	}
}

func BenchmarkObserve(b *testing.B) {
	j, err := New(Options{
		Policies: []Policy{{login, 10, time.Minute, 15 * time.Minute}},
		Ignore:   []Ignored{{netip.MustParsePrefix("127.0.0.0/8"), "loopback"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := range b.N {
		j.Observe(rules.Failure{Time: start.Add(time.Duration(i) * time.Millisecond), Addr: numbered(i % 5000), Rule: login})
	}
}
