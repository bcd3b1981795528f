package rules

import (
	"bytes"
	"net/netip"
	"strings"
	"time"
)

// The built-in rules on Traefik's access log.
const (
	// TraefikLoginRule finds logins that Odoo answered with the form again.
	TraefikLoginRule = "traefik-login"
	// TraefikRatelimitRule finds requests that were refused as too many.
	TraefikRatelimitRule = "traefik-ratelimit"
	// TraefikDatabaseRule finds requests for the database manager.
	TraefikDatabaseRule = "traefik-database"
)

// isTraefiks says whether a built-in rule is on Traefik's log.
func isTraefiks(rule string) bool { return strings.HasPrefix(rule, "traefik-") }

// proxied is a request as Traefik logged it when it had been answered. Its
// slices point into the line.
type proxied struct {
	// peer is who asked Traefik (ClientAddr); nil in the common format.
	peer []byte
	// hops is X-Forwarded-For, as far as Traefik believed it; without it the
	// peer (ClientHost).
	hops []byte
	// start is when the request came, took how long it took to answer it.
	start time.Time
	took  time.Duration
	// post says whether the method was POST.
	post bool
	path []byte
	// status is 0 where Traefik did not say, size, of the body, -1.
	status int
	size   int64
	// murky says that the line holds what a request cannot hold but a forger
	// may have put there: then neither address nor status are sure.
	murky bool
	// challenge says that Traefik asked for a password itself; see
	// traefikSource.
	challenge bool
	// sealed says that the format escapes line ends (JSON).
	sealed bool
}

// end is when the request was answered.
func (q *proxied) end() time.Time { return q.start.Add(q.took) }

// smallestForm is how large the page is at least that shows the login form
// again, compressed or not. Odoo 14 and older answer a login that passes with
// 200, too, and a script of one line.
const smallestForm = 512

// rule is the rule by which the request is a failure, or empty.
func (q *proxied) rule() string {
	const tooManyRequests = 429
	if q.status == tooManyRequests {
		return TraefikRatelimitRule
	}
	switch pageOf(q.path) {
	case loginPage, totpPage:
		if q.post && q.status == 200 && (q.size < 0 || q.size >= smallestForm) {
			return TraefikLoginRule
		}
	case databasePage:
		if q.status < 300 || q.status >= 400 {
			return TraefikDatabaseRule
		}
	}
	return ""
}

// parseTraefik reads a line of Traefik's access log in either format.
func parseTraefik(q *proxied, line []byte) bool {
	line = bytes.TrimRight(line, " \r")
	if len(line) > 0 && line[0] == '{' {
		return parseTraefikJSON(q, line)
	}
	return parseTraefikCommon(q, line)
}

// client is who made the request. Whoever asks through proxies that are trusted
// is named by the last of them; what stands before that in X-Forwarded-For,
// anybody can have written.
func (q *proxied) client(trusted []netip.Prefix) (netip.Addr, bool) {
	hop, ok := parseHost(q.peer)
	if q.peer != nil && (!ok || !contains(trusted, hop)) {
		return hop, ok && !q.forwards(hop)
	}
	rest := q.hops
	for more := true; more; {
		var text []byte
		rest, text, more = cutLastHop(rest)
		if more && len(trusted) == 0 {
			return netip.Addr{}, false // somebody is trusted, but we are not told whom
		}
		if hop, ok = parseHost(text); !ok || !contains(trusted, hop) {
			return hop, ok
		}
	}
	return hop, ok
}

// forwards says whether Traefik takes the peer's word for whom it asks, and the
// peer is close by: a proxy that somebody forgot to name. To ban it would be to
// ban everybody.
func (q *proxied) forwards(peer netip.Addr) bool {
	other, ok := parseHost(q.hops)
	return peer.IsPrivate() && len(q.hops) > 0 && (!ok || other != peer)
}

// cutLastHop cuts the last of X-Forwarded-For's entries off.
func cutLastHop(hops []byte) (rest, last []byte, more bool) {
	at := bytes.LastIndexByte(hops, ',')
	if at < 0 {
		return nil, hops, false
	}
	return hops[:at], hops[at+1:], true
}

// parseHost reads an address with or without a port, an IPv6 one with or
// without brackets.
func parseHost(b []byte) (netip.Addr, bool) {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	if len(b) > longestAddr {
		return netip.Addr{}, false
	}
	if addr, ok := parseAddr(b); ok {
		return addr, true
	}
	if n := len(b); n > 2 && b[0] == '[' && b[n-1] == ']' {
		addr, ok := parseAddr(b[1 : n-1])
		return addr, ok && bytes.IndexByte(b, ':') >= 0
	}
	at, err := netip.ParseAddrPort(string(b))
	return at.Addr().WithZone("").Unmap(), err == nil
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
