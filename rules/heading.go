package rules

import "bytes"

// heading is what stands between the number of the process and the message of a
// record: "INFO openspp odoo.http: ". A log has few of them, so the latest are
// remembered: to compare one is cheaper than to take it apart.
type heading struct {
	text []byte
	// level, db and logger are how long these are; one blank stands between.
	level, db, logger int
	writer            writer
	// name is the name of the database; only what is remembered has one.
	name string
}

// writer is which part of Odoo wrote a record, as far as it matters.
type writer uint8

const (
	otherWriter writer = iota
	accessWriter
	loginWriter
	resetWriter
)

// writerOf tells writers by their loggers.
func writerOf(logger []byte) writer {
	switch {
	case isAccessLogger(logger):
		return accessWriter
	case isLoginLogger(logger):
		return loginWriter
	case string(logger) == resetLogger:
		return resetWriter
	}
	return otherWriter
}

const (
	// headingsKept is how many headings are remembered, longestHeading how long
	// they are at most.
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

// cut reads the heading at the start of b. Two lines that begin with the same
// heading have the same parts up to its end, whatever comes behind it.
func (h *headings) cut(r *record, b []byte) bool {
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
func (k *heading) fill(r *record, b []byte) {
	r.level, b = b[:k.level], b[k.level+1:]
	r.db, b = b[:k.db], b[k.db+1:]
	r.logger, r.msg = b[:k.logger], b[k.logger+2:]
	r.writer, r.name = k.writer, k.name
}

// parseHeading takes a heading apart.
func parseHeading(b []byte) (heading, bool) {
	level, rest, ok := cutWord(b)
	if !ok || !isLevel(stripColour(level)) {
		return heading{}, false
	}
	db, rest, ok := cutWord(rest)
	if !ok || !isDatabase(db) {
		return heading{}, false
	}
	end := bytes.IndexByte(rest, ':')
	if end < 0 || end+1 >= len(rest) || rest[end+1] != ' ' || !isLogger(rest[:end]) {
		return heading{}, false
	}
	logger := rest[:end]
	size := len(level) + 1 + len(db) + 1 + len(logger) + len(": ")
	return heading{
		text: b[:size], level: len(level), db: len(db), logger: len(logger), writer: writerOf(logger),
	}, true
}
