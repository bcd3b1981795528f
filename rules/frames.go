package rules

import (
	"bytes"
	"time"

	"odooban/rules/odoo"
	"odooban/rules/record"
	"odooban/watcher/framing"
)

const (
	// otherForms lines in turn in another form, and in history so many bytes without one in
	// its own, show that a log comes in that form by now.
	otherForms     = 64
	otherFormBytes = 1 << 20
)

// frames takes lines out of their frames, if they come in such as the log's others do: what
// looks framed in another log is a part of a record.
type frames struct {
	framing.Unframer
	frame framing.Frame
	// own is the log's form, 0 while that is not known; last is where the latest line in
	// it stood, and others how many have come since in other ones.
	own    framing.Form
	last   int64
	others int
	// writers are those that have shown headers of Odoo's, in a log of several.
	writers map[uint64]struct{}
}

// next takes a line that ends at so many bytes. It returns false where more of the line
// is to come.
func (f *frames) next(line *Line, ref time.Time, offset int64) (whole bool) {
	whole = f.Next(&f.frame, line.Text, ref)
	f.frame.Form = usualForm(f.frame.Form)
	switch {
	case f.own == 0 || f.frame.Form == f.own:
		f.last, f.others = offset, 0
	case f.changed(line, offset):
	default:
		f.frame = framing.Frame{Text: bytes.TrimSuffix(line.Text, carriageReturn), Form: framing.Bare}
		return true
	}
	return whole
}

// usualForm takes the two forms of syslog for one.
func usualForm(form framing.Form) framing.Form {
	if form == framing.SyslogISO {
		return framing.Syslog
	}
	return form
}

// writerOf tells the containers and programs apart of which a log holds several: 0 is the
// one of any other log.
func writerOf(f *framing.Frame, p odoo.Process) uint64 {
	if f.Form == framing.Syslog {
		return 1<<32 | uint64(uint32(f.PID))
	}
	return uint64(p.Container)
}

// mostWriters bounds how many writers are known.
const mostWriters = 4096

// odoos reports whether an event is in a line of one of Odoo's writers. What others
// write is no part of its records. Where Odoo itself writes to syslog, each line is a record.
func (f *frames) odoos(e *odoo.Event, writer uint64) bool {
	if writer == 0 {
		return true
	}
	_, known := f.writers[writer]
	if isHeader(e) && !known && e.Layout&(uint32(record.Syslog)<<16) == 0 {
		if f.writers == nil || len(f.writers) >= mostWriters {
			f.writers = make(map[uint64]struct{})
		}
		f.writers[writer] = struct{}{}
	}
	return known || isHeader(e)
}

// changed takes note of a line in another form, and reports whether the log is written in
// that by now.
func (f *frames) changed(line *Line, offset int64) bool {
	f.others++
	return f.others > otherForms && (line.stamped() || offset-f.last > otherFormBytes)
}

// users is the text of a line for users' rules: what a program wrote, where a collector
// holds it in an object or all of the log comes in the line's form. Of syslog they
// get all, for several programs write there.
func (f *frames) users(raw []byte) []byte {
	const objects = framing.Object | framing.Fluentd
	if form := f.frame.Form; form&objects != 0 || form == f.own && form != framing.Syslog {
		return f.frame.Text
	}
	return raw
}
