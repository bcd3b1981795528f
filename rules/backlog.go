package rules

import "bytes"

// lookBack is how many bytes of what was not looked at are looked at after all
// when somebody tries a login on a process that nothing is known of.
const lookBack = 8 << 10

// backlog is what stands between the line looked at last and the next: its last
// lookBack bytes, and one more.
type backlog struct {
	text []byte
	own  []byte // what text lies in, unless it is part of a block
}

// begin forgets what came before a line that is looked at.
func (b *backlog) begin() { b.text, b.own = nil, b.own[:0] }

// add adds a line that was not looked at.
func (b *backlog) add(line Line) {
	b.keep()
	b.own = append(b.own, line.Text...)
	if line.size() > int64(len(line.Text))+1 {
		b.own = append(b.own, '\r')
	}
	b.own = append(b.own, '\n')
	b.trim()
}

// extend adds lines that were not looked at. The text must stay as it is until
// keep is called.
func (b *backlog) extend(text []byte) {
	if len(b.text) == 0 || len(text) > lookBack {
		b.text = text[max(0, len(text)-lookBack-1):]
		return
	}
	b.keep()
	b.own = append(b.own, text...)
	b.trim()
}

// trim drops what is too long ago, now and then.
func (b *backlog) trim() {
	if len(b.own) > 4*lookBack {
		b.own = b.own[:copy(b.own, b.own[len(b.own)-lookBack-1:])]
	}
	b.text = b.own
}

// keep makes the text the backlog's own.
func (b *backlog) keep() {
	if len(b.text) > 0 && (len(b.own) == 0 || &b.text[0] != &b.own[0]) {
		b.own = append(b.own[:0], b.text...)
		b.text = b.own
	}
}

// lines returns the whole lines within the last lookBack bytes.
func (b *backlog) lines() []byte {
	if len(b.text) <= lookBack {
		return b.text
	}
	text := b.text[len(b.text)-lookBack-1:]
	return text[bytes.IndexByte(text, '\n')+1:]
}

// acquaint looks back for access lines when a process is named that has shown
// none: who never answered has written no record.
func (s *Scanner) acquaint(p process) {
	if len(s.backlog.text) == 0 || s.workers.known.find(p) != nil {
		return
	}
	text := s.backlog.lines()
	line := s.line - uint64(bytes.Count(text, newline))
	for text := range bytes.Lines(text) {
		var r record
		var d dockerLog
		text, _, _ := d.unwrap(bytes.TrimRight(text, "\r\n"), 0)
		if s.parse(&r, text) && r.writer == accessWriter {
			if _, ok := parseAccess(r.msg); ok {
				s.workers.note(r.proc, line)
			}
		}
		line++
	}
	s.backlog.begin()
}
