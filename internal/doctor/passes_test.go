package doctor

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"odooban/banner"
	"odooban/internal/finding"
)

// What a banned address does after its ban says that it gets through.
func TestBanPasses(t *testing.T) {
	const bad = "203.0.113.200"
	failures := func(h *host, ago ...int) (log string) {
		for _, s := range ago {
			log += attempt(h.ago(s), bad)
		}
		return log
	}
	tests := []struct {
		name string
		log  func(h *host) string
		// ban and started are how many seconds ago that was.
		prefix       string
		ban, started int
		passes       bool
	}{
		{"nothing after the ban", func(h *host) string { return failures(h, 70, 65, 60) }, bad + "/32", 60, 3600, false},
		{"a moment after the ban", func(h *host) string { return failures(h, 60, 59, 58, 57) }, bad + "/32", 60, 3600, false},
		{"failures", func(h *host) string { return failures(h, 60, 30, 10) }, bad + "/32", 60, 3600, true},
		{"a request that took long", func(h *host) string { return visit(h.ago(30), bad) }, bad + "/32", 60, 3600, false},
		{"requests long after", func(h *host) string { return visit(h.ago(30), bad) }, bad + "/32", 300, 3600, true},
		{"before the daemon was started", func(h *host) string { return failures(h, 50, 40, 30) }, bad + "/32", 60, 29, false},
		{"long ago", func(h *host) string { return failures(h, 1300, 1200, 1100) }, bad + "/32", 1400, 3600, false},
		{"a network", func(h *host) string {
			return attempt(h.ago(20), "2001:db8::1") + attempt(h.ago(10), "2001:db8::1")
		}, "2001:db8::/64", 60, 3600, true},
		{"somebody else", func(h *host) string { return failures(h, 30, 20, 10) }, "203.0.113.201/32", 60, 3600, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.write(logPath, tt.log(h))
			ban := banner.Ban{Prefix: netip.MustParsePrefix(tt.prefix), Time: h.ago(tt.ban), Until: h.Now().Add(time.Hour)}
			h.says(State{Healthy: true, Started: h.ago(tt.started), Bans: []banner.Ban{ban}}, nil)
			found := h.examine(finding.BanPasses)
			if got := len(found) == 1 && found[0].About == logPath; got != tt.passes {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// However many get through, that is one finding for each log: an attacker chooses
// how many there are.
func TestManyBansPass(t *testing.T) {
	h := newHost(t)
	var log string
	var bans []banner.Ban
	ban := func(prefix string) {
		bans = append(bans, banner.Ban{Prefix: netip.MustParsePrefix(prefix), Time: h.ago(60), Until: h.Now().Add(time.Hour)})
	}
	attempts := func(from time.Time, n int) {
		const apart = 30 * time.Millisecond // there is one process
		for i := range n {
			log += attempt(from.Add(time.Duration(i)*apart), fmt.Sprintf("203.0.113.%d", 100+i))
		}
	}
	for n := range 40 {
		ban(fmt.Sprintf("203.0.113.%d/32", 100+n))
	}
	attempts(h.ago(70), 40)
	for _, ago := range []int{20, 10} {
		attempts(h.ago(ago), 17)
	}
	ban("198.51.100.0/24")
	log += attempt(h.ago(5), "198.51.100.7") + attempt(h.ago(4), "198.51.100.7")
	h.write(logPath, log)
	h.says(State{Healthy: true, Started: h.ago(3600), Bans: bans}, nil)
	want := "18 of the 41 banned addresses in it, such as: 2 failed logins of 198.51.100.7 after its ban at "
	found := h.examine(finding.BanPasses)
	if len(found) != 1 || found[0].About != logPath || !strings.HasPrefix(found[0].Evidence, want) {
		t.Errorf("found %+v", found)
	}
}
