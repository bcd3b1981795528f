package ledger

import "odooban/rules/odoo"

// A log is taken for one that changed after so many lines in another layout, and, in
// history, so many bytes without one in its own.
const (
	otherLayouts     = 64
	otherLayoutBytes = 1 << 20
)

// layout is how the lines of a log are written. A login may hold lines in any other;
// these are text then. A line in which nothing can be forged shows none.
type layout struct {
	known  uint32
	last   int64
	others int
}

// own reports whether the line is written as the log's are.
func (f *layout) own(e *odoo.Event, at Line, free bool) bool {
	switch {
	case f.known == e.Layout:
		f.last, f.others = at.Offset, 0
	case f.known == 0 && free, f.changed(at, free):
		f.known, f.last, f.others = e.Layout, at.Offset, 0
	}
	return f.known == e.Layout
}

// changed reports whether the log is written in another way by now.
func (f *layout) changed(at Line, free bool) bool {
	if !free {
		return false
	}
	f.others++
	return f.others > otherLayouts && (at.Batch.Known() || at.Offset-f.last > otherLayoutBytes)
}
