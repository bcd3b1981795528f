package rules

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"odooban/rules/odoo"
	"odooban/rules/record"
	"odooban/rules/search"
	"odooban/watcher/framing"
)

const (
	// lookBack and lookBackLines are how many bytes and lines before a login are looked at
	// for what may hold it.
	lookBack      = 1 << 10
	lookBackLines = 8
	// pieceSize is the least that a line takes of which a collector keeps the rest in the
	// next.
	pieceSize = 16 << 10
	// manyLooks is from how many lines on that matter between a login and its answer the
	// next manyMore behind that do, whatever they hold: their times show what was forged.
	manyLooks = 16
	manyMore  = 64
	// mostAwaited bounds for how many processes' answers is looked at once.
	mostAwaited = 64
)

// Found is what Set.Search found in a block of whole lines.
type Found struct {
	lines uint64 // how many lines the block has
	looks []look
	told  []told
	texts []byte
	hits  []search.Hit
	// pos is where the line behind the latest look begins, and line how many stand before
	// it. behind says that the latest look was marked.
	pos    int
	line   uint64
	behind bool
	// edge says that a login stands so near to the beginning that what stands before the block
	// may hold it.
	edge bool
	// more is how many lines are added whatever they hold.
	more     int
	awaited  []awaited
	unframer framing.Unframer
	frame    framing.Frame
	parser   odoo.Parser
	scratch  odoo.Event
}

// look is a line that is to be looked at.
type look struct {
	at, end int    // where it begins in the block, and where the next does
	before  uint64 // how many lines stand before it
	rules   uint64 // those that it may concern, 0 if it is looked at for its neighbours' sake
	told    int    // the number of what it tells, from 1 on; 0 where the Scanner must read it
	// upTo is where what was read behind it ends, of which nothing matters but the next
	// look; lines is how many stand before that.
	upTo  int
	lines uint64
}

// told is what a line tells.
type told struct {
	event  odoo.Event
	stamp  time.Time // its frame's
	form   framing.Form
	writer uint64
}

// awaited is a login of which the answer is to come.
type awaited struct {
	proc odoo.Process
	at   int // where it ends
	look int // its number
}

// Search looks through a block of whole lines for those that may concern a rule, for
// Scanner.Skim, and takes them apart. Besides, it looks
//
//   - behind a login for its answer by the same process, up to 64 KiB, and behind an
//     answer to a login that seems to hold many records at 64 lines,
//   - at the line behind each that it has found, for what goes on with that, and
//   - at up to eight lines or 1 KiB before a login, for what may hold it.
//
// It may be called for several blocks at a time; found is used again, and may be nil.
func (set *Set) Search(found *Found, block []byte) *Found {
	if found == nil {
		found = new(Found)
	}
	f := found
	f.looks, f.told, f.texts, f.awaited = f.looks[:0], f.told[:0], f.texts[:0], f.awaited[:0]
	f.pos, f.line, f.behind, f.edge, f.more = 0, 0, false, false, 0
	f.hits, f.lines = set.finder.Hits(f.hits[:0], block)
	f.findPieces(block)
	for hits := f.hits; len(hits) > 0; {
		line, bits, n := hits[0].Line, uint64(0), 0
		for n < len(hits) && hits[n].Line == line {
			bits |= hits[n].Bits
			n++
		}
		at := search.LineStart(block, hits[0].At)
		f.follow(block, at)
		f.mark(block, at, line, bits)
		hits = hits[n:]
	}
	f.follow(block, len(block))
	return f
}

// findPieces adds a hit for each line that may be a piece of one.
func (f *Found) findPieces(block []byte) {
	found, counted, lines := len(f.hits), 0, uint64(0)
	search.Long(block, pieceSize, func(start, end int) {
		if text := block[start:end]; text[0] == '{' || text[len("2026-11-23")] == 'T' {
			lines += uint64(bytes.Count(block[counted:start], newline))
			counted = start
			f.hits = append(f.hits, search.Hit{At: start, Line: lines, Bits: ofOdoo})
		}
	})
	if found > 0 && len(f.hits) > found {
		slices.SortStableFunc(f.hits, func(a, b search.Hit) int { return cmp.Compare(a.At, b.At) })
	}
}

var newline = []byte{'\n'}

// mark adds the line at a place, which holds what rules look for.
func (f *Found) mark(block []byte, at int, before, bits uint64) {
	end := lineEnd(block, at)
	l := look{at: at, end: end, before: before, rules: bits}
	if bits&ofOdoo != 0 && f.read(&l, block) && f.told[l.told-1].event.Login() {
		f.lookBack(block, &l)
	}
	f.add(l)
	f.behind = true
}

// add adds a line.
func (f *Found) add(l look) {
	f.cover()
	f.looks = append(f.looks, l)
	f.pos, f.line, f.behind = l.end, l.before+1, false
	if l.told == 0 {
		return
	}
	e := &f.told[l.told-1].event
	switch {
	case e.Kind == odoo.Access:
		for _, a := range f.awaited {
			if a.proc == e.Proc && len(f.looks)-a.look >= manyLooks {
				f.more = manyMore
			}
		}
		f.awaited = slices.DeleteFunc(f.awaited, func(a awaited) bool { return a.proc == e.Proc })
	case e.Raw(), e.Kind == odoo.Token, e.Kind == odoo.Database:
		if len(f.awaited) == mostAwaited {
			f.awaited = slices.Delete(f.awaited, 0, 1)
		}
		f.awaited = append(f.awaited, awaited{e.Proc, l.end, len(f.looks)})
	}
}

