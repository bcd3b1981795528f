package jail

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"odooban/rules"
)

const (
	login = "odoo-login"
	totp  = "odoo-totp"
)

// start is when the tests' failures begin; they are written as seconds after it.
var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return start.Add(time.Duration(math.Round(seconds*1000)) * time.Millisecond)
}

func failure(addr string, seconds float64) rules.Failure {
	return rules.Failure{Time: at(seconds), Addr: netip.MustParseAddr(addr), Rule: login}
}

// small is a jail that bans for 100 seconds at 3 failures in 10, and for 50 at
// 2 second factors in 200.
func small(t *testing.T, ignore ...string) *Jail {
	t.Helper()
	o := Options{Policies: []Policy{
		{Rule: login, MaxRetry: 3, FindTime: 10 * time.Second, BanTime: 100 * time.Second},
		{Rule: totp, MaxRetry: 2, FindTime: 200 * time.Second, BanTime: 50 * time.Second},
	}}
	for _, prefix := range ignore {
		o.Ignore = append(o.Ignore, Ignored{netip.MustParsePrefix(prefix), "test " + prefix})
	}
	return must(t, o)
}

func must(t *testing.T, o Options) *Jail {
	t.Helper()
	j, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// observe returns all bans that the failures lead to.
func observe(j *Jail, failures ...rules.Failure) []Decision {
	var bans []Decision
	for _, f := range failures {
		if d, ok := j.Observe(f); ok {
			bans = append(bans, d)
		}
	}
	return bans
}

func wantBans(t *testing.T, got []Decision, want ...Decision) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("bans (-want +got):\n%s", diff)
	}
}

// loginBan is a ban of small's policy for logins.
func loginBan(prefix string, seconds float64) Decision {
	return Decision{netip.MustParsePrefix(prefix), login, at(seconds), at(seconds + 100), 3}
}

func TestObserveTimes(t *testing.T) {
	tests := []struct {
		name  string
		times []float64
		bans  []float64 // when they begin
	}{
		{"too few", []float64{0, 1}, nil},
		{"too slow", []float64{0, 5, 10.001}, nil},
		{"just within findtime", []float64{0, 5, 10}, []float64{10}},
		{"out of order", []float64{10, 0, 5}, []float64{10}},
		{"one ban for all that follow", []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, []float64{2}},
		{"not counted until the ban is over", []float64{0, 1, 2, 100, 101.999, 102, 103}, []float64{2}},
		{"anew when it is over", []float64{0, 1, 2, 101.999, 102, 103, 104}, []float64{2, 104}},
		{"late ones of the ban's own run", []float64{8, 9, 10, 5, 6, 7}, []float64{10}},
		{"late, a ban from there would overlap", []float64{200, 201, 202, 102.001, 103, 104}, []float64{202}},
		{"late, a ban from there would have ended", []float64{200, 201, 202, 100, 101, 102}, []float64{202, 102}},
		{"late ban leaves the later one in force", []float64{200, 201, 202, 100, 101, 102, 203, 204, 205}, []float64{202, 102}},
		{"late into the first of two bans", []float64{0, 1, 2, 110, 111, 112, 50, 51, 52}, []float64{2, 112}},
		{"clock set back", []float64{3600, 3601, 3602, 60, 61, 62}, []float64{3602, 62}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := small(t)
			var got, want []Decision
			for _, s := range tt.times {
				got = append(got, observe(j, failure("203.0.113.20", s))...)
			}
			for _, s := range tt.bans {
				want = append(want, loginBan("203.0.113.20/32", s))
			}
			wantBans(t, got, want...)
		})
	}
}

