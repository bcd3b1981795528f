package jail

import (
	"net/netip"
	"testing"
	"time"

	"odooban/rules"
)

func TestGrowthLength(t *testing.T) {
	const week = 7 * 24 * time.Hour
	tests := []struct {
		name    string
		growth  Growth
		banTime time.Duration
		want    []time.Duration // after 0, 1, 2... earlier bans
	}{
		{"none", Growth{}, time.Minute, []time.Duration{time.Minute, time.Minute, time.Minute}},
		{"factor 1", Growth{Factor: 1}, time.Minute, []time.Duration{time.Minute, time.Minute}},
		{"factor 2", Growth{2, week, week}, 15 * time.Minute, []time.Duration{
			15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
			16 * time.Hour, 32 * time.Hour, 64 * time.Hour, 128 * time.Hour, week, week,
		}},
		{"just the cap", Growth{3, 9 * time.Second, week}, time.Second, []time.Duration{
			time.Second, 3 * time.Second, 9 * time.Second, 9 * time.Second,
		}},
		{"cap at once", Growth{2, week, week}, week, []time.Duration{week, week}},
		{"huge", Growth{1 << 62, 1<<63 - 1, week}, time.Second, []time.Duration{time.Second, 1<<63 - 1, 1<<63 - 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for earlier, want := range tt.want {
				if got := tt.growth.length(tt.banTime, earlier); got != want {
					t.Errorf("after %d bans %v, want %v", earlier, got, want)
				}
			}
		})
	}
	if got := (Growth{2, week, week}).length(time.Second, 1<<40); got != week {
		t.Errorf("after countless bans %v, want %v", got, week)
	}
}

// growing bans at once for 10 seconds, twice as long each time, at most 60, and
// remembers for 100. Its other rule bans for 5.
func growing(t *testing.T) *Jail {
	t.Helper()
	return must(t, Options{
		Policies: []Policy{{login, 1, time.Second, 10 * time.Second}, {totp, 1, time.Second, 5 * time.Second}},
		Growth:   Growth{2, 60 * time.Second, 100 * time.Second},
	})
}

func TestGrowth(t *testing.T) {
	const addr, other = "203.0.113.20", "203.0.113.21"
	second := func(seconds float64) rules.Failure {
		f := failure(addr, seconds)
		f.Rule = totp
		return f
	}
	type want struct{ from, length int }
	tests := []struct {
		name     string
		failures []rules.Failure
		want     []want
	}{
		{"doubles", []rules.Failure{failure(addr, 0), failure(addr, 10), failure(addr, 30), failure(addr, 70)}, []want{
			{0, 10}, {10, 20}, {30, 40}, {70, 60},
		}},
		{"failures during the longer ban", []rules.Failure{failure(addr, 0), failure(addr, 10), failure(addr, 29.999)}, []want{
			{0, 10}, {10, 20},
		}},
		{"any rule counts", []rules.Failure{failure(addr, 0), second(10), failure(addr, 20)}, []want{
			{0, 10}, {10, 10}, {20, 40},
		}},
		{"other addresses do not", []rules.Failure{failure(addr, 0), failure(other, 10)}, []want{{0, 10}, {10, 10}}},
		{"memory's end", []rules.Failure{failure(addr, 0), failure(addr, 100)}, []want{{0, 10}, {100, 20}}},
		{"after it", []rules.Failure{failure(addr, 0), failure(addr, 101)}, []want{{0, 10}, {101, 10}}},
		{"falls by one as one is forgotten", []rules.Failure{
			failure(addr, 0), failure(addr, 50), failure(addr, 101),
		}, []want{{0, 10}, {50, 20}, {101, 20}}},
		{"a later ban is no earlier one", []rules.Failure{failure(addr, 100), failure(addr, 80)}, []want{
			{100, 10}, {80, 10},
		}},
		{"a late ban that would reach into another", []rules.Failure{
			failure(addr, 50), failure(addr, 75), failure(addr, 60),
		}, []want{{50, 10}, {75, 20}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var wanted []Decision
			got := observe(growing(t), tt.failures...)
			for i, w := range tt.want {
				d := Decision{
					Prefix: netip.MustParsePrefix(addr + "/32"), Rule: login, Failures: 1,
					Time: at(float64(w.from)), Until: at(float64(w.from + w.length)),
				}
				if i < len(got) {
					d.Prefix, d.Rule = got[i].Prefix, got[i].Rule
				}
				wanted = append(wanted, d)
			}
			wantBans(t, got, wanted...)
		})
	}
}

func TestLiftedBansMakeNoneLonger(t *testing.T) {
	const addr = "203.0.113.20"
	j := growing(t)
	observe(j, failure(addr, 0), failure(addr, 10))
	j.Lift(netip.MustParsePrefix(addr + "/32"))
	wantBans(t, observe(j, failure(addr, 15)), Decision{netip.MustParsePrefix(addr + "/32"), login, at(15), at(25), 1})
	wantBans(t, observe(j, failure(addr, 25)), Decision{netip.MustParsePrefix(addr + "/32"), login, at(25), at(45), 1})
}

// An address that comes back as soon as it may is away for most of a month.
func TestPersistentOffender(t *testing.T) {
	const month = 30 * 24 * time.Hour
	j := must(t, Options{
		Policies: []Policy{{login, 10, time.Minute, 15 * time.Minute}},
		Growth:   Growth{2, 7 * 24 * time.Hour, month},
	})
	tries, bans := 0, 0
	for now := start; now.Before(start.Add(month)); tries++ {
		f := rules.Failure{Time: now, Addr: numbered(1), Rule: login}
		if d, ok := j.Observe(f); ok {
			now = d.Until
			bans++
		}
		now = now.Add(time.Second)
	}
	if tries != 130 || bans != 13 {
		t.Errorf("%d tries and %d bans in a month, want 130 and 13", tries, bans)
	}
}

func TestLookback(t *testing.T) {
	if got := small(t).Lookback(); got != 400*time.Second {
		t.Errorf("Lookback = %v, want twice the longest findtime", got)
	}
}