// follow goes on up to a place, as long as an answer is looked for and at least to the
// line behind one that was marked, and adds what matters.
func (f *Found) follow(block []byte, until int) {
	for f.pos < until && (f.awaits() || f.behind || f.more > 0) {
		l := look{at: f.pos, end: lineEnd(block, f.pos), before: f.line}
		if f.more > 0 || f.matters(block[l.at:l.end-1]) {
			f.more = max(f.more-1, 0)
			f.read(&l, block)
			f.add(l)
		}
		f.pos, f.line, f.behind = l.end, l.before+1, false
	}
	f.cover()
}

// cover says that what stands behind the latest look has been read so far.
func (f *Found) cover() {
	if n := len(f.looks); n > 0 {
		f.looks[n-1].upTo, f.looks[n-1].lines = f.pos, f.line
	}
}

// awaits reports whether an answer is looked for.
func (f *Found) awaits() bool {
	gone := 0
	for gone < len(f.awaited) && f.pos-f.awaited[gone].at > window {
		gone++
	}
	f.awaited = slices.Delete(f.awaited, 0, gone)
	return len(f.awaited) > 0
}

// lookBack adds the lines before a login that may hold it.
func (f *Found) lookBack(block []byte, login *look) {
	var lines [lookBackLines]look
	at, n, found := login.at, 0, 0
	for ; n < lookBackLines && at > f.pos && login.at-at < lookBack; n++ {
		l := look{end: at, before: login.before - uint64(n) - 1}
		at = search.LineStart(block, at-1)
		if l.at = at; f.matters(block[at : l.end-1]) {
			lines[found] = l
			found++
		}
	}
	f.edge = f.edge || at == 0 && n < lookBackLines
	for i := range slices.Backward(lines[:found]) {
		f.read(&lines[i], block)
		f.add(lines[i])
	}
}

// lineEnd is where the line behind the one at a place begins.
func lineEnd(block []byte, at int) int { return at + bytes.IndexByte(block[at:], '\n') + 1 }

// read notes what a line tells, as far as nothing but the line is needed to know.
func (f *Found) read(l *look, block []byte) bool {
	if !f.parse(block[l.at : l.end-1]) {
		return false
	}
	e := &f.scratch
	e.User, e.DB = f.keep(e.User), f.keep(e.DB)
	f.told = append(f.told, told{*e, stampOf(&f.frame), f.frame.Form, writerOf(&f.frame, e.Proc)})
	l.told = len(f.told)
	return true
}

// parse takes a line apart, if nothing but the line is needed for that.
func (f *Found) parse(text []byte) bool {
	if !f.unframer.Next(&f.frame, text, time.Time{}) {
		f.unframer = framing.Unframer{} // a piece, which the Scanner joins
		return false
	}
	if f.frame.Form&framing.Syslog != 0 {
		return false // its stamp has no year
	}
	f.frame.Form = usualForm(f.frame.Form)
	f.parser.Parse(&f.scratch, &f.frame, time.Time{})
	// The time of an object may have no year.
	return f.scratch.Kind != odoo.Text || len(f.frame.Text) == 0 || f.frame.Text[0] != '{'
}

// keep copies as much of a text as matters.
func (f *Found) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	start := len(f.texts)
	f.texts = append(f.texts, odoo.Kept(b)...)
	return f.texts[start:len(f.texts):len(f.texts)]
}

// matters reports whether a line near a login does: it may hold the lines behind it, it
// continues a record, or an answer of its process is looked for.
func (f *Found) matters(text []byte) bool {
	if pid, ok := plainAccess(text); ok {
		return f.awaitsOf(odoo.Process{PID: pid})
	}
	if !f.parse(text) {
		return true
	}
	e := &f.scratch
	return !isHeader(e) || e.Holds || e.Request.Fragment || f.awaitsOf(e.Proc)
}

// awaitsOf reports whether an answer of a process is looked for.
func (f *Found) awaitsOf(p odoo.Process) bool {
	return slices.ContainsFunc(f.awaited, func(a awaited) bool { return a.proc == p })
}

// plainAccess knows an access line in Odoo's own layout by its looks, bare or in an object of
// Docker's, for most lines are; one that may hold what somebody sent is none. It returns its
// process.
func plainAccess(text []byte) (pid int32, ok bool) {
	const stamp, longestPID, names = len("2026-11-23 10:45:24,131"), len("2147483647 "), 64
	text = bytes.TrimPrefix(text, objectStart)
	if len(text) < stamp+names || len(text) >= pieceSize ||
		text[4] != '-' || text[10] != ' ' || text[19] != ',' || text[stamp] != ' ' {
		return 0, false
	}
	head := text[stamp+1 : stamp+names]
	if !bytes.Contains(head, werkzeug) || bytes.IndexByte(text, '#') >= 0 {
		return 0, false
	}
	digits, _, _ := bytes.Cut(head[:longestPID], blank)
	return int32(record.Digits(digits)), true
}

var (
	objectStart = []byte(`{"log":"`)
	werkzeug    = []byte(" werkzeug: ")
	blank       = []byte(" ")
)