func TestObserveAddresses(t *testing.T) {
	tests := []struct {
		name  string
		addrs []string
		want  []Decision
	}{
		{"one IPv4 address", []string{"203.0.113.20", "203.0.113.20", "203.0.113.20"}, []Decision{loginBan("203.0.113.20/32", 2)}},
		{"mapped is the same", []string{"203.0.113.20", "::ffff:203.0.113.20", "203.0.113.20"}, []Decision{loginBan("203.0.113.20/32", 2)}},
		{"neighbours are others", []string{"203.0.113.20", "203.0.113.21", "203.0.113.20"}, nil},
		{"one IPv6 network", []string{"2001:db8::1", "2001:db8::2:1", "2001:db8::3%eth0"}, []Decision{loginBan("2001:db8::/64", 2)}},
		{"two IPv6 networks", []string{"2001:db8::1", "2001:db8:0:1::1", "2001:db8::1"}, nil},
		{"ignored", []string{"192.0.2.7", "192.0.2.7", "192.0.2.7"}, nil},
		{"ignored, mapped", []string{"::ffff:192.0.2.7", "::ffff:192.0.2.7", "::ffff:192.0.2.7"}, nil},
		{"ignored within its network", []string{"2001:db8:9::5", "2001:db8:9::5", "2001:db8:9::5"}, nil},
		{"beside an ignored address", []string{"2001:db8:9::6", "2001:db8:9::6", "2001:db8:9::7"}, []Decision{loginBan("2001:db8:9::6/127", 2)}},
		{"beside it, with ever new ones", []string{"2001:db8:9:0:8000::1", "2001:db8:9:0:abcd::2", "2001:db8:9:0:ffff::3"}, []Decision{loginBan("2001:db8:9:0:8000::/65", 2)}},
		{"first address of such a network", []string{"2001:db8:9::", "2001:db8:9::", "2001:db8:9::"}, []Decision{loginBan("2001:db8:9::/126", 2)}},
		{"behind NAT64", []string{"64:ff9b::203.0.113.9", "64:ff9b::203.0.113.9", "64:ff9b::203.0.113.9"}, []Decision{loginBan("64:ff9b::203.0.113.9/128", 2)}},
		{"behind NAT64, counted one by one", []string{"64:ff9b::203.0.113.8", "64:ff9b::203.0.113.9", "64:ff9b::203.0.113.10"}, nil},
		{"ignored, behind NAT64", []string{"64:ff9b::192.0.2.7", "64:ff9b::192.0.2.7", "64:ff9b::192.0.2.7"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := small(t, "192.0.2.0/24", "2001:db8:9::5/128")
			var got []Decision
			for i, addr := range tt.addrs {
				got = append(got, observe(j, failure(addr, float64(i)))...)
			}
			wantBans(t, got, tt.want...)
		})
	}
}

func TestRules(t *testing.T) {
	const addr = "203.0.113.20"
	other := func(seconds float64) rules.Failure {
		f := failure(addr, seconds)
		f.Rule = totp
		return f
	}
	totpBan := func(seconds float64) Decision {
		return Decision{netip.MustParsePrefix(addr + "/32"), totp, at(seconds), at(seconds + 50), 2}
	}
	ban := []rules.Failure{failure(addr, 1), failure(addr, 2), failure(addr, 3)}

	t.Run("unknown rule", func(t *testing.T) {
		f := failure(addr, 0)
		f.Rule = "other"
		wantBans(t, observe(small(t), f, f, f, f))
	})
	t.Run("no address", func(t *testing.T) {
		f := rules.Failure{Time: start, Rule: login}
		wantBans(t, observe(small(t), f, f, f, f))
	})
	t.Run("counted apart", func(t *testing.T) {
		wantBans(t, observe(small(t), failure(addr, 0), failure(addr, 1), other(2)))
	})
	t.Run("a ban covers every rule", func(t *testing.T) {
		got := observe(small(t), append(ban, other(10), other(11), other(12))...)
		wantBans(t, got, loginBan(addr+"/32", 3))
	})
	t.Run("other rules keep what they counted before", func(t *testing.T) {
		j := small(t)
		got := observe(j, other(0))
		got = append(got, observe(j, append(ban, other(103))...)...)
		wantBans(t, got, loginBan(addr+"/32", 3), totpBan(103))
	})
	t.Run("late failure completes a run that another ban covers", func(t *testing.T) {
		j := small(t)
		got := observe(j, other(0))
		got = append(got, observe(j, append(ban, other(-60))...)...)
		wantBans(t, got, loginBan(addr+"/32", 3))
	})
}

func TestDecisionIsCutToTheMillisecond(t *testing.T) {
	j := must(t, Options{Policies: []Policy{{login, 1, time.Second, time.Second}}})
	f := failure("203.0.113.20", 0)
	f.Time = f.Time.Add(1999 * time.Microsecond).In(time.FixedZone("", 7200))
	wantBans(t, observe(j, f), Decision{netip.MustParsePrefix("203.0.113.20/32"), login, at(0.001), at(1.001), 1})
}

