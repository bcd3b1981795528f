package rules

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// finder finds up to twenty-four needles in one pass over a text: the processor
// compares 32 places at a time with four bytes of each needle, by their lower
// halves (the algorithm is known as Teddy, from Hyperscan), and only where those
// fit the rest is compared. Where the processor cannot, each needle takes a
// pass. Needles are ASCII.
type finder struct {
	// buckets are groups of needles that are told apart.
	buckets [8][]needle
	// last is how far behind the first of the bytes the last one stands: 3, or 2
	// where a needle has no more.
	last int
	tables
}

// finderSize is how many needles a finder looks for at once. With more in a
// bucket, too much would look like one of them.
const finderSize = 24

// tables say for the lower half of each of the four bytes which buckets they fit,
// one bit each, and at last which buckets hold the percent sign; twice, for both
// halves of a register.
type tables [5][32]byte

func newFinder(needles []needle) *finder {
	f := &finder{last: 3}
	for _, n := range needles {
		if len(n.text) == shortestLiteral {
			f.last = shortestLiteral - 1
		}
	}
	for i, n := range needles {
		if !n.escape {
			n.bytes = rarest(n.text, f.last+1)
		}
		for j, c := range n.text[n.bytes:min(n.bytes+4, len(n.text))] {
			n.word, n.mask = n.word|uint32(c)<<(8*j), n.mask|0xff<<(8*j)
		}
		f.put(n, i/len(f.buckets))
	}
	return f
}

// put puts a needle into a bucket that holds so many: that in which the fewest
// places of typical lines look like one of them then.
func (f *finder) put(n needle, others int) {
	before := f.tables
	best, least := 0, len(typical)
	for i := range f.buckets {
		if len(f.buckets[i]) != others {
			continue
		}
		t := before
		t.add(n, f.last, 1<<i)
		if fits := t.count(typical, 1<<i); fits < least {
			best, least, f.tables = i, fits, t
		}
	}
	f.buckets[best] = append(f.buckets[best], n)
}

// add adds a needle to a bucket.
func (t *tables) add(n needle, last int, bucket byte) {
	for _, half := range []byte{0, 16} {
		if n.escape {
			for i := range byte(16) {
				t[4][half+i] |= bucket
			}
			continue
		}
		for j := range 4 {
			c := n.text[n.bytes+min(j, last)]
			t[j][half+c&15] |= bucket
		}
	}
}

// count counts the places of text that fit a bucket.
func (t *tables) count(text []byte, bucket byte) int {
	n := 0
	for i := range len(text) - 3 {
		if t[0][text[i]&15]&t[1][text[i+1]&15]&t[2][text[i+2]&15]&t[3][text[i+3]&15]&bucket != 0 {
			n++
		}
	}
	return n
}

// rarest returns where the bytes begin that are the least common in logs: those that
// nothing in typical lines looks like, and of them those of rare letters.
func rarest(text []byte, size int) int {
	best, least := 0, -1
	for i := range len(text) - size + 1 {
		window := text[i : i+size]
		common := 1
		for _, c := range window {
			common *= 1 + bytes.IndexByte(byFrequency, c)
		}
		common += 10_000_000 * bytes.Count(typicalHalves, halves(window))
		if least < 0 || common < least {
			best, least = i, common
		}
	}
	return best
}

// byFrequency are the bytes that are common in Odoo's logs, the rarest first.
var byFrequency = []byte("jkv_hfgT\"PSbuxcyqm/][}nwp:dlO,it.2rs-ae1o0 ")

