package rules

import (
	"bytes"

	"odooban/rules/search"
)

// window is how many bytes behind a login its answer is looked for in history.
const window = 64 << 10

// Skim takes a block of whole lines of history, in which Set.Search has looked for those
// that matter, and does what Feed does with each of them, and with what stands between
// where it may matter. place is where the first line stands. It changes found.
//
// Of lines that are passed over nothing is known: neither that their processes live nor
// how their times go on. So it may judge otherwise than Feed where someone forges: see
// Set.Search for what is looked at.
func (s *Scanner) Skim(dst []Failure, block []byte, place Place, found *Found) []Failure {
	if found.edge {
		dst = s.goBack(dst)
	}
	s.tail.text = s.tail.text[:0]
	first := s.line
	looks := found.looks
	pass := func(pos, next int, lines uint64) int {
		s.pass(first+lines-s.line, int64(next-pos))
		if next == len(block) {
			s.tail.keep(block, pos, place)
		}
		return next
	}
	for pos := 0; pos < len(block); {
		var l look
		switch {
		case len(looks) > 0 && looks[0].at == pos:
			l, looks = looks[0], looks[1:]
		case s.attentive():
			l = look{at: pos, end: lineEnd(block, pos)}
		case len(looks) > 0:
			pos = pass(pos, looks[0].at, looks[0].before)
			continue
		default:
			pos = pass(pos, len(block), found.lines)
			continue
		}
		dst = s.look(dst, block, place, found, &l)
		if pos = l.end; l.upTo > pos && s.passes() {
			pos = pass(pos, l.upTo, l.lines)
		}
	}
	return dst
}

// look looks at a line.
func (s *Scanner) look(dst []Failure, block []byte, place Place, found *Found, l *look) []Failure {
	place.Offset += int64(l.at)
	line := Line{Place: place, Size: int64(l.end - l.at)}
	s.behind = l.rules != 0 && l.end == len(block)
	if rules := l.rules | s.set.always; l.told == 0 || !s.takes(&found.told[l.told-1], rules) {
		line.Text = bytes.TrimSuffix(block[l.at:l.end-1], carriageReturn)
		return s.feed(dst, &line, rules)
	}
	t := &found.told[l.told-1]
	s.pass(1, line.Size)
	s.frames.last, s.frames.others = s.offset, 0
	s.odoo(&t.event, s.at(&line, t.stamp), t.writer)
	return s.drain(dst)
}

// takes reports whether what Search has read is all that matters of a line.
func (s *Scanner) takes(t *told, rules uint64) bool {
	return rules&^builtInBits == 0 && s.proxy.whose == odoos && t.form == s.frames.own && !s.frames.Open()
}

// attentive reports whether the next line must be looked at, whatever it holds.
func (s *Scanner) attentive() bool {
	return s.behind || !s.passes() || s.ledger.Attentive(s.offset, window)
}

// passes reports whether lines in which Search has found nothing may be passed over.
func (s *Scanner) passes() bool {
	return s.set.always == 0 && (!s.set.counts || s.proxy.certain(s.offset)) && !s.frames.Open()
}

// tail is the last lines of a block, if they were passed over.
type tail struct {
	text  []byte
	place Place
}

// keep keeps the end of a block, lookBack bytes at most.
func (t *tail) keep(block []byte, from int, place Place) {
	if n := len(block) - lookBack; n > from {
		from = n + bytes.IndexByte(block[n-1:], '\n')
	}
	t.text, t.place = append(t.text, block[from:]...), place
	t.place.Offset += int64(from)
}

// goBack takes the lines that were passed over last, for they may hold what comes.
func (s *Scanner) goBack(dst []Failure) []Failure {
	t := s.tail
	lines, size := uint64(bytes.Count(t.text, newline)), int64(len(t.text))
	s.line, s.stats.Lines, s.offset = s.line-lines, s.stats.Lines-lines, s.offset-size
	for text := range bytes.Lines(t.text) {
		whole := bytes.TrimSuffix(text, newline)
		line := Line{Text: bytes.TrimSuffix(whole, carriageReturn), Place: t.place, Size: int64(len(text))}
		dst = s.feed(dst, &line, s.set.always)
		t.place.Offset += line.Size
	}
	return dst
}

var carriageReturn = []byte{'\r'}

// interested returns the users' rules that a line may concern.
func (set *Set) interested(text []byte) uint64 {
	if len(set.user) == 0 {
		return 0
	}
	bits := set.always
	var few [4]search.Hit
	hits, _ := set.finder.Hits(few[:0], text)
	for _, h := range hits {
		bits |= h.Bits
	}
	return bits
}
