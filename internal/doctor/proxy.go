package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"odooban/internal/checkup"
	"odooban/internal/finding"
	"odooban/internal/printable"
)

const (
	// fewFailures is how many failed or tried logins there must be to judge who
	// makes them.
	fewFailures = 3
	// mostRequests is how many of a hundred requests the address of a proxy makes.
	mostRequests = 90
)

// busy is an address and what it did.
type busy struct {
	addr netip.Addr
	*visitor
}

// checkProxy looks whether the addresses that Odoo logs are those of clients.
func checkProxy(x *facts, r *checkup.Report) {
	for _, s := range x.logs {
		who := s.busiest()
		if len(who) == 0 {
			continue
		}
		first := who[0]
		seen := fmt.Sprintf("%s made %d of %d requests, and all failed logins", first.addr, first.requests, s.accesses)
		cure := proxyCure(first.addr)
		if s.proxied > 0 && s.records == 0 { // Traefik's log has no more than failures of each
			seen = fmt.Sprintf("%s made all %s", first.addr, printable.Count(first.failed, "failed login"))
			cure = finding.TraefikCure
		}
		why, own := x.isOurs(first.addr)
		switch {
		case own && s.alone(first):
			r.Find(finding.ProxyMode, s.name, fmt.Sprintf("%s; it is %s", seen, why), cure)
		case first.addr.IsPrivate() && s.alone(first):
			r.Warn(finding.ProxyMode, s.name, seen, cure)
		case s.stats.ProxySuspected > 0 && s.accesses == 0:
			r.Warn(finding.ProxyMode, s.name, "Odoo says that the addresses it sees may be a proxy's, and there are no "+
				"access lines to tell by", "if they are, "+finding.ProxyCure)
		}
	}
}

// busiest are the addresses of a log, the one with the most requests first.
func (s visitors) busiest() (who []busy) {
	for addr, v := range s {
		who = append(who, busy{addr, v})
	}
	slices.SortFunc(who, func(a, b busy) int {
		return cmp.Or(cmp.Compare(b.requests, a.requests), cmp.Compare(b.failed, a.failed), a.addr.Compare(b.addr))
	})
	return who
}

// alone reports whether an address made all logins and nearly all requests.
func (s *survey) alone(b busy) bool {
	failed := 0
	for _, v := range s.visitors {
		failed += v.failed
	}
	return b.failed == failed && b.tried == s.tried && b.failed+b.tried >= fewFailures &&
		b.requests*100 >= s.accesses*mostRequests
}

// proxyCure says what to do about an address that stands for all clients.
func proxyCure(addr netip.Addr) string {
	return "if a proxy is in front, " + finding.ProxyCure +
		"; if there is none, and " + addr.String() + ` is Docker's gateway, write ` +
		`"userland-proxy": false into /etc/docker/daemon.json and start Docker again`
}

// gatherOwn lists the addresses of this host; what cannot be seen cannot be told
// apart.
func gatherOwn(_ context.Context, x *facts, _ *checkup.Report) error {
	if x.Own != nil {
		x.ours, _ = x.Own()
	}
	return nil
}

// isOurs reports whether addr is one of this host's, of what it lives on or of a
// trusted proxy, and which.
func (x *facts) isOurs(addr netip.Addr) (why string, ok bool) {
	for _, p := range x.Config.Proxies {
		if p.Contains(addr) {
			return "a trusted proxy", true
		}
	}
	for _, o := range x.ours {
		if o.Prefix.Contains(addr) {
			return o.Why, true
		}
	}
	return "loopback", addr.IsLoopback()
}
