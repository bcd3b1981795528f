package ledger

import (
	"net/netip"
	"slices"

	"odooban/rules/batch"
	"odooban/rules/odoo"
)

// mostEndings bounds for how many addresses it is remembered where a line ended in them.
const mostEndings = 4096

// ending is a line that ends in an address, or in "from n/a".
type ending struct {
	line   uint64
	batch  *batch.Batch
	run    uint64
	record *record // nil where it is none of a login
	// raw says that what is none may hold lines, ends that it ends as a login does, and
	// kind and addr how.
	raw, ends bool
	kind      odoo.Ending
	addr      netip.Addr
}

// endings are the last lines that ended in each address: a record goes on up to the
// last line that ends in the address of its own answer.
type endings struct {
	of, before map[netip.Addr]ending
	nowhere    ending
	text       uint64 // the last one that is no record of a login
}

// add takes a line.
func (s *endings) add(kind odoo.Ending, addr netip.Addr, e ending) {
	if e.record == nil && kind != odoo.Open {
		s.text = e.line
	}
	switch kind {
	case odoo.Nowhere:
		s.nowhere = e
	case odoo.Address:
		if s.of == nil || len(s.of) >= mostEndings {
			s.of, s.before = make(map[netip.Addr]ending), s.of
		}
		s.of[addr] = e
	}
}

// behind returns the last line from first on that ends as a record of the answer does.
func (s *endings) behind(first uint64, a *answer) (ending, bool) {
	e, ok := s.of[a.addr]
	if !ok {
		e = s.before[a.addr]
	}
	if a.rpc && s.nowhere.line > e.line {
		e = s.nowhere
	}
	return e, e.line >= first && e.line > 0
}

// together is what was written in one go lately: records, and lines that may be the
// end of one. Its zero value is ready.
type together struct {
	lines []ending
	// heads are the first lines of each run that may hold others: of those that are no
	// logins, and of logins.
	heads []ending
	sum   summary
}

// summary is what was found out of a batch when so many answers had come.
type summary struct {
	batch   *batch.Batch
	answers int
	// login is the first login in it that may hold others, open the first of these that
	// nobody has answered, and end the last line that may be the end of one and is none of
	// a record that was answered; zero for none.
	login, open, end uint64
	// addr is what a line in it ends in that may be the end of a record, and several says
	// that such lines end otherwise, too, or that something is in it that is no login and
	// may hold others.
	addr    netip.Addr
	several bool
}

// add takes a line.
func (t *together) add(e ending) {
	if len(t.lines) == mostEndings {
		t.lines = append(t.lines[:0], t.lines[mostEndings/2:]...)
	}
	t.lines = append(t.lines, e)
	if e.record != nil && e.record.raw || e.raw {
		t.head(e)
	}
}

// head keeps a line that may hold others, if it is one of the first of its run.
func (t *together) head(e ending) {
	const most, each = 256, 4
	n := 0
	for _, h := range slices.Backward(t.heads) {
		if h.run != e.run {
			break
		}
		n++
	}
	if n == each {
		return
	}
	if len(t.heads) == most {
		t.heads = append(t.heads[:0], t.heads[most/2:]...)
	}
	t.heads = append(t.heads, e)
}

// of sums a batch up. answers is how many have come so far.
func (t *together) of(b *batch.Batch, answers int) *summary {
	if t.sum.batch == b && t.sum.answers == answers && b.Over() {
		return &t.sum
	}
	t.sum = summary{batch: b, answers: answers}
	found := false
	for _, e := range slices.Backward(t.lines) {
		if e.batch != b {
			if found {
				break
			}
			continue
		}
		found = true
		t.sum.take(e)
	}
	for _, e := range slices.Backward(t.heads) {
		if e.batch == b {
			t.sum.take(e)
		}
	}
	return &t.sum
}

// take takes a line that stands before those taken so far.
func (s *summary) take(e ending) {
	r := e.record
	if e.ends || r != nil && e.kind != odoo.Open {
		s.several = s.several || e.kind != odoo.Address || s.addr.IsValid() && s.addr != e.addr
		s.addr = e.addr
	}
	s.several = s.several || r == nil && e.raw
	if r == nil && e.ends || r != nil && r.ending != odoo.Open && r.answer == nil {
		s.end = max(s.end, e.line)
	}
	if r == nil || !r.raw {
		return
	}
	s.login = e.line
	if r.answer == nil {
		s.open = e.line
	}
}

// names reports whether all of the batch that may be the end of a record ends in an address:
// whatever of it is one write, that address wrote it.
func (s *summary) names(addr netip.Addr) bool { return !s.several && s.addr == addr }

// before reports whether something stands before a line that was written in one go with
// it, and that may hold it.
func (t *together) before(at *Line) bool {
	for _, e := range slices.Backward(t.lines) {
		if e.line < at.Number {
			return e.batch == at.Batch
		}
	}
	return false
}

// holder reports whether something stands before a line in its run that may hold it: a
// login that its process has not answered, or of threads, or what is none.
func (t *together) holder(at *Line) bool {
	for _, h := range slices.Backward(t.heads) {
		if h.run < at.Run {
			break
		}
		r := h.record
		if h.run == at.Run && h.line < at.Number && (r == nil || r.proc.threaded || r.answer == nil) {
			return true
		}
	}
	return false
}

// endsBehind reports whether something stands behind a line in its run that may be the end
// of a record.
func (t *together) endsBehind(at *Line) bool {
	for _, e := range slices.Backward(t.lines) {
		if e.run < at.Run || e.run == at.Run && e.line <= at.Number {
			break
		}
		if e.run == at.Run && (e.record != nil || e.ends) {
			return true
		}
	}
	return false
}

// ending returns the last line behind a record's first, written in one go with it, that
// ends as a record of the answer does.
func (t *together) ending(first *Line, a *answer) (ending, bool) {
	for _, e := range slices.Backward(t.lines) {
		if e.line < first.Number {
			break
		}
		fits := e.kind == odoo.Address && e.addr == a.addr || e.kind == odoo.Nowhere && a.rpc
		if e.batch == first.Batch && fits {
			return e, true
		}
	}
	return ending{}, false
}
