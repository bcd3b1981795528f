package record

import (
	"bytes"

	"odooban/watcher/framing"
)

// unusual reads what formatters of other people's make of Odoo's header: the parts in another order, with other
// characters between, or without some. They are told apart by what they look like at their place: no part can be
// mistaken for another, since a level is one of seven words, a number is no level, and only a logger ends in a colon.
func unusual(r *Record, line []byte) bool {
	const deepest = 8
	b := line
	for len(b) > 0 && len(line)-len(b) < deepest && (b[0] == ' ' || b[0] == '\t') {
		b, r.Layout = b[1:], Indented
	}
	b, ok := cutStamp(r, b)
	if !ok || len(b) == 0 {
		return false
	}
	if rest, ok := bytes.CutPrefix(b, []byte(" - ")); ok {
		return dashed(r, rest)
	}
	h := header{Record: r, rest: b[1:], between: b[0]}
	if h.between == '\t' {
		r.Layout |= Tabbed
	} else if h.between != ' ' {
		return false
	}
	r.Layout |= Plain
	return h.cutZone() && h.cutLevel() && h.cutNames()
}

// cutStamp cuts the time.
func cutStamp(r *Record, b []byte) (rest []byte, ok bool) {
	t, zoned, n := framing.CutTime(b)
	if n == 0 {
		return nil, false
	}
	const fraction = len("2026-11-23 10:45:24")
	switch {
	case len(b) > fraction && b[fraction] == '.':
		r.Layout |= DotMillis
	case len(b) == fraction || b[fraction] != ',':
		r.Layout |= NoMillis
		r.Coarse = true
	}
	if b[10] == 'T' {
		r.Layout |= DateT
	}
	if zoned {
		r.Layout |= Zoned
	}
	r.When = t
	return b[n:], true
}

// dashed reads "odoo.http - INFO - message" behind the time.
func dashed(r *Record, b []byte) bool {
	var ok bool
	if r.Logger, b, ok = bytes.Cut(b, []byte(" - ")); !ok || !isLogger(r.Logger) {
		return false
	}
	if r.Level, r.Msg, ok = bytes.Cut(b, []byte(" - ")); !ok {
		return false
	}
	r.Layout |= Dashed
	return finish(r)
}

// finish checks what all layouts have in common and sets what follows from it.
func finish(r *Record) bool {
	level := StripColour(r.Level)
	if len(level) < len(r.Level) {
		r.Layout |= Coloured
	}
	r.Writer = writerOf(r.Logger)
	r.cutRequestID()
	return isLevel(level)
}

// header is a header of which some has been read.
type header struct {
	*Record
	rest    []byte
	between byte // a blank or a tab
}

// word cuts the next part. The bound is far beyond any, so that a long line costs nothing here.
func (h *header) word() []byte {
	const longest = 256
	end := bytes.IndexByte(h.rest[:min(len(h.rest), longest)], h.between)
	if end < 0 {
		return nil
	}
	word := h.rest[:end]
	h.rest = h.rest[end+1:]
	return word
}

// cutZone cuts a zone that stands apart from the time, if there is one.
func (h *header) cutZone() bool {
	if offset, n := framing.CutZone(h.rest); n > 0 && n < len(h.rest) && h.rest[n] == h.between {
		if h.Layout&Zoned != 0 {
			return false
		}
		h.When, h.rest = h.When.Add(-offset), h.rest[n+1:]
		h.Layout |= Zoned
	}
	return true
}

// cutLevel cuts the number of the process and the level, in either order, or the level alone.
func (h *header) cutLevel() bool {
	before := h.cutNumber()
	h.Level = h.word()
	for h.between == ' ' && len(h.rest) > 0 && h.rest[0] == ' ' {
		h.rest = h.rest[1:]
		h.Layout |= Padded
	}
	switch {
	case before:
	case h.cutNumber():
		h.Layout |= LevelFirst
	default:
		h.Layout |= NoPID
	}
	return len(h.Level) > 0
}

// cutNumber cuts the number of the process, if it stands here.
func (h *header) cutNumber() bool {
	const longest = 9
	end := bytes.IndexByte(h.rest[:min(len(h.rest), longest+1)], h.between)
	if end <= 0 || Digits(h.rest[:end]) < 0 {
		return false
	}
	h.PID, h.rest = int32(Digits(h.rest[:end])), h.rest[end+1:]
	return true
}

// cutNames cuts the database, where there is one, and the logger.
func (h *header) cutNames() bool {
	logger, ok := loggerOf(h.rest)
	if ok {
		h.Layout |= NoDatabase
	} else if h.DB = h.word(); isDatabase(h.DB) {
		logger, ok = loggerOf(h.rest)
	}
	if !ok {
		return false
	}
	h.Logger, h.Msg = logger, h.rest[len(logger)+len(": "):]
	return finish(h.Record)
}
