package rules

import (
	"bytes"
	"net/netip"
	"time"
)

// access is one line of Odoo's own access log.
type access struct {
	addr netip.Addr
	// target is what is asked for. It has no text: an access line is
	// remembered longer than its line is there, and a path may be long.
	target target
	page   page
	post   bool
	status int
	// idle says that the request made no query to the database.
	idle bool
	// took is how long the request took; timed says whether the line told.
	took  time.Duration
	timed bool
}

// isAccessLogger knows the logger of access lines: werkzeug's, and Odoo's own
// after 19.
func isAccessLogger(logger []byte) bool {
	return string(logger) == "werkzeug" || string(logger) == "odoo.http.server"
}

// parseAccess reads
//
//	203.0.113.50 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 - 5 0.013 1.227
//
// (werkzeug/serving.py, WSGIRequestHandler.log; behind the status the size,
// then odoo/netsvc.py, PerfFilter: queries, seconds in them, other seconds).
func parseAccess(msg []byte) (access, bool) {
	var a access
	host, rest, ok := cutWord(msg)
	if !ok || !bytes.HasPrefix(rest, []byte("- - [")) {
		return a, false
	}
	if a.addr, ok = parseAddr(host); !ok {
		return a, false
	}
	if rest, ok = cutDate(rest); !ok {
		return a, false
	}
	end := lastQuote(rest)
	if end < 0 {
		return a, false
	}
	method, path, _ := bytes.Cut(stripColour(rest[:end]), space)
	a.post = string(method) == "POST"
	path, _, _ = bytes.Cut(path, space)
	path, _, _ = bytes.Cut(path, []byte{'?'})
	a.target, a.page = targetOf(path), pageOf(path)
	ok = a.parseTail(rest[end+2:])
	return a, ok
}

// cutDate cuts `- - [23/Nov/2026 10:45:45] "` off.
func cutDate(b []byte) (rest []byte, ok bool) {
	const usual = len("- - [23/Nov/2026 10:45:45")
	if len(b) > usual+3 && string(b[usual:usual+3]) == `] "` && bytes.IndexByte(b[:usual], ']') < 0 {
		return b[usual+3:], true
	}
	_, rest, ok = bytes.Cut(b, []byte(`] "`))
	return rest, ok
}

// lastQuote is where the request's closing quote stands, before a blank; -1
// without one.
func lastQuote(b []byte) int {
	for i := len(b) - 2; i >= 0; i-- {
		if b[i] == '"' && b[i+1] == ' ' {
			return i
		}
	}
	return -1
}

// parseTail reads the status and the times.
func (a *access) parseTail(b []byte) bool {
	if bytes.Contains(b, fromWord) {
		return false // the end of a login
	}
	var fields [5][]byte
	if cutFields(&fields, b); len(fields[0]) == 0 {
		return false
	}
	if a.status = digits(stripColour(fields[0])); a.status < 100 || a.status > 599 {
		return false
	}
	if len(fields[4]) == 0 {
		return true
	}
	a.idle = digits(stripColour(fields[2])) == 0
	inQueries, ok1 := parseSeconds(stripColour(fields[3]))
	outside, ok2 := parseSeconds(stripColour(fields[4]))
	a.took, a.timed = inQueries+outside, ok1 && ok2
	return true
}

// cutFields finds the first words of b.
func cutFields(fields *[5][]byte, b []byte) {
	for i := range fields {
		b = bytes.TrimLeft(b, " ")
		end := bytes.IndexByte(b, ' ')
		if end < 0 {
			fields[i] = b
			return
		}
		fields[i], b = b[:end], b[end:]
	}
}

// parseSeconds reads seconds with a fraction, up to a day.
func parseSeconds(b []byte) (time.Duration, bool) {
	whole, fraction, _ := bytes.Cut(b, []byte{'.'})
	if len(whole) == 0 || len(whole) > 5 || len(fraction) > 9 {
		return 0, false
	}
	seconds, parts := digits(whole), digits(fraction)
	if seconds < 0 || seconds > 86400 || parts < 0 {
		return 0, false
	}
	for range 9 - len(fraction) {
		parts *= 10
	}
	return time.Duration(seconds)*time.Second + time.Duration(parts), true
}

// target is what a request asks for, as far as it matters.
type target uint8

const (
	otherTarget target = iota
	rpcTarget
	loginTarget
	resetTarget
)

// targetOf reads a path. A website's form may stand behind a language:
// /fr/web/login.
func targetOf(path []byte) target {
	switch {
	case string(path) == "/jsonrpc",
		bytes.HasPrefix(path, []byte("/xmlrpc")) && bytes.HasSuffix(path, []byte("/common")):
		return rpcTarget
	case bytes.HasSuffix(path, []byte("/web/login")), bytes.HasSuffix(path, []byte("/web/session/authenticate")):
		return loginTarget
	case bytes.HasSuffix(path, []byte("/web/reset_password")):
		return resetTarget
	}
	return otherTarget
}

// rpc says whether the request came in where failed logins are logged
// without an address. One without a query asked for the version.
func (a *access) rpc() bool { return a.post && !a.idle && a.target == rpcTarget }

// login says whether the request is one that tries a login, and so writes a
// record about it.
func (a *access) login() bool {
	return a.post && a.status < 400 && (a.rpc() || a.target == loginTarget)
}

// reset says whether the request asks for a new password, of which Odoo writes
// a record as well.
func (a *access) reset() bool { return a.post && a.target == resetTarget }

// redirected says whether the form was left: a failed login shows it again.
func (a *access) redirected() bool { return a.status >= 300 && a.status < 400 }
