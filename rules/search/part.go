package search

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A part of a Finder finds up to 24 literals in one pass. It sorts them into
// eight buckets, of which a byte has a bit each, and learns for each place of a
// block which buckets its next four bytes fit, 32 places at a time by the
// processor's vectors (the algorithm is known as Teddy, from Hyperscan), or one
// by one where it has none (FDR, from there too). Only where some fit are the
// literals of these buckets compared.

const (
	// buckets is how many there are: the bits of a byte.
	buckets = 8
	// mostNeedles is how many literals a part takes. With more than three in a
	// bucket, too much would look like one of them.
	mostNeedles = 3 * buckets
	// windowSize is how many bytes of a literal decide whether a place is looked
	// at; with less than shortestWindow too many places would be.
	windowSize     = 4
	shortestWindow = 3
)

// part finds some of the literals.
type part struct {
	needles []needle
	buckets [buckets][]needle
	// last is how far behind a window's first byte its last one stands: 3, or 2
	// where a literal has no more.
	last  int
	wide  vectorTables
	bytes byteTable
}

// needle is a literal, and what of it decides whether a place is looked at: its
// window, which is one byte where the literal is too short or not ASCII.
type needle struct {
	Literal
	size       int    // the bytes of its window: 4, 3 or 1
	offset     int    // where in the text the window begins
	ends       uint64 // how many lines end before it
	word, mask uint32 // the window, and which bytes of it there are
}

// newNeedle finds out how large a window a literal can have.
func newNeedle(l Literal) needle {
	if len(l.Text) == 0 {
		panic("search: an empty literal stands everywhere")
	}
	size := 0
	for run, text := 0, l.Text; len(text) > 0; text = text[1:] {
		run++
		if text[0] >= 0x80 {
			run = 0
		}
		size = max(size, run)
	}
	n := needle{Literal: l, size: min(size, windowSize)}
	if n.size < shortestWindow {
		n.size = 1
		n.setWindow()
	}
	return n
}

// setWindow chooses the window.
func (n *needle) setWindow() {
	n.offset = rarest(n.Text, n.size)
	n.ends = uint64(bytes.Count(n.Text[:n.offset], newline))
	n.word, n.mask = 0, 0
	for i, c := range n.Text[n.offset : n.offset+n.size] {
		n.word, n.mask = n.word|uint32(c)<<(8*i), n.mask|0xff<<(8*i)
	}
}

// takes reports whether the part has room for a needle. All windows of one byte
// must have the same.
func (p *part) takes(n *needle) bool {
	for i := range p.needles {
		if m := &p.needles[i]; n.size == 1 && m.size == 1 && n.word != m.word {
			return false
		}
	}
	return len(p.needles) < mostNeedles
}

// arrange sorts the needles into buckets.
func (p *part) arrange() {
	p.last = windowSize - 1
	for i := range p.needles {
		if p.needles[i].size == shortestWindow {
			p.last = shortestWindow - 1
		}
	}
	for c := range p.bytes {
		p.bytes[c] = 1<<32 - 1
	}
	for i, n := range p.needles {
		if n.size > 1 {
			n.size = p.last + 1
			n.setWindow()
		}
		p.put(n, i/buckets)
	}
	p.needles = nil
}

// put puts a needle into a bucket that holds so many: the one that the fewest
// places of usual lines fit then.
func (p *part) put(n needle, others int) {
	before := p.wide
	best, least := 0, len(sample)
	for i := range p.buckets {
		if len(p.buckets[i]) != others {
			continue
		}
		t := before
		t.add(&n, 1<<i)
		if fits := t.count(sample, 1<<i); fits < least {
			best, least, p.wide = i, fits, t
		}
	}
	p.buckets[best] = append(p.buckets[best], n)
	p.bytes.add(&n, 1<<best)
}

const (
	width       = 32             // the places of a vector
	overlap     = windowSize - 1 // how many bytes more are looked at for the last of them
	mostVectors = 8              // how many are found at a time
	longestScan = 1 << 30        // bounds what a vector counts
)

// vector is 32 places of a block, at some of which literals may stand. The
// assembly fills it.
type vector struct {
	// fits has for each place the buckets that fit, one bit each; which has a bit
	// for each place where some do.
	fits  [width]byte
	which uint32
	// ends has a bit for each byte that ends a line, lines is how many the text
	// has before them, and at is where they begin.
	ends, lines, at uint32
}

// hits appends where needles stand in a block, in order, and counts its lines.
func (p *part) hits(hits []Hit, block []byte, portable bool) (_ []Hit, lines uint64) {
	var vectors [mostVectors]vector
	first := len(hits)
	for from := 0; from < len(block); {
		at, found, passed := p.scan(block[from:], &vectors, portable)
		for i := range vectors[:found] {
			v := &vectors[i]
			hits = p.compare(hits, first, block, from+int(v.at), lines+uint64(v.lines), v)
		}
		from, lines = from+at, lines+passed
	}
	return hits, lines
}

// scan finds the next places of a text at which needles may stand. It returns up
// to where it looked, how many vectors it filled and how many lines end in what it
// looked at.
func (p *part) scan(text []byte, vectors *[mostVectors]vector, portable bool) (at, found int, lines uint64) {
	end := len(text)
	text = text[:min(end, longestScan)]
	var padded [2*width + overlap]byte
	if end < width+overlap {
		copy(padded[:], text)
		text = padded[:]
	}
	if portable {
		at, found, lines = p.bytes.scan(text, vectors)
	} else {
		at, found, lines = scanAVX2(&text[0], len(text), p.last, &p.wide, vectors)
	}
	return min(at, end), found, lines
}

// compare appends which needles stand in a vector, which begins in the block
// behind some bytes and lines. hits[first:] stay in order.
func (p *part) compare(hits []Hit, first int, block []byte, from int, lines uint64, v *vector) []Hit {
	for which := v.which; which != 0; which &= which - 1 {
		i := bits.TrailingZeros32(which)
		word, atEnd := uint32(0), from+i+windowSize > len(block)
		if !atEnd {
			word = binary.LittleEndian.Uint32(block[from+i:])
		}
		for fit := v.fits[i]; fit != 0; fit &= fit - 1 {
			bucket := p.buckets[bits.TrailingZeros8(fit)]
			for k := range bucket {
				n := &bucket[k]
				if start := from + i - n.offset; (atEnd || word&n.mask == n.word) && n.stands(block, start) {
					ends := uint64(bits.OnesCount32(v.ends & (1<<i - 1)))
					hits = insert(hits, first, Hit{start, lines + ends - n.ends, n.Bits})
				}
			}
		}
	}
	return hits
}

// insert appends a hit, before those that begin behind it: windows are found in
// order, not literals.
func insert(hits []Hit, first int, h Hit) []Hit {
	hits = append(hits, h)
	for i := len(hits) - 1; i > first && hits[i-1].At > h.At; i-- {
		hits[i-1], hits[i] = h, hits[i-1]
	}
	return hits
}

// stands reports whether the needle stands in the block at a place and counts.
func (n *needle) stands(block []byte, at int) bool {
	if at < 0 || at+len(n.Text) > len(block) || !bytes.Equal(block[at:at+len(n.Text)], n.Text) {
		return false
	}
	return n.Accept == nil || n.Accept(block, at)
}
