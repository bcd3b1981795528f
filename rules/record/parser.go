package record

import (
	"bytes"
	"time"

	"odooban/watcher/framing"
)

// Parser reads the records of one log. It remembers what the latest had in common with the next. The zero value is
// ready.
type Parser struct {
	minute   minute
	headings headings
	scratch  []byte // what was escaped in JSON
}

// Parse reads the record that begins with a line. It returns false where the line begins none: it is the rest of one,
// or not Odoo's; r is then without meaning. What r points to is valid as long as f.Text, and until the next call. ref,
// a moment close to the line's, completes times that have no year.
func (p *Parser) Parse(r *Record, f *framing.Frame, ref time.Time) bool {
	if p.usual(r, f.Text) {
		return true
	}
	*r = Record{PID: f.PID}
	switch {
	case len(f.Text) == 0:
		return false
	case f.Text[0] == '{':
		return p.json(r, f.Text, ref)
	}
	return unusual(r, f.Text) || syslog(r, f)
}

// Begins reports whether a line begins as a record in Odoo's own layout does, up to the level, and sets r's time,
// process and level. Of a line that is none, that is the sign of a name of a database that somebody sent, line ends and
// all.
func (p *Parser) Begins(r *Record, line []byte) bool {
	if len(line) <= stampLen || line[stampLen] != ' ' || line[10] != ' ' {
		return false
	}
	when, ok := p.minute.parse(line[:stampLen])
	if !ok {
		return false
	}
	pid, rest, ok := cutPID(line[stampLen+1:])
	level, _, _ := bytes.Cut(rest, []byte{' '})
	*r = Record{When: when, PID: pid, Level: level, Layout: Plain}
	return ok && isLevel(StripColour(level))
}

// stampLen is the length of "2026-11-23 10:45:24,131".
const stampLen = 23

// usual reads Odoo's own layout, with or without colours, and sets all of r if it returns true:
//
//	2026-11-23 10:45:24,131 28281 INFO openspp odoo.http: message
func (p *Parser) usual(r *Record, line []byte) bool {
	if len(line) <= stampLen || line[stampLen] != ' ' || line[10] != ' ' {
		return false
	}
	when, ok := p.minute.parse(line[:stampLen])
	if !ok {
		return false
	}
	pid, rest, ok := cutPID(line[stampLen+1:])
	if !ok || !p.headings.cut(r, rest) {
		return false
	}
	r.When, r.PID, r.Sealed, r.Coarse = when, pid, false, false
	if line[19] == '.' {
		r.Layout |= DotMillis
	}
	r.cutRequestID()
	return true
}

// minute is the latest minute that was read: the next line is nearly always of the same. The zero value is ready.
type minute struct {
	text  [len("2026-11-23 10:45")]byte
	began int64 // in seconds since 1970
}

// parse reads "2026-11-23 10:45:24,131", in UTC: Odoo sets TZ=UTC in its own process.
func (m *minute) parse(b []byte) (time.Time, bool) {
	if len(b) != stampLen || b[19] != ',' && b[19] != '.' {
		return time.Time{}, false
	}
	if [len(m.text)]byte(b) != m.text || b[16] != ':' {
		t, zoned, n := framing.CutTime(b)
		if zoned || n != stampLen {
			return time.Time{}, false
		}
		*m = minute{text: [len(m.text)]byte(b), began: t.Unix() - int64(t.Second())}
		return t, true
	}
	second, milli := Digits(b[17:19]), Digits(b[20:stampLen])
	if second < 0 || second > 59 || milli < 0 {
		return time.Time{}, false
	}
	return time.Unix(m.began+int64(second), int64(milli)*int64(time.Millisecond)).UTC(), true
}

// cutPID cuts a process's number and the blank behind it.
func cutPID(b []byte) (pid int32, rest []byte, ok bool) {
	const longest = 9
	for i, c := range b[:min(len(b), longest+1)] {
		if c == ' ' {
			return pid, b[i+1:], i > 0
		}
		if c < '0' || c > '9' {
			break
		}
		pid = pid*10 + int32(c-'0')
	}
	return 0, nil, false
}

// cutRequestID cuts "[0b1c-4] ", which formats with a request's id have in front of the message. An IPv6 address in
// brackets, with which the message of an access line may begin, has colons.
func (r *Record) cutRequestID() {
	if r.Writer == Other || len(r.Msg) == 0 || r.Msg[0] != '[' {
		return
	}
	const longest = 64
	for i, c := range r.Msg[1:min(len(r.Msg), longest)] {
		if letter := c|0x20 >= 'a' && c|0x20 <= 'z'; letter || c >= '0' && c <= '9' || c == '-' || c == '_' {
			continue
		}
		if rest := r.Msg[i+2:]; c == ']' && len(rest) > 0 && rest[0] == ' ' {
			r.Msg = rest[1:]
			r.Layout |= Tagged
		}
		return
	}
}

// syslog reads what Odoo writes with --syslog:
//
//	Odoo Server 18.0:openspp:INFO:odoo.http:message
//
// (odoo/netsvc.py: '%s %s:%(dbname)s:%(levelname)s:%(name)s:%(message)s' of the product's description and version).
// The time is that of the frame.
func syslog(r *Record, f *framing.Frame) bool {
	name, _, ok := bytes.Cut(f.Text[:min(len(f.Text), len("OpenERP Server "))], []byte(" Server "))
	if !ok || string(name) != "Odoo" && string(name) != "OpenERP" || f.Stamp.IsZero() {
		return false
	}
	rest := f.Text[len(name)+len(" Server "):]
	var parts [4][]byte
	for i := range parts {
		if parts[i], rest, ok = bytes.Cut(rest, []byte(":")); !ok {
			return false
		}
	}
	r.DB, r.Level, r.Logger, r.Msg = parts[1], parts[2], parts[3], bytes.TrimPrefix(rest, blank)
	if !isLevel(r.Level) || !isLogger(r.Logger) {
		return false
	}
	r.When, r.Coarse, r.Layout, r.Writer = f.Stamp, f.Coarse, Syslog, writerOf(r.Logger)
	r.cutRequestID()
	return true
}
