package traefik

import (
	"bytes"
	"time"

	"odooban/rules/record"
	"odooban/rules/route"
)

// longest bounds what is believed of how long a request took.
const longest = 7 * 24 * time.Hour

// parseCommon reads
//
//	203.0.113.50 - - [23/Nov/2026:10:45:45 +0000] "POST /web/login HTTP/2.0" 200 4821
//	"-" "Mozilla/5.0" 7 "odoo@docker" "http://172.18.0.3:8069" 214ms
//
// which is one line (logger_formatters.go, CommonLogFormatter). Nothing is escaped
// in it, but quotes since 3.6.18 and 3.7.2. So it is read from the left as far as
// the status, whatever stands behind that, and from the right as far as the count.
func parseCommon(q *Request, line []byte) bool {
	host, rest, ok := bytes.Cut(line, []byte(" - "))
	if !ok || !looksLikeHops(host) {
		return false
	}
	q.Hops = host
	if rest, ok = q.cutStart(rest); !ok {
		return false
	}
	if rest, ok = q.cutRequest(rest); !ok {
		return false
	}
	if rest, ok = q.cutAnswer(rest); !ok {
		return false
	}
	q.Murky = holdsAnswer(rest)
	if rest, q.Took, ok = cutTook(rest); !ok {
		return false
	}
	q.Count, ok = countOf(rest)
	return ok
}

// looksLikeHops reports whether b can be an address, or a list of them.
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
func (q *Request) cutStart(b []byte) (rest []byte, ok bool) {
	for {
		at := bytes.Index(b, []byte(" ["))
		if at < 0 {
			return nil, false
		}
		b = b[at+2:]
		if q.Start, ok = parseCommonTime(b); ok && bytes.HasPrefix(b[commonTimeLen:], []byte(`] "`)) {
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
	month := bytes.Index([]byte("JanFebMarAprMayJunJulAugSepOctNovDec"), b[3:6])
	day, year := record.Digits(b[0:2]), record.Digits(b[7:11])
	hour, minute, second := record.Digits(b[12:14]), record.Digits(b[15:17]), record.Digits(b[18:20])
	hours, minutes := record.Digits(b[22:24]), record.Digits(b[24:26])
	if month < 0 || month%3 != 0 || day < 1 || year < 1970 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
		second < 0 || second > 59 || hours < 0 || hours > 14 || minutes < 0 || minutes > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month/3+1), day, hour, minute, second, 0, time.UTC)
	zone := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if b[21] == '-' {
		zone = -zone
	}
	return t.Add(-zone), t.Day() == day
}

// cutRequest cuts `POST /web/login HTTP/2.0" ` off.
func (q *Request) cutRequest(b []byte) (rest []byte, ok bool) {
	method, b, ok := bytes.Cut(b, []byte{' '})
	if !ok || !isMethod(method) {
		return nil, false
	}
	q.Post = isPost(method)
	path, b, ok := bytes.Cut(b, []byte{' '})
	if !ok || len(path) == 0 {
		return nil, false
	}
	q.Page = route.Of(path)
	return cutProtocol(b)
}

// isMethod reports whether b can be a method of HTTP.
func isMethod(b []byte) bool {
	for _, c := range b {
		if c |= 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return len(b) > 0
}

// isPost knows the method in whatever case: it is logged as it was sent.
func isPost(method []byte) bool { return bytes.EqualFold(method, []byte("POST")) }

// cutProtocol cuts `HTTP/2.0" ` off.
func cutProtocol(b []byte) (rest []byte, ok bool) {
	const length = len(`HTTP/2.0" `)
	if len(b) < length || !bytes.HasPrefix(b, []byte("HTTP/")) || record.Digits(b[5:6]) < 0 || b[6] != '.' ||
		record.Digits(b[7:8]) < 0 || b[8] != '"' || b[9] != ' ' {
		return nil, false
	}
	return b[length:], true
}

// cutAnswer cuts `200 4821 ` off. Until 2.8 these are what Odoo answered, so that
// what Traefik answered itself has none.
func (q *Request) cutAnswer(b []byte) (rest []byte, ok bool) {
	status, b, ok := bytes.Cut(b, []byte{' '})
	if !ok {
		return nil, false
	}
	size, b, ok := bytes.Cut(b, []byte{' '})
	if !ok {
		return nil, false
	}
	if string(status) != "-" && string(status) != "0" {
		if q.Status = record.Digits(status); len(status) != 3 || q.Status < 100 {
			return nil, false
		}
	}
	if string(size) != "-" {
		if q.Size, ok = number(size); !ok {
			return nil, false
		}
	}
	return b, true
}

// number reads a whole number of up to 18 digits.
func number(b []byte) (int64, bool) {
	const most = 18
	if len(b) == 0 || len(b) > most {
		return -1, false
	}
	n := record.Digits(b)
	return int64(n), n >= 0
}

// holdsAnswer reports whether a second ` HTTP/2.0" ` comes behind the first. No
// browser sends any: one of the two is a part of what somebody sent, and if a proxy
// appends to X-Forwarded-For, it may be the first.
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

// cutTook cuts the milliseconds off that a line ends in: ` 214ms`.
func cutTook(b []byte) (rest []byte, took time.Duration, ok bool) {
	b, ok = bytes.CutSuffix(b, []byte("ms"))
	at := bytes.LastIndexByte(b, ' ')
	if !ok || at < 0 {
		return nil, 0, false
	}
	ms, ok := number(b[at+1:])
	return b[:at], time.Duration(ms) * time.Millisecond, ok && ms <= longest.Milliseconds()
}

// countOf reads the count of what ends in ` 7 "odoo@docker" "http://172.18.0.3:8069"`;
// 0 where Traefik was told to drop it. Until 2.1 what is not known is "-" without
// quotes.
func countOf(b []byte) (uint64, bool) {
	for range 2 {
		var ok bool
		if b, ok = cutLastField(b); !ok {
			return 0, false
		}
	}
	text := b[bytes.LastIndexByte(b, ' ')+1:]
	if string(text) == "-" {
		return 0, true
	}
	n, ok := number(text)
	return uint64(n), ok && n > 0
}

// cutLastField cuts a blank and a text in quotes, or "-", off the end of b.
func cutLastField(b []byte) (rest []byte, ok bool) {
	if rest, ok = bytes.CutSuffix(b, []byte(" -")); ok {
		return rest, true
	}
	if b, ok = bytes.CutSuffix(b, []byte{'"'}); !ok {
		return nil, false
	}
	at := bytes.LastIndexByte(b, '"')
	if at < 1 || b[at-1] != ' ' {
		return nil, false
	}
	return b[:at-1], true
}

// endsIn reads the count at the end of a line of which the beginning is none of
// Traefik's: what stands behind the last line end in a user's name.
func endsIn(line []byte) uint64 {
	rest, _, ok := cutTook(bytes.TrimRight(line, " \r"))
	if !ok {
		return 0
	}
	n, _ := countOf(rest)
	return n
}

// isOwn reports whether a line is what Traefik says of itself, in either of its
// forms: `time="2026-..." level=info` and `2026-11-23T10:45:44Z INF`.
func isOwn(line []byte) bool {
	if bytes.HasPrefix(line, []byte(`time="`)) {
		return true
	}
	const date = len("2026-11-23T")
	return len(line) > date && line[4] == '-' && line[7] == '-' && line[10] == 'T' && record.Digits(line[:4]) > 0
}
