package engine

import (
	"encoding/json"
	"fmt"

	"odooban/rules"
)

// maxGenerations bounds how many generations of a source a bookmark is about.
const maxGenerations = 64

// bookmark is what the journal keeps about a source besides its failures: where
// reading goes on, and which of the lines that come again were decided.
type bookmark struct {
	// Position is the source's own, as of watcher.Line.
	Position json.RawMessage `json:"position,omitempty"`
	// Read is, for each generation, where the last line begins that was read.
	Read map[string]int64 `json:"read"`
	// Open is, for each generation, where the first line begins that was not
	// decided, if there was one.
	Open map[string]int64 `json:"open,omitempty"`
}

// parseBookmark reads a bookmark out of the journal.
func parseBookmark(text string) (bookmark, error) {
	var b bookmark
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return bookmark{}, fmt.Errorf("read position: %w", err)
	}
	return b, nil
}

// String is the bookmark as the journal keeps it.
func (b *bookmark) String() string {
	text, err := json.Marshal(b)
	if err != nil {
		panic(err) // nothing in it can fail
	}
	return string(text)
}

// decided says whether the failure at p, which has been read again, had been
// decided when the bookmark was written. Judging it again, without the lines
// that came before, might judge it otherwise.
func (b *bookmark) decided(p rules.Place) bool {
	read, ok := b.Read[p.Generation]
	if !ok || p.Offset > read {
		return false
	}
	open, ok := b.Open[p.Generation]
	return !ok || p.Offset < open
}

// passed notes a line that was read.
func (b *bookmark) passed(p rules.Place) {
	if b.Read == nil || len(b.Read) > maxGenerations {
		b.Read = make(map[string]int64)
	}
	b.Read[p.Generation] = p.Offset
}
