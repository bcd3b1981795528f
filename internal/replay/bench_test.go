package replay

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"odooban/internal/engine"
	"odooban/internal/jail"
	"odooban/rules"
)

// BenchmarkCount counts failures of some hundred addresses in turn, of which each
// is banned now and then.
func BenchmarkCount(b *testing.B) {
	j, err := jail.New(jail.Options{
		Policies: []jail.Policy{{Rule: rules.LoginRule, MaxRetry: 10, FindTime: time.Minute, BanTime: 15 * time.Minute}},
		Ignore:   []jail.Ignored{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Why: "loopback"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	report := newReport(j, nil)
	e := engine.New(j, report, report)
	const addresses, batch = 512, 256
	failures := make([]rules.Failure, batch)
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	n := 0
	for b.Loop() {
		for i := range failures {
			n++
			at = at.Add(11 * time.Millisecond)
			addr := netip.AddrFrom4([4]byte{203, 0, byte(n * 7 % addresses >> 8), byte(n * 7 % addresses)})
			failures[i] = rules.Failure{Time: at, Addr: addr, User: "admin", DB: "erp", Rule: rules.LoginRule}
		}
		e.Observe(context.Background(), "odoo.log", failures, time.Time{})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/failure")
}
