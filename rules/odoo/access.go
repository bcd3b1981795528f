package odoo

import (
	"bytes"
	"time"

	"odooban/rules/record"
	"odooban/rules/route"
)

const escape = 0x1b // begins what sets a colour

// parseAccess reads
//
//	203.0.113.50 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 - 5 0.013 1.227
//
// (werkzeug/serving.py, WSGIRequestHandler.log; behind the status the size,
// then odoo/netsvc.py, PerfFilter: queries, seconds in them, other seconds).
func parseAccess(e *Event, msg []byte) bool {
	a := &e.Request
	a.Took = -1
	end := bytes.IndexByte(msg, ' ')
	if end < 0 || len(msg) < end+len(beforeDate) || string(msg[end:end+len(beforeDate)]) != beforeDate {
		return false
	}
	var ok bool
	if e.Addr, ok = record.ParseHost(msg[:end]); !ok {
		return false
	}
	date, rest, ok := cutDate(msg[end+len(beforeDate):])
	if !ok {
		return false
	}
	if end = lastQuote(rest); end < 0 {
		return false
	}
	if !a.parseTail(rest[end+2:]) {
		return false
	}
	a.parseRequest(record.StripColour(rest[:end]))
	if isRPC(a.Page) {
		if when, ok := record.ParseTime(date, time.Time{}); ok {
			a.Date = when.Unix()
		}
	}
	e.Kind = Access
	return true
}

// isRPC reports whether programs call Odoo there.
func isRPC(page route.Page) bool {
	return page == route.JSONRPC || page == route.XMLRPC || page == route.XMLRPCObject
}

// beforeDate stands between an address and the date.
const beforeDate = " - - ["

// cutDate cuts `23/Nov/2026 10:45:45] "` off.
func cutDate(b []byte) (date, rest []byte, ok bool) {
	const usual = len("23/Nov/2026 10:45:45")
	if len(b) > usual+3 && string(b[usual:usual+3]) == `] "` && bytes.IndexByte(b[:usual], ']') < 0 {
		return b[:usual], b[usual+3:], true
	}
	return bytes.Cut(b, []byte(`] "`))
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
func (a *Request) parseRequest(b []byte) {
	end := bytes.IndexByte(b, ' ')
	if end < 0 {
		end = len(b)
	}
	a.Post = isPost(b[:end])
	path := b[min(end+1, len(b)):]
	if end = bytes.IndexByte(path, ' '); end >= 0 {
		path = path[:end]
	}
	a.Fragment = bytes.IndexByte(path, '#') >= 0
	a.Page = route.Of(path)
}

var post = []byte("POST")

// isPost knows the method in whatever case: that is logged as it was sent, and
// made upper case before anybody asks for it.
func isPost(method []byte) bool { return string(method) == "POST" || bytes.EqualFold(method, post) }

// parseTail reads the status and the times.
func (a *Request) parseTail(b []byte) bool { return a.parseUsualTail(b) || a.parseAnyTail(b) }

// parseAnyTail reads what Odoo of any version writes, with or without colours.
func (a *Request) parseAnyTail(b []byte) bool {
	if bytes.Contains(b, fromWord) {
		return false // the end of a login
	}
	var fields [5][]byte
	cutFields(&fields, b)
	perf := len(fields[4]) > 0
	if bytes.IndexByte(b, escape) >= 0 {
		for i := range fields {
			fields[i] = record.StripColour(fields[i])
		}
	}
	status, end := numberAt(fields[0], 0)
	if status < 100 || status > 599 || end < len(fields[0]) {
		return false
	}
	a.Status = status
	if !perf {
		return true
	}
	queries, end := numberAt(fields[2], 0)
	a.Idle = queries == 0 && end > 0 && end == len(fields[2])
	inQueries, ok1 := parseSeconds(fields[3])
	outside, ok2 := parseSeconds(fields[4])
	if ok1 && ok2 {
		a.Took = (inQueries + outside).Milliseconds()
	}
	return true
}

// parseUsualTail does what parseAnyTail does with "200 - 5 0.013 1.227", by position.
// Whatever else there is it leaves alone.
func (a *Request) parseUsualTail(b []byte) bool {
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
	a.Status, a.Idle = status, queries == 0
	a.Took = (inQueries + outside).Milliseconds()
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
	seconds, parts := record.Digits(whole), record.Digits(fraction)
	if seconds < 0 || seconds > 86400 || parts < 0 {
		return 0, false
	}
	return time.Duration(seconds)*time.Second + time.Duration(parts)*decimal[len(fraction)], true
}

// decimal is what the last digit of a fraction of a second stands for, by how
// many there are.
var decimal = [...]time.Duration{1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 100, 10, 1}
