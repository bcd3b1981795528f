package tailfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"odooban/watcher"
	"odooban/watcher/content"
)

const (
	// maxFiles bounds how many files a position is about.
	maxFiles = 256
	// maxDone bounds how many files that were read and closed are remembered.
	maxDone = 16
)

// position says where reading a File goes on: in every generation that may
// still grow, or be found again under another name.
type position struct {
	Version int `json:"version"`
	// Since is the moment, in nanoseconds since 1970, up to which all files
	// that the path has named are among Files, or have been read long ago.
	Since int64 `json:"since"`
	// Files are in the order of their lines.
	Files []mark `json:"files"`
}

// mark is how far one generation has been read, and how to know it again. It
// has fingerprints, not the bytes themselves: to be compared is all they are
// for, and what people log does not belong in another file.
type mark struct {
	Path string `json:"path"`
	// Generation is as in Place; empty when Offset is zero.
	Generation string `json:"generation,omitempty"`
	Device     uint64 `json:"device"`
	Inode      uint64 `json:"inode"`
	Born       int64  `json:"born,omitempty"`
	// Offset is where the first line begins that was not handed on.
	Offset int64 `json:"offset"`
	// Shift is how many bytes more the Offset of a Place is, in a file that was
	// trimmed or edited.
	Shift int64 `json:"shift,omitempty"`
	// Anchor is the fingerprint of the content.HeadSize bytes before Offset, Head
	// that of the first content.HeadSize bytes; of all before Offset if these are
	// fewer. Both are empty when Offset is zero.
	Anchor string `json:"anchor,omitempty"`
	Head   string `json:"head,omitempty"`
	// Done says that nobody wrote to the file any more.
	Done bool `json:"done,omitempty"`
}

func (m mark) identity() content.Identity {
	return content.Identity{Dev: m.Device, Ino: m.Inode, Born: m.Born}
}

// mark says how far g has been read.
func (g *generation) mark() mark {
	offset := g.offset()
	if g.stored != nil && offset < g.stored.Offset {
		return *g.stored
	}
	m := mark{
		Path: g.path, Generation: g.name, Device: g.origin.Dev, Inode: g.origin.Ino, Born: g.origin.Born,
		Offset: offset, Shift: g.shift,
	}
	if offset > 0 {
		before := g.before
		if g.fed != nil {
			before = lastBytes(nil, g.anchor, g.fed[:g.used])
		}
		head := slices.Concat(g.start, g.fed[:min(g.used, content.HeadSize)])
		m.Anchor = fingerprint(before)
		m.Head = fingerprint(head[:min(offset, content.HeadSize)])
	}
	return m
}

// fingerprint is 128 bits, in hexadecimal.
func fingerprint(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// parsePosition reads what position wrote. It comes from a file that others
// may have changed, so nothing in it is believed: it bounds what is looked
// for, and only a file that has what it says is read on.
func parsePosition(text []byte) (position, error) {
	var p position
	if err := watcher.DecodePosition(text, &p); err != nil {
		return p, err
	}
	if p.Version != 1 || len(p.Files) > maxFiles || slices.ContainsFunc(p.Files, mark.broken) {
		return p, fmt.Errorf("read position: %w", watcher.ErrPosition)
	}
	return p, nil
}

// broken reports whether m has what no mark has.
func (m mark) broken() bool {
	const digest, longest = 2 * 16, 128
	want := 0
	if m.Offset > 0 {
		want = digest
	}
	const most = 1 << 60
	return m.Offset < 0 || m.Offset > most || m.Shift > most || m.Shift < -most || len(m.Generation) > longest ||
		len(m.Anchor) != want || len(m.Head) != want
}

func (p position) since() time.Time { return time.Unix(0, p.Since) }
