package rules

import (
	"bytes"
	"time"
)

// parseTraefikCommon reads
//
//	203.0.113.50 - - [23/Nov/2026:10:45:45 +0000] "POST /web/login HTTP/2.0" 200 4821
//	"-" "Mozilla/5.0" 7 "odoo@docker" "http://172.18.0.3:8069" 214ms
//
// which is one line (Traefik, pkg/middlewares/accesslog/logger_formatters.go, CommonLogFormatter).
// Nothing is escaped in it. Host, user, query, referer and user agent are what
// somebody sent, so it is read from the left as far as the status, whatever
// stands behind that. A user's name may hold line ends: see traefikSource.
func parseTraefikCommon(q *proxied, line []byte) bool {
	host, rest, ok := bytes.Cut(line, []byte(" - "))
	if !ok || !looksLikeHops(host) {
		return false
	}
	rest, ok = q.cutStart(rest)
	if !ok {
		return false
	}
	q.hops = host
	if rest, ok = q.cutRequest(rest); !ok {
		return false
	}
	if rest, ok = q.cutAnswer(rest); !ok {
		return false
	}
	q.murky = holdsAnswer(rest)
	if q.took, ok = tookOf(rest); !ok {
		return false
	}
	q.challenge = isUnserved(line) && (q.murky || q.status == 0 || q.status == unauthorized)
	return true
}

const unauthorized = 401

// looksLikeHops says whether b can be an address, or a list of them.
func looksLikeHops(b []byte) bool {
	for _, c := range b {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' // of a zone
		if !letter && (c < '0' || c > '9') && bytes.IndexByte([]byte(".:, []%"), c) < 0 {
			return false
		}
	}
	return len(b) > 1
}

// cutStart cuts the user and the time off: `- [23/Nov/2026:10:45:45 +0000] "`.
func (q *proxied) cutStart(b []byte) (rest []byte, ok bool) {
	for {
		at := bytes.Index(b, []byte(" ["))
		if at < 0 {
			return nil, false
		}
		b = b[at+2:]
		if q.start, ok = parseCommonTime(b); ok && bytes.HasPrefix(b[commonTimeLen:], []byte(`] "`)) {
			return b[commonTimeLen+3:], true
		}
	}
}

// commonTimeLen is the length of "23/Nov/2026:10:45:45 +0000".
const commonTimeLen = 26

// parseCommonTime reads the time at the start of b.
func parseCommonTime(b []byte) (time.Time, bool) {
	if len(b) < commonTimeLen || b[2] != '/' || b[6] != '/' || b[11] != ':' || b[14] != ':' || b[17] != ':' ||
		b[20] != ' ' || b[21] != '+' && b[21] != '-' {
		return time.Time{}, false
	}
	day, month, year := digits(b[0:2]), monthOf(b[3:6]), digits(b[7:11])
	hour, minute, second := digits(b[12:14]), digits(b[15:17]), digits(b[18:20])
	zoneHours, zoneMinutes := digits(b[22:24]), digits(b[24:26])
	if day < 1 || month < 1 || year < 1970 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
		second < 0 || second > 59 || zoneHours < 0 || zoneHours > 14 || zoneMinutes < 0 || zoneMinutes > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	zone := time.Duration(zoneHours)*time.Hour + time.Duration(zoneMinutes)*time.Minute
	if b[21] == '-' {
		zone = -zone
	}
	return t.Add(-zone), t.Day() == day
}

// monthOf reads "Jan" to "Dec"; it is 0 for anything else.
func monthOf(b []byte) int {
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	for i := 0; i < len(months); i += 3 {
		if string(b) == months[i:i+3] {
			return i/3 + 1
		}
	}
	return 0
}

// cutRequest cuts `POST /web/login HTTP/2.0" ` off.
func (q *proxied) cutRequest(b []byte) (rest []byte, ok bool) {
	method, b, ok := bytes.Cut(b, space)
	if !ok || !isMethod(method) {
		return nil, false
	}
	q.post = isPost(method)
	if q.path, b, ok = bytes.Cut(b, space); !ok || len(q.path) == 0 {
		return nil, false
	}
	return cutProtocol(b)
}

// isMethod says whether b can be a method of HTTP.
func isMethod(b []byte) bool {
	for _, c := range b {
		if c |= 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return len(b) > 0
}

// cutProtocol cuts `HTTP/2.0" ` off.
func cutProtocol(b []byte) (rest []byte, ok bool) {
	const length = len(`HTTP/2.0" `)
	if len(b) < length || !bytes.HasPrefix(b, []byte("HTTP/")) || digits(b[5:6]) < 0 || b[6] != '.' ||
		digits(b[7:8]) < 0 || b[8] != '"' || b[9] != ' ' {
		return nil, false
	}
	return b[length:], true
}

// cutAnswer cuts `200 4821 ` off.
func (q *proxied) cutAnswer(b []byte) (rest []byte, ok bool) {
	status, b, ok := bytes.Cut(b, space)
	if !ok {
		return nil, false
	}
	size, b, ok := bytes.Cut(b, space)
	if !ok {
		return nil, false
	}
	if q.status = 0; string(status) != "-" {
		if q.status = digits(status); len(status) != 3 || q.status < 100 {
			return nil, false
		}
	}
	q.size = -1
	if string(size) != "-" {
		if q.size, ok = cutNumber(size); !ok {
			return nil, false
		}
	}
	return b, true
}

// cutNumber reads a whole number of up to 18 digits.
func cutNumber(b []byte) (int64, bool) {
	const most = 18
	if len(b) == 0 || len(b) > most {
		return 0, false
	}
	n := digits(b)
	return int64(n), n >= 0
}

// holdsAnswer says whether a second ` HTTP/2.0" ` comes behind the first. No
// browser sends any: one of the two is a part of what somebody sent.
func holdsAnswer(b []byte) bool {
	for {
		_, behind, ok := bytes.Cut(b, []byte(" HTTP/"))
		if !ok {
			return false
		}
		if _, is := cutProtocol(b[len(b)-len(behind)-len("HTTP/"):]); is {
			return true
		}
		b = behind
	}
}

// tookOf reads the milliseconds that a line ends in: ` 214ms`.
func tookOf(b []byte) (time.Duration, bool) {
	number, ok := bytes.CutSuffix(b, []byte("ms"))
	at := bytes.LastIndexByte(number, ' ')
	if !ok || at < 0 {
		return 0, false
	}
	ms, ok := cutNumber(number[at+1:])
	const longest = 7 * 24 * time.Hour
	return time.Duration(ms) * time.Millisecond, ok && ms <= longest.Milliseconds()
}

// isUnserved says whether a line of the common format, or what is left of one
// behind a line end, ends in ` "-" 0ms`: no server was asked.
func isUnserved(line []byte) bool {
	if _, ok := tookOf(line); !ok {
		return false
	}
	return bytes.HasSuffix(line[:bytes.LastIndexByte(line, ' ')], []byte(` "-"`))
}