func TestKey(t *testing.T) {
	tests := []struct {
		name, addr, want string
		ipv6             int
	}{
		{"IPv4", "203.0.113.20", "203.0.113.20/32", 0},
		{"IPv4, mapped", "::ffff:203.0.113.20", "203.0.113.20/32", 0},
		{"IPv6", "2001:db8:1:2:3::1", "2001:db8:1:2::/64", 0},
		{"IPv6 with a zone", "fe80::1%eth0", "fe80::/64", 0},
		{"IPv6 by 56", "2001:db8:1:2ff::1", "2001:db8:1:200::/56", 56},
		{"IPv6 by 128", "2001:db8:1:2::1", "2001:db8:1:2::1/128", 128},
		{"beside an ignored address", "2001:db8:9::1%eth0", "2001:db8:9::/126", 0},
		{"beside one, its next", "2001:db8:9::4", "2001:db8:9::4/128", 0},
		{"beside one, the other half", "2001:db8:9:0:ffff::1", "2001:db8:9:0:8000::/65", 0},
		{"beside one, by 48", "2001:db8:9:ffff::1", "2001:db8:9:8000::/49", 48},
		{"beside one, by 128", "2001:db8:9::4", "2001:db8:9::4/128", 128},
		{"the ignored one", "2001:db8:9::5", "2001:db8:9::5/128", 0},
		{"NAT64", "64:ff9b::203.0.113.20", "64:ff9b::203.0.113.20/128", 0},
		{"NAT64, configured", "64:ff9b:1::203.0.113.20", "64:ff9b:1::203.0.113.20/128", 0},
		{"NAT64, by 48", "2001:db8:b:cb00:71:1400::", "2001:db8:b:cb00:71:1400::/128", 48},
		{"beside NAT64", "64:ff9b::1:cb00:7114", "64:ff9b::1:0:0/96", 0},
		{"beside NAT64, the other half", "64:ff9b::8000:0:0:1", "64:ff9b:0:0:8000::/65", 0},
		{"within an ignored network", "2001:db8:a::1", "2001:db8:a::1/128", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := must(t, Options{
				Policies:   []Policy{{login, 1, time.Second, time.Second}},
				IPv6Prefix: tt.ipv6,
				NAT64:      []netip.Prefix{netip.MustParsePrefix("64:ff9b:1::/96"), netip.MustParsePrefix("2001:db8:b::/48")},
				Ignore: []Ignored{
					{netip.MustParsePrefix("2001:db8:9::5/128"), "own"},
					{netip.MustParsePrefix("2001:db8:a::/48"), "own"},
				},
			})
			if got := j.Key(netip.MustParseAddr(tt.addr)); got != netip.MustParsePrefix(tt.want) {
				t.Errorf("Key(%s) = %s, want %s", tt.addr, got, tt.want)
			}
		})
	}
}

func TestIgnored(t *testing.T) {
	j := must(t, Options{
		Policies: []Policy{{login, 1, time.Second, time.Second}},
		Ignore: []Ignored{
			{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
			{netip.MustParsePrefix("10.0.0.0/8"), "office"},
			{netip.MustParsePrefix("10.0.0.1/32"), "gateway"},
			{netip.MustParsePrefix("::ffff:198.51.100.0/120"), "mapped"},
			{netip.MustParsePrefix("fe80::/10"), "link"},
		},
	})
	tests := []struct {
		name, addr, why string
		ok              bool
	}{
		{"inside", "127.8.9.10", "loopback", true},
		{"outside", "203.0.113.20", "", false},
		{"longest prefix", "10.0.0.1", "gateway", true},
		{"around it", "10.0.0.2", "office", true},
		{"mapped address", "::ffff:10.0.0.2", "office", true},
		{"mapped network", "198.51.100.7", "mapped", true},
		{"behind NAT64", "64:ff9b::10.0.0.1", "gateway", true},
		{"behind NAT64, outside", "64:ff9b::203.0.113.20", "", false},
		{"mapped network, behind NAT64", "64:ff9b::198.51.100.7", "mapped", true},
		{"with a zone", "fe80::1%eth0", "link", true},
		{"other family", "::1", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			why, ok := j.Ignored(netip.MustParseAddr(tt.addr))
			if why != tt.why || ok != tt.ok {
				t.Errorf("Ignored(%s) = %q, %v; want %q, %v", tt.addr, why, ok, tt.why, tt.ok)
			}
		})
	}
	if _, ok := j.Ignored(netip.Addr{}); ok {
		t.Error("no address at all is ignored")
	}
}

func TestLift(t *testing.T) {
	j := small(t)
	const addr = "203.0.113.20"
	observe(j, failure(addr, 0), failure(addr, 1), failure(addr, 2))
	j.Lift(j.Key(netip.MustParseAddr(addr)))
	got := observe(j, failure(addr, 10), failure(addr, 11), failure(addr, 12))
	wantBans(t, got, loginBan(addr+"/32", 12))
}
