package rules

import "strings"

// texts makes strings of what lines hold, many in one piece of memory: under
// attack each of them would be a piece of its own.
type texts struct{ piece strings.Builder }

// add returns b as a string.
func (t *texts) add(b []byte) string {
	const size = 4 << 10
	if t.piece.Cap()-t.piece.Len() < len(b) {
		t.piece = strings.Builder{}
		t.piece.Grow(max(size, len(b)))
	}
	start := t.piece.Len()
	t.piece.Write(b)
	return t.piece.String()[start:]
}