// typical are lines as most are in Odoo's logs.
var typical = []byte(`
2026-11-23 10:45:45,464 28342 INFO prod werkzeug: 203.0.113.50 - - [23/Nov/2026 10:45:45]
"POST /web/dataset/call_kw/res.partner/web_search_read HTTP/1.1" 200 - 5 0.013 1.227
"POST /web/dataset/call_kw/account.move/onchange HTTP/1.1" "POST /web/dataset/call_button/"
"POST /web/action/load HTTP/1.1" "POST /mail/data " "POST /longpolling/im_status "
"GET /web/image/res.users/2/avatar_128 " "GET /web/assets/1/ab/web.assets_web.min.js "
"GET /websocket?version=17" "GET /web/login "
2026-11-23 10:45:45,464 28342 INFO prod odoo.addons.base.models.ir_cron: Job 'Mail: Email Queue' (3) starting
odoo.models.unlink: User #2 deleted ir.attachment records with IDs: [48213, 48214]
192.0.2.1 - - 192.0.2.12 - - 192.0.2.73 - - 192.0.2.104 - - 192.0.2.235 - - 192.0.2.86 - - 192.0.2.197 - -
192.0.2.68 - -
2026-09-30 01:38:52,907 17:59:40,213 21:03:17,336 12:26:34,848 09:48:29,571 16:15:06,780
odoo.modules.registry: Caches invalidated, signaling through the database: ['default']
`)

var typicalHalves = halves(typical)

// halves returns the lower halves of bytes.
func halves(text []byte) []byte {
	lower := make([]byte, len(text))
	for i, c := range text {
		lower[i] = c & 15
	}
	return lower
}

// place is 32 bytes of a text in which needles may stand.
type place struct {
	// fits says for each byte which buckets fit there, one bit each; which has a
	// bit for each byte that some fit.
	fits  [32]byte
	which uint32
	// ends has a bit for each byte that ends a line, lines is how many the text
	// has before them, and at is where they begin.
	ends, lines, at uint32
}

// mostPlaces is how many are found at a time.
const mostPlaces = 8

// hits appends where needles stand in text, in the order of their lines, and
// counts its lines.
func (f *finder) hits(hits []hit, text []byte) (_ []hit, lines uint64) {
	var places [mostPlaces]place
	for from := 0; from < len(text); {
		at, found, passed := f.scan(text[from:], &places)
		for i := range places[:found] {
			hits = f.compare(hits, text, from, lines, &places[i])
		}
		from, lines = from+at, lines+passed
	}
	return hits, lines
}

// compare appends which needles stand at a place behind some bytes and lines.
func (f *finder) compare(hits []hit, text []byte, from int, lines uint64, p *place) []hit {
	for which := p.which; which != 0; which &= which - 1 {
		i := bits.TrailingZeros32(which)
		at := from + int(p.at) + i
		word := wordAt(text, at)
		for fit := p.fits[i]; fit != 0; fit &= fit - 1 {
			bucket := f.buckets[bits.TrailingZeros8(fit)]
			for k := range bucket {
				n := &bucket[k]
				if start := at - n.bytes; word&n.mask == n.word && n.is(text, start) {
					line := lines + uint64(p.lines) + uint64(bits.OnesCount32(p.ends&(1<<i-1)))
					hits = append(hits, hit{start, line, n.rules})
				}
			}
		}
	}
	return hits
}

// wordAt reads four bytes of a text, behind whose end are zeros.
func wordAt(text []byte, at int) uint32 {
	if at+4 <= len(text) {
		return binary.LittleEndian.Uint32(text[at:])
	}
	var padded [4]byte
	copy(padded[:], text[min(at, len(text)):])
	return binary.LittleEndian.Uint32(padded[:])
}

// hitsInTurn does the same with a pass for each needle, and leaves the order
// and the lines to others.
func (f *finder) hitsInTurn(hits []hit, text []byte) []hit {
	for _, bucket := range f.buckets {
		for k := range bucket {
			n := &bucket[k]
			for from := 0; ; from++ {
				i := bytes.Index(text[from:], n.text)
				if i < 0 {
					break
				}
				if from += i; n.is(text, from) {
					hits = append(hits, hit{at: from, rules: n.rules})
				}
			}
		}
	}
	return hits
}

// scan finds the next places of a text at which needles may stand. It went up to
// at, and passed some line ends.
func (f *finder) scan(text []byte, places *[mostPlaces]place) (at, found int, lines uint64) {
	const width, overlap = 32, 3
	if len(text) >= width+overlap {
		return scanAVX2(&text[0], len(text), f.last, &f.tables, places)
	}
	var padded [2*width + overlap]byte
	copy(padded[:], text)
	_, found, lines = scanAVX2(&padded[0], len(padded), f.last, &f.tables, places)
	return len(text), found, lines
}
