// Package traefik reads Traefik's access log and tells which of its lines are
// failures, and whose.
//
// In JSON everything that somebody sent is escaped, so a line is a request. In
// the common format nothing is, and a request may bring a user's name along with
// line ends in it (log.go): there a line counts if it is proven, or somebody
// proven has failed as well.
//
// The formats are those of Traefik's pkg/middlewares/accesslog, versions 1.4 to
// 3.7. Its third one, genericCLF, is not read: it has no count of requests, and
// no difference to what nginx calls combined.
package traefik

import (
	"bytes"
	"net/netip"
	"time"

	"odooban/rules/record"
	"odooban/rules/route"
)

// Request is a request as Traefik logged it when it had been answered. Its
// slices point into the line.
type Request struct {
	// Peer is who asked Traefik (ClientAddr); nil in the common format.
	Peer []byte
	// Hops is X-Forwarded-For, as far as Traefik believed it; without it the peer
	// (ClientHost).
	Hops []byte
	// Start is when the request came, Took how long it took to answer it, a week at
	// most.
	Start time.Time
	Took  time.Duration
	// Post reports whether the method was POST, Page what the path asks for.
	Post bool
	Page route.Page
	// Status is 0 where Traefik did not tell it; Size, of the body, and Origin, the
	// status that Odoo gave, are -1 then. Origin is 0 where the answer was cut off.
	Status, Origin int
	Size           int64
	// Count is Traefik's count of requests, 0 where it is not told.
	Count uint64
	// Murky reports whether the line seems to hold two answers: then neither its
	// address nor its status is sure.
	Murky bool
	// Sealed reports whether the format escapes line ends (JSON).
	Sealed bool
}

// End is when the request was answered.
func (q *Request) End() time.Time { return q.Start.Add(q.Took) }

// Parse reads a line in either format.
func Parse(q *Request, line []byte) bool {
	*q = Request{Size: -1, Origin: -1}
	line = bytes.TrimRight(line, " \r")
	if len(line) > 0 && line[0] == '{' {
		return parseJSON(q, line)
	}
	return parseCommon(q, line)
}

// Kind is what kind of failure a request is.
type Kind uint8

const (
	// None is no failure.
	None Kind = iota
	// Login is a login, or a one-time code, that was answered with the form again.
	Login
	// Database is a request for the database manager.
	Database
	// RateLimit is a request that takes a password and was refused as too many.
	RateLimit
	// API is a key that was refused.
	API
	// Reset is a request for a new password.
	Reset
	// Upload is a login with a module that was refused.
	Upload
)

// smallestForm is how large the page is at least that shows the login form
// again, compressed or not. Odoo 14 and older answer a login that passes with
// 200, too, and a script of one line.
const smallestForm = 512

const (
	unauthorized    = 401
	tooManyRequests = 429
)

// Kinds returns what kind of failure the request is, and of what other kind it
// is as well: proxies are told to let nobody into the database manager, and to
// make a request for it one for the login instead.
func (q *Request) Kinds() (kind, also Kind) {
	if q.Status == tooManyRequests {
		if q.takesPassword() {
			return RateLimit, None
		}
		return None, None
	}
	switch q.Page {
	case route.Login, route.TOTP:
		if q.formAgain() {
			return Login, None
		}
	case route.Manager, route.ManagerLike:
		if q.formAgain() {
			also = Login
		}
		if q.Status < 300 || q.Status >= 400 {
			return Database, also
		}
	case route.Reset:
		if q.Post && q.Status == 200 {
			return Reset, None
		}
	case route.API:
		if q.Status == unauthorized {
			return API, None
		}
	case route.Upload:
		if q.Post && q.Status == 500 {
			return Upload, None
		}
	}
	return None, None
}

// formAgain reports whether a form was submitted, and is shown once more. Who asks
// over HTTP/2 and cuts the answer off behind its headers leaves a size of 0, or no
// status of Odoo's; a login that passes is answered with 303 even then.
func (q *Request) formAgain() bool {
	whole := q.Size < 0 || q.Size >= smallestForm
	return q.Post && q.Status == 200 && (whole || q.Size == 0 || q.Origin == 0)
}

// takesPassword reports whether the request can have been a guess. A form that is
// only looked at, a page and its pictures are none: an office of five people gets
// hundreds of them refused under strict limits.
func (q *Request) takesPassword() bool {
	switch q.Page {
	case route.Login, route.TOTP, route.Reset, route.Signup, route.Upload, route.Manager, route.ManagerLike:
		return q.Post
	case route.Authenticate, route.JSONRPC, route.XMLRPC, route.XMLRPCObject, route.API:
		return true
	}
	return false
}

// Client is who made the request, or the reason why nobody can tell. Whoever asks
// through proxies that are trusted is named by the last of them; what stands before
// that in X-Forwarded-For, anybody can have written.
func (q *Request) Client(trusted []netip.Prefix) (addr netip.Addr, reason string) {
	hop, ok := record.ParseHost(q.Peer)
	if q.Peer != nil && (!ok || !contains(trusted, hop)) {
		if ok && q.forwards(hop, len(trusted) == 0) {
			return hop, ProxyNotNamed
		}
		return hop, unless(ok, NoAddress)
	}
	rest := q.Hops
	for more := true; more; {
		var text []byte
		rest, text, more = cutLastHop(rest)
		if more && len(trusted) == 0 {
			return netip.Addr{}, ProxyNotNamed // somebody is trusted, but we are not told whom
		}
		if hop, ok = record.ParseHost(text); !ok || !contains(trusted, hop) {
			return hop, unless(ok, NoAddress)
		}
	}
	return hop, ""
}

// forwards reports whether Traefik takes the peer's word for whom it asks: a proxy
// that somebody forgot to name. To ban it would be to ban everybody. Where some are
// named, only one close by is spared.
func (q *Request) forwards(peer netip.Addr, anyPeer bool) bool {
	other, ok := record.ParseHost(q.Hops)
	return (anyPeer || peer.IsPrivate()) && len(q.Hops) > 0 && (!ok || other != peer)
}

func unless(ok bool, reason string) string {
	if ok {
		return ""
	}
	return reason
}

// cutLastHop cuts the last of X-Forwarded-For's entries off.
func cutLastHop(hops []byte) (rest, last []byte, more bool) {
	at := bytes.LastIndexByte(hops, ',')
	if at < 0 {
		return nil, hops, false
	}
	return hops[:at], hops[at+1:], true
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
