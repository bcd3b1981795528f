package tailfile

import (
	"bytes"
	"io"
	"math"

	"odooban/watcher/content"
	"odooban/watcher/lines"
)

// rewriteWithin bounds, in bytes, how far from the end of a file the place is looked
// for up to which a file that was rewritten had been read.
const rewriteWithin = 64 << 20

// rewritten gives the place behind which g is new, if it is what somebody has made of
// files that were read up to marks: trimmed, edited or copied over. It is the first
// one that is like the end of what was read of one of them, or 0. Where nothing is, the
// records in it are known by whoever counts them.
func (g *generation) rewritten(marks []mark) int64 {
	anchors := make(map[string]bool)
	for _, m := range marks {
		if m.Offset >= content.HeadSize {
			anchors[m.Anchor] = true
		}
	}
	info, err := g.Stat()
	if err != nil || info.Size() < content.HeadSize || len(anchors) == 0 || g.Packed {
		return 0
	}
	at := max(0, info.Size()-rewriteWithin)
	from := io.NewSectionReader(g.File, at, math.MaxInt64-at)
	block, kept := make([]byte, content.HeadSize+lines.BlockSize), 0
	place := int64(0)
	for len(anchors) > 0 {
		n, err := from.Read(block[kept:])
		data := block[:kept+n]
		for end := kept; ; {
			next := bytes.IndexByte(data[end:], '\n') + 1
			if next == 0 {
				break
			}
			if end += next; end < content.HeadSize {
				continue
			}
			if anchor := fingerprint(data[end-content.HeadSize : end]); anchors[anchor] {
				delete(anchors, anchor)
				place = at + int64(end)
			}
		}
		if err != nil {
			break
		}
		rest := min(len(data), content.HeadSize)
		at += int64(len(data) - rest)
		kept = copy(block, data[len(data)-rest:])
	}
	return place
}

// skipTo goes on at offset in a file of which nothing was read.
func (g *generation) skipTo(offset int64) {
	if offset == 0 {
		return
	}
	window, err := g.At(offset-content.HeadSize, content.HeadSize)
	if err != nil || len(window) < content.HeadSize {
		return
	}
	g.pos, g.start = offset, g.Head()
	g.anchor, g.before = window, bytes.Clone(window)
}

// moved is m in g, which is what somebody has made of the file that m is about, if it
// is. Lines keep their places.
func (g *generation) moved(m mark) (mark, bool) {
	offset := g.rewritten([]mark{m})
	if offset == 0 {
		return m, false
	}
	m.Shift += m.Offset - offset
	m.Offset, m.Head = offset, fingerprint(g.Head())
	m.Device, m.Inode, m.Born = g.id.Dev, g.id.Ino, g.id.Born
	return m, true
}
