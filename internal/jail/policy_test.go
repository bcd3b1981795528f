package jail

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestNewSaysTheCure(t *testing.T) {
	good := Policy{Rule: login, MaxRetry: 10, FindTime: time.Minute, BanTime: 15 * time.Minute}
	change := func(f func(*Policy)) Options {
		p := good
		f(&p)
		return Options{Policies: []Policy{p}}
	}
	grow := func(g Growth) Options { return Options{Policies: []Policy{good}, Growth: g} }
	ignore := func(p netip.Prefix) Options {
		return Options{Policies: []Policy{good}, Ignore: []Ignored{{p, "office"}}}
	}
	tests := []struct {
		name    string
		options Options
		want    string // in the error; none is wanted if empty
	}{
		{"good", Options{Policies: []Policy{good}}, ""},
		{"no policies", Options{}, "add one, such as {rule: odoo-login,"},
		{"no rule", change(func(p *Policy) { p.Rule = "" }), "add rule: odoo-login"},
		{"no maxretry", change(func(p *Policy) { p.MaxRetry = 0 }), "jail odoo-login: maxretry 0 is not between 1 and 1000; write maxretry: 10"},
		{"huge maxretry", change(func(p *Policy) { p.MaxRetry = 1001 }), "write maxretry: 10"},
		{"no findtime", change(func(p *Policy) { p.FindTime = 0 }), "write findtime: 1m"},
		{"short bantime", change(func(p *Policy) { p.BanTime = time.Millisecond }), "bantime 1ms is under a second; write bantime: 15m"},
		{"rule twice", Options{Policies: []Policy{good, good}}, "rule odoo-login has two jails; keep one"},
		{"NAT64 of no such length", Options{Policies: []Policy{good}, NAT64: []netip.Prefix{netip.MustParsePrefix("2001:db8::/72")}}, "such as 64:ff9b:1::/96"},
		{"IPv6 prefix too short", Options{Policies: []Policy{good}, IPv6Prefix: 16}, "use 64"},
		{"negative keys", Options{Policies: []Policy{good}, MaxKeys: -1}, "use 1000000"},
		{"growth off", grow(Growth{Factor: 1}), ""},
		{"growth", grow(Growth{2, 15 * time.Minute, time.Second}), ""},
		{"negative factor", grow(Growth{Factor: -1}), "factor -1 is negative; write factor: 2"},
		{"cap under bantime", grow(Growth{2, 14 * time.Minute, time.Hour}), "less than the bantime of jail odoo-login; write cap: 15m0s"},
		{"no memory", grow(Growth{2, time.Hour, 0}), "memory 0s is under a second; write memory: 30d"},
		{"no prefix", ignore(netip.Prefix{}), "(office) is not valid"},
		{"host bits", ignore(netip.MustParsePrefix("10.1.2.3/8")), "write 10.0.0.0/8 for the network or 10.1.2.3/32 for the address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.options)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("New: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("New: %v; want an error with %q", err, tt.want)
			}
		})
	}
}
