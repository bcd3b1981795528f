package rules

import (
	"bytes"
	"time"
)

// Skim takes a block of whole lines of history, in which Set.Search has looked
// for those that matter, and does what Feed does with each of them. place is
// where the first line stands.
func (s *Scanner) Skim(dst []Failure, block []byte, place Place, found *Found) []Failure {
	first := s.line
	marks := found.marks
	for pos := 0; pos < len(block); {
		for len(marks) > 0 && marks[0].at < pos {
			marks = marks[1:]
		}
		if !s.attentive() && s.set.filter.always == 0 {
			next := mark{at: len(block), before: found.lines}
			if len(marks) > 0 {
				next = marks[0]
			}
			if next.at > pos {
				s.skip(first+next.before-s.line, block[pos:next.at])
				pos = next.at
				continue
			}
		}
		rules := s.set.filter.always
		if len(marks) > 0 && marks[0].at == pos {
			rules |= marks[0].rules
		}
		size := bytes.IndexByte(block[pos:], '\n') + 1
		text := bytes.TrimSuffix(block[pos:pos+size-1], carriageReturn)
		at := Place{place.Generation, place.Offset + int64(pos)}
		dst = s.feed(dst, Line{Text: text, Place: at, Size: int64(size)}, rules)
		pos += size
	}
	s.backlog.keep()
	return dst
}

var carriageReturn = []byte{'\r'}

// skip passes lines that tell nothing.
func (s *Scanner) skip(lines uint64, text []byte) {
	s.pass(lines, int64(len(text)))
	s.backlog.extend(text)
	s.seen, s.at = time.Time{}, Place{}
	s.previous = previous{lost: true}
}
