package rules

import (
	"bytes"
	"time"
)

// parseTraefikJSON reads a line of Traefik's access log in JSON, an object of
// fields (Traefik, pkg/middlewares/accesslog/logdata.go):
//
//	{"ClientAddr":"203.0.113.50:49152","ClientHost":"203.0.113.50","DownstreamStatus":200,...}
//
// Fields may be missing, where Traefik was told to drop them; method, path,
// status, a time and an address must be there. Everything that somebody sent is
// escaped. Text with a backslash is taken as it stands: no address, time or path
// that matters has one.
func parseTraefikJSON(q *proxied, line []byte) bool {
	o := object{rest: line}
	if !o.begin() {
		return false
	}
	var local []byte
	var forwarded []byte
	q.size, q.sealed = -1, true
	method := false
	for {
		key, value, ok := o.next()
		if !ok {
			break
		}
		switch string(key) {
		case "ClientAddr":
			q.peer = text(value)
		case "ClientHost":
			q.hops = text(value)
		case "request_X-Forwarded-For":
			forwarded = text(value)
		case "RequestMethod":
			method, q.post = true, isPost(text(value))
		case "RequestPath":
			q.path = text(value)
		case "DownstreamStatus":
			q.status = digits(value)
		case "DownstreamContentSize":
			q.size, _ = cutNumber(value)
		case "Duration":
			q.took = nanoseconds(value)
		case "StartUTC":
			q.start = parseJSONTime(text(value))
		case "StartLocal":
			local = text(value)
		}
	}
	if q.start.IsZero() {
		q.start = parseJSONTime(local)
	}
	if forwarded != nil {
		q.hops = forwarded
	}
	return o.ended && method && q.path != nil && q.status >= 100 && q.status <= 599 &&
		!q.start.IsZero() && (q.peer != nil || q.hops != nil)
}

// nanoseconds reads how long a request took, a week at most.
func nanoseconds(value []byte) time.Duration {
	const longest = 7 * 24 * time.Hour
	n, _ := cutNumber(value)
	return min(time.Duration(n), longest)
}

// parseJSONTime reads RFC 3339 with a fraction, without allocating; it is zero
// for anything else.
func parseJSONTime(b []byte) time.Time {
	var t time.Time
	if len(b) > longestTime || t.UnmarshalText(b) != nil || !sane(t) {
		return time.Time{}
	}
	return t.UTC()
}

// text is the content of a JSON string as it stands, nil for another value.
func text(value []byte) []byte {
	if n := len(value); n >= 2 && value[0] == '"' {
		return value[1 : n-1]
	}
	return nil
}

// object walks through the members of a JSON object without decoding them.
type object struct {
	rest  []byte
	ended bool // all of the object was read, and nothing stands behind it
	first bool
}

// begin reads the bracket.
func (o *object) begin() bool {
	if len(o.rest) == 0 || o.rest[0] != '{' {
		return false
	}
	o.rest, o.first = o.rest[1:], true
	return true
}

// next returns the next member, its name without quotes and its value as it
// stands.
func (o *object) next() (key, value []byte, ok bool) {
	o.blanks()
	if len(o.rest) > 0 && o.rest[0] == '}' {
		o.ended = len(o.rest) == 1
		return nil, nil, false
	}
	if !o.first && !o.take(',') {
		return nil, nil, false
	}
	o.first = false
	o.blanks()
	n := stringLen(o.rest)
	if n == 0 {
		return nil, nil, false
	}
	key, o.rest = o.rest[1:n-1], o.rest[n:]
	o.blanks()
	if !o.take(':') {
		return nil, nil, false
	}
	o.blanks()
	n = valueLen(o.rest)
	value, o.rest = o.rest[:n], o.rest[n:]
	return key, value, n > 0
}

func (o *object) blanks() {
	for len(o.rest) > 0 && (o.rest[0] == ' ' || o.rest[0] == '\t') {
		o.rest = o.rest[1:]
	}
}

func (o *object) take(c byte) bool {
	if len(o.rest) == 0 || o.rest[0] != c {
		return false
	}
	o.rest = o.rest[1:]
	return true
}

// stringLen is the length of the JSON string that b begins with, 0 without one.
func stringLen(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	for end := 1; ; {
		n := bytes.IndexByte(b[end:], '"')
		if n < 0 {
			return 0
		}
		end += n + 1
		slashes := 0
		for b[end-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return end
		}
	}
}

// valueLen is the length of the JSON value that b begins with, 0 without one.
// What stands in lists and objects is not looked at, but for where it ends.
func valueLen(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := stringLen(b[i:])
			if n == 0 {
				return 0
			}
			if i += n - 1; depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t':
			if depth == 0 {
				return i
			}
		}
	}
	return 0
}
