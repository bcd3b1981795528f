package rules

import (
	"bytes"
	"net/netip"
	"time"
)

// access is one line of Odoo's own access log.
type access struct {
	addr netip.Addr
	// page is what is asked for. The path is not kept: an access line is
	// remembered longer than its line is there, and a path may be long.
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
	end := bytes.IndexByte(msg, ' ')
	if end < 0 || len(msg) < end+len(beforeDate) || string(msg[end:end+len(beforeDate)]) != beforeDate {
		return a, false
	}
	var ok bool
	if a.addr, ok = parseHost(msg[:end]); !ok {
		return a, false
	}
	rest, ok := cutDate(msg[end+1:])
	if !ok {
		return a, false
	}
	if end = lastQuote(rest); end < 0 {
		return a, false
	}
	if !a.parseTail(rest[end+2:]) {
		return a, false
	}
	a.parseRequest(stripColour(rest[:end]))
	return a, true
}

// beforeDate stands between an address and the date.
const beforeDate = " - - ["

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

// parseRequest reads "POST /web/login HTTP/1.1".
func (a *access) parseRequest(b []byte) {
	end := bytes.IndexByte(b, ' ')
	if end < 0 {
		end = len(b)
	}
	a.post = isPost(b[:end])
	path := b[min(end+1, len(b)):]
	if end = bytes.IndexByte(path, ' '); end >= 0 {
		path = path[:end]
	}
	a.page = pageOf(path)
}

var post = []byte("POST")

// isPost knows the method in whatever case: that is logged as it was sent, and
// made upper case before anybody asks for it.
func isPost(method []byte) bool { return string(method) == "POST" || bytes.EqualFold(method, post) }

// parseTail reads the status and the times.
func (a *access) parseTail(b []byte) bool { return a.parseUsualTail(b) || a.parseAnyTail(b) }

// parseAnyTail reads what Odoo of any version writes, with or without colours.
func (a *access) parseAnyTail(b []byte) bool {
	if bytes.Contains(b, fromWord) {
		return false // the end of a login
	}
	var fields [5][]byte
	cutFields(&fields, b)
	perf := len(fields[4]) > 0
	if bytes.IndexByte(b, escape) >= 0 {
		for i := range fields {
			fields[i] = stripColour(fields[i])
		}
	}
	if a.status = digits(fields[0]); a.status < 100 || a.status > 599 {
		return false
	}
	if !perf {
		return true
	}
	a.idle = digits(fields[2]) == 0
	inQueries, ok1 := parseSeconds(fields[3])
	outside, ok2 := parseSeconds(fields[4])
	a.took, a.timed = inQueries+outside, ok1 && ok2
	return true
}

// parseUsualTail does what parseAnyTail does with "200 - 5 0.013 1.227", by position.
// Whatever else there is it leaves alone.
func (a *access) parseUsualTail(b []byte) bool {
	const size = " - "
	status, end := numberAt(b, 0)
	if status < 100 || status > 599 || end != 3 || len(b) < end+len(size) || string(b[end:end+len(size)]) != size {
		return false
	}
	start := end + len(size)
	queries, end := numberAt(b, start)
	if end == start || end == len(b) || b[end] != ' ' {
		return false
	}
	inQueries, end := secondsAt(b, end+1)
	if end == len(b) || b[end] != ' ' {
		return false
	}
	outside, end := secondsAt(b, end+1)
	if end < len(b) && (b[end] != ' ' || bytes.Contains(b[end:], fromWord) || bytes.IndexByte(b[end:], escape) >= 0) {
		return false
	}
	if inQueries < 0 || outside < 0 {
		return false
	}
	a.status, a.idle = status, queries == 0
	a.took, a.timed = inQueries+outside, true
	return true
}

// numberAt reads up to nine digits at a place, and says where they end.
func numberAt(b []byte, at int) (n, end int) {
	const most = 9
	end = at
	for end < len(b) && end < at+most && b[end]-'0' <= 9 {
		n = n*10 + int(b[end]-'0')
		end++
	}
	return n, end
}

// secondsAt does what parseSeconds does at a place, and says where they end; what
// it cannot read is negative.
func secondsAt(b []byte, at int) (took time.Duration, end int) {
	seconds, point := numberAt(b, at)
	if point == at || point-at > 5 || seconds > 86400 || point == len(b) || b[point] != '.' {
		return -1, point
	}
	parts, end := numberAt(b, point+1)
	return time.Duration(seconds)*time.Second + time.Duration(parts)*decimal[end-point-1], end
}

// cutFields finds the first words of b.
func cutFields(fields *[5][]byte, b []byte) {
	at := 0
	for i := range fields {
		for at < len(b) && b[at] == ' ' {
			at++
		}
		start := at
		for at < len(b) && b[at] != ' ' {
			at++
		}
		fields[i] = b[start:at]
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
	return time.Duration(seconds)*time.Second + time.Duration(parts)*decimal[len(fraction)], true
}

// decimal is what the last digit of a fraction of a second stands for, by how
// many there are.
var decimal = [...]time.Duration{1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 100, 10, 1}

// sends says whether Odoo reads what came with the request: a form and XML-RPC of
// a POST only, JSON whatever the method (odoo/http.py looks at Content-Type alone).
func (a *access) sends() bool {
	return a.post || a.page == jsonrpcPage || a.page == authenticatePage
}

// rpc says whether the request came in where Odoo 16 and later log failed logins
// without an address. One without a query asked for the version.
func (a *access) rpc() bool {
	return a.sends() && !a.idle && (a.page == jsonrpcPage || a.page == xmlrpcPage)
}

// login says whether the request is one that tries a login, and so writes a
// record about it.
func (a *access) login() bool {
	return a.status < 400 && (a.rpc() || a.sends() && (a.page == loginPage || a.page == authenticatePage))
}

// reset says whether the request asks for a new password, of which Odoo writes
// a record as well.
func (a *access) reset() bool { return a.post && a.page == resetPage }

// redirected says whether the form was left: a failed login shows it again.
func (a *access) redirected() bool { return a.status >= 300 && a.status < 400 }
