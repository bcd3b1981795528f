package jail

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"odooban/rules"
)

// stream is a jail's options and failures for it.
type stream struct {
	options  Options
	failures []rules.Failure
}

// randomStream has several rules, bans shorter and longer than FindTime, equal
// stamps, and failures up to the shortest FindTime late.
func randomStream(rng *rand.Rand) stream {
	s := stream{options: Options{Growth: Growth{
		Factor: rng.IntN(4), Cap: 300 * time.Second, Memory: time.Duration(1+rng.IntN(1000)) * time.Second,
	}}}
	shortest := time.Hour
	for _, rule := range []string{"a", "b", "c"}[:1+rng.IntN(3)] {
		p := Policy{
			Rule: rule, MaxRetry: 1 + rng.IntN(5),
			FindTime: time.Duration(1+rng.IntN(60)) * time.Second, BanTime: time.Duration(1+rng.IntN(100)) * time.Second,
		}
		shortest = min(shortest, p.FindTime)
		s.options.Policies = append(s.options.Policies, p)
	}
	pace, lateness := 1+rng.IntN(40), rng.IntN(1+int(shortest/(100*time.Millisecond)))
	newest := 0
	for range 300 {
		tenths := newest + rng.IntN(pace) - rng.IntN(lateness+1)
		newest = max(newest, tenths)
		s.failures = append(s.failures, rules.Failure{
			Time: at(float64(tenths) / 10), Addr: numbered(rng.IntN(3)),
			Rule: s.options.Policies[rng.IntN(len(s.options.Policies))].Rule,
		})
	}
	return s
}

// A jail that is given the bans and the recent failures of another goes on as
// the other would have.
func TestRestart(t *testing.T) {
	tests := []struct {
		name   string
		recent bool // observe again only what lies within Lookback
		lost   int  // so many of the latest bans are not in the journal
	}{
		{"all failures observed again", false, 0},
		{"those within Lookback observed again", true, 0},
		{"bans lost in a crash", false, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			remembered := 0
			for seed := range uint64(500) {
				rng := rand.New(rand.NewPCG(seed, 2))
				s := randomStream(rng)
				cut := rng.IntN(len(s.failures))
				past, future := s.failures[:cut], s.failures[cut:]

				undisturbed := must(t, s.options)
				bans := observe(undisturbed, past...)
				want := observe(undisturbed, future...)

				restarted := must(t, s.options)
				kept := max(0, len(bans)-rng.IntN(tt.lost+1))
				journal, lost := slices.Clone(bans[:kept]), bans[kept:]
				rng.Shuffle(len(journal), func(i, k int) { journal[i], journal[k] = journal[k], journal[i] })
				for _, d := range journal {
					restarted.Remember(d)
				}
				if tt.recent {
					past = recent(past, restarted.Lookback())
				}
				wantBans(t, observe(restarted, past...), lost...)
				wantBans(t, observe(restarted, future...), want...)
				if t.Failed() {
					t.Fatalf("seed %d, %+v", seed, s.options)
				}
				remembered += kept
			}
			if remembered == 0 {
				t.Error("no ban was remembered")
			}
		})
	}
}

// recent returns the failures not more than lookback older than the newest.
func recent(failures []rules.Failure, lookback time.Duration) []rules.Failure {
	var newest time.Time
	for _, f := range failures {
		if f.Time.After(newest) {
			newest = f.Time
		}
	}
	return slices.DeleteFunc(slices.Clone(failures), func(f rules.Failure) bool {
		return newest.Sub(f.Time) > lookback
	})
}

func TestRememberTwice(t *testing.T) {
	j := small(t)
	d := loginBan("203.0.113.20/32", 2)
	j.Remember(d)
	j.Remember(d)
	if len(j.bans.queue) != 1 || len(j.bans.of[d.Prefix]) != 1 {
		t.Errorf("%d bans are remembered, want 1", len(j.bans.queue))
	}
}

// The order in which bans are remembered does not decide which are forgotten.
func TestRememberKeepsTheLatest(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}} {
		j := must(t, Options{Policies: []Policy{{login, 1, time.Hour, time.Hour}}, MaxKeys: 2})
		for _, i := range order {
			j.Remember(Decision{
				Prefix: single(numbered(i)), Rule: login, Time: at(float64(i)), Until: at(float64(i) + 3600),
			})
		}
		for i := range 4 {
			if _, kept := j.bans.of[single(numbered(i))]; kept != (i >= 2) {
				t.Errorf("order %v: ban %d is kept: %v", order, i, kept)
			}
		}
	}
}

// A ban by people, or by a rule that is no longer there, is in force as others.
func TestRememberBanOfNoPolicy(t *testing.T) {
	const addr = "203.0.113.20"
	j := small(t)
	j.Remember(Decision{Prefix: netip.MustParsePrefix(addr + "/32"), Rule: "manual", Time: at(0), Until: at(50)})
	wantBans(t, observe(j, failure(addr, 1), failure(addr, 2), failure(addr, 49), failure(addr, 50), failure(addr, 51)))
	wantBans(t, observe(j, failure(addr, 52)), loginBan(addr+"/32", 52))
}

// Neither the failures observed again nor a restart bring back what was lifted.
func TestRestartAfterLift(t *testing.T) {
	const addr = "203.0.113.20"
	prefix := netip.MustParsePrefix(addr + "/32")
	j := small(t)
	j.Remember(loginBan(addr+"/32", 2))
	j.Lift(prefix)
	j.Remember(loginBan(addr+"/32", 200))
	wantBans(t, observe(j, failure(addr, 0), failure(addr, 1), failure(addr, 2), failure(addr, 11), failure(addr, 12)))
	wantBans(t, observe(j, failure(addr, 198), failure(addr, 199), failure(addr, 200)))
	wantBans(t, observe(j, failure(addr, 300), failure(addr, 301), failure(addr, 302)), loginBan(addr+"/32", 302))
}

// The oldest failure that matters lies exactly Lookback before the newest.
func TestRestartNeedsLookback(t *testing.T) {
	const addr = "203.0.113.20"
	o := Options{Policies: []Policy{{login, 2, 10 * time.Second, time.Hour}}}
	past := recent([]rules.Failure{failure(addr, 0), failure("203.0.113.21", 20)}, must(t, o).Lookback())
	j := must(t, o)
	observe(j, past...)
	wantBans(t, observe(j, failure(addr, 10)), Decision{single(netip.MustParseAddr(addr)), login, at(10), at(3610), 2})
}
