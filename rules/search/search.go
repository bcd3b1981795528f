// Package search finds literals in blocks of text: bytes in, places out. It
// knows no rule and no format. What a literal stands for are bits, which it
// hands back; whether a place counts may depend on what stands around it, which
// the caller's Accept decides.
//
// A Finder looks at each byte once for up to 24 literals, at more than a
// gigabyte a second where the processor has AVX2. It takes linear time whatever
// the block holds, and allocates nothing but room for hits.
package search

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// Literal is a text that is searched for.
type Literal struct {
	// Text is what must stand in a block, byte by byte. It must not be empty.
	Text []byte
	// Bits are handed back in each Hit: what the literal stands for.
	Bits uint64
	// Accept, unless nil, reports whether the literal that stands in the block at
	// a place counts there. It may be called by several goroutines at a time and
	// must take little: whoever writes the block chooses how often.
	Accept func(block []byte, at int) bool
}

// Hit is a place at which a literal stands.
type Hit struct {
	At   int    // where it begins in the block
	Line uint64 // how many lines end before it
	Bits uint64 // those of the Literal
}

// Finder finds literals. It is safe for concurrent use.
type Finder struct {
	parts []*part
	// portable leaves the processor's vectors alone.
	portable bool
}

// New makes a Finder for any number of literals; each 24 take a pass over the
// block. Literals that have the same text and no Accept are found as one, with
// the bits of all. It panics where a text is empty.
func New(literals []Literal) *Finder {
	f := &Finder{portable: !hasAVX2}
	for _, l := range merge(literals) {
		n := newNeedle(l)
		i := slices.IndexFunc(f.parts, func(p *part) bool { return p.takes(&n) })
		if i < 0 {
			i = len(f.parts)
			f.parts = append(f.parts, new(part))
		}
		f.parts[i].needles = append(f.parts[i].needles, n)
	}
	for _, p := range f.parts {
		p.arrange()
	}
	return f
}

// merge returns the literals, of those that are alike in all but bits one.
func merge(literals []Literal) []Literal {
	var merged []Literal
	for _, l := range literals {
		same := func(m Literal) bool { return l.Accept == nil && m.Accept == nil && bytes.Equal(l.Text, m.Text) }
		if i := slices.IndexFunc(merged, same); i >= 0 {
			merged[i].Bits |= l.Bits
			continue
		}
		merged = append(merged, l)
	}
	return merged
}

// Hits appends each place in the block at which a literal stands, in the order
// of the places, and counts the lines that end in the block. Places may overlap,
// and several literals may stand at one.
func (f *Finder) Hits(hits []Hit, block []byte) (_ []Hit, lines uint64) {
	if len(f.parts) == 0 {
		return hits, uint64(bytes.Count(block, newline))
	}
	first := len(hits)
	for _, p := range f.parts {
		before := len(hits)
		hits, lines = p.hits(hits, block, f.portable)
		hits = mergeRuns(hits, first, before)
	}
	return hits, lines
}

// mergeRuns brings hits[first:] into order, where hits[first:second] and
// hits[second:] each are. It takes linear time, and as room what may lie behind the hits.
func mergeRuns(hits []Hit, first, second int) []Hit {
	end := len(hits)
	if first == second || second == end || hits[second-1].At <= hits[second].At {
		return hits
	}
	hits = append(hits, hits[first:second]...)
	left, right := hits[end:], hits[second:end]
	for to := first; len(left) > 0; to++ {
		if len(right) == 0 || left[0].At <= right[0].At {
			hits[to], left = left[0], left[1:]
		} else {
			hits[to], right = right[0], right[1:]
		}
	}
	return hits[:end]
}

var newline = []byte{'\n'}

// LineStart returns where the line begins in which a place of the block is. It
// looks at eight bytes at a time, for it is asked about each hit, and most lines are
// too short for more.
func LineStart(block []byte, at int) int {
	const low, ends = 0x7f7f7f7f7f7f7f7f, 0x0a0a0a0a0a0a0a0a
	for ; at >= 8; at -= 8 {
		word := binary.LittleEndian.Uint64(block[at-8:]) ^ ends
		if zero := ^(word&low + low | word | low); zero != 0 { // the highest bits of the bytes that are zero
			return at - bits.LeadingZeros64(zero)/8
		}
	}
	return bytes.LastIndexByte(block[:at], '\n') + 1
}

// Long yields where each line of the block begins and ends that has size bytes
// or more, without its line end. It looks at little of a block of short lines.
func Long(block []byte, size int, yield func(start, end int)) {
	step := max(size/2, 1) // a long line covers one step at least
	for at := 0; at+step <= len(block); at += step {
		if bytes.IndexByte(block[at:at+step], '\n') >= 0 {
			continue
		}
		start := bytes.LastIndexByte(block[:at], '\n') + 1
		end := bytes.IndexByte(block[at:], '\n')
		if end < 0 {
			end = len(block) - at
		}
		end += at
		if end-start >= size {
			yield(start, end)
		}
		at = end / step * step
	}
}
