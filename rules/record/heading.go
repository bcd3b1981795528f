package record

import "bytes"

// heading is what stands between the number of the process and the message of a record: "INFO openspp odoo.http: ". A
// log has few of them, so the latest are remembered: to compare one is cheaper than to take it apart.
type heading struct {
	text []byte
	// level, db and logger are how long these are; one blank stands between.
	level, db, logger int
	writer            Writer
	layout            Layout
	// name is the name of the database; only what is remembered has one.
	name string
}

const (
	// headingsKept is how many headings are remembered, longestHeading how long they are at most.
	headingsKept   = 8
	longestHeading = 128
)

// headings are the headings that came lately. The zero value is ready.
type headings struct {
	known [headingsKept]heading
	// order lists them, roughly those first that come often.
	order [headingsKept]uint8
	kept  int
}

// cut reads the heading at the start of b. Two lines that begin with the same heading have the same parts up to its
// end, whatever comes behind it.
func (h *headings) cut(r *Record, b []byte) bool {
	for i, at := range h.order[:h.kept] {
		if k := &h.known[at]; bytes.HasPrefix(b, k.text) {
			if i > 0 {
				h.order[i-1], h.order[i] = at, h.order[i-1]
			}
			k.fill(r, b)
			return true
		}
	}
	k, ok := parseHeading(b)
	if !ok {
		return false
	}
	if len(k.text) <= longestHeading {
		h.keep(&k)
	}
	k.fill(r, b)
	return true
}

// keep remembers a heading, in place of the one that came least often.
func (h *headings) keep(k *heading) {
	if h.kept < headingsKept {
		h.order[h.kept] = uint8(h.kept)
		h.kept++
	}
	k.text = bytes.Clone(k.text)
	k.name = string(k.text[k.level+1:][:k.db])
	h.known[h.order[h.kept-1]] = *k
}

// fill sets the parts of a record that begins with the heading in b.
func (k *heading) fill(r *Record, b []byte) {
	r.Level, b = b[:k.level], b[k.level+1:]
	r.DB, b = b[:k.db], b[k.db+1:]
	r.Logger, r.Msg = b[:k.logger], b[k.logger+2:]
	r.Writer, r.Layout, r.Name = k.writer, k.layout, k.name
}

var blank = []byte(" ")

// parseHeading takes a heading apart.
func parseHeading(b []byte) (heading, bool) {
	level, rest, ok := bytes.Cut(b, blank)
	if !ok || !isLevel(StripColour(level)) {
		return heading{}, false
	}
	db, rest, ok := bytes.Cut(rest, blank)
	if !ok || !isDatabase(db) {
		return heading{}, false
	}
	logger, ok := loggerOf(rest)
	if !ok {
		return heading{}, false
	}
	layout := Plain
	if level[0] == escape {
		layout |= Coloured
	}
	size := len(level) + 1 + len(db) + 1 + len(logger) + len(": ")
	return heading{
		text: b[:size], level: len(level), db: len(db), logger: len(logger), writer: writerOf(logger), layout: layout,
	}, true
}

// loggerOf reads the name of the logger that b begins with, before ": ".
func loggerOf(b []byte) ([]byte, bool) {
	end := bytes.IndexByte(b, ':')
	if end < 0 || end+1 >= len(b) || b[end+1] != ' ' || !isLogger(b[:end]) {
		return nil, false
	}
	return b[:end], true
}

// isLevel knows Python's level names and the two that Odoo adds.
func isLevel(b []byte) bool {
	switch string(b) {
	case "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "RUNBOT", "TEST":
		return true
	}
	return false
}

// isLogger reports whether b can be the dotted name of a Python logger.
func isLogger(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == ':' || c >= 0x7f {
			return false
		}
	}
	return len(b) > 0
}

// isDatabase reports whether b can be what Odoo writes for a database: 63 bytes are PostgreSQL's bound for a name, and
// Odoo's own manager creates none with anything but letters, digits, "_", "." and "-".
func isDatabase(b []byte) bool {
	const longest = 63
	for _, c := range b {
		if c <= ' ' || c == 0x7f || bytes.IndexByte([]byte(`"'<>()[]{}:;,`), c) >= 0 {
			return false
		}
	}
	return len(b) > 0 && len(b) <= longest
}

// writerOf tells writers by their loggers, in Odoo 8 to 19 and what follows.
func writerOf(logger []byte) Writer {
	switch string(logger) {
	case "werkzeug", "odoo.http.server":
		return Access
	case "odoo.addons.base.models.res_users", "odoo.addons.base.res.res_users", "openerp.addons.base.res.res_users":
		return Login
	case "odoo.addons.auth_signup.controllers.main":
		return Reset
	case "odoo.http", "openerp.http":
		return HTTP
	case "odoo.service.server", "openerp.service.server":
		return Service
	}
	rest, ok := bytes.CutPrefix(logger, []byte("odoo.addons."))
	switch {
	case ok && bytes.HasPrefix(rest, []byte("auth_totp")):
		return TOTP
	case ok && bytes.HasSuffix(rest, []byte(".http")):
		return HTTP
	}
	return Other
}
