package rules

import (
	"bytes"
	"math/bits"
)

const (
	// buckets is how many groups of needles a finder tells apart.
	buckets = 8
	// finderSize is how many needles a finder looks for at once. With more in a
	// group, too much would look like one of them.
	finderSize = 2 * buckets
)

// finder finds up to sixteen needles in one pass over a text: the processor
// compares 32 places at a time with three bytes of each needle (the algorithm is
// known as Teddy, from Hyperscan), and only where those fit the rest is
// compared. Where the processor cannot, each needle takes a pass.
type finder struct {
	needles []needle
	// print is where in each needle the three bytes stand.
	print [finderSize]int
	// tables say for the low and the high half of each of the three bytes
	// which groups they fit, one bit each; twice, for both halves of a
	// register.
	tables [6][32]byte
}

func newFinder(needles []needle) *finder {
	f := &finder{needles: needles}
	for i, n := range needles {
		f.print[i] = rarest(n.text)
		for j, c := range n.text[f.print[i]:][:shortestLiteral] {
			for _, half := range []byte{0, 16} {
				f.tables[2*j][half+c&15] |= 1 << (i % buckets)
				f.tables[2*j+1][half+c>>4] |= 1 << (i % buckets)
			}
		}
	}
	return f
}

// rarest returns where the three bytes begin that are the least common in logs:
// those that do not occur in typical lines, and of them those of rare letters.
func rarest(text []byte) int {
	best, least := 0, -1
	for i := range len(text) - shortestLiteral + 1 {
		window := text[i : i+shortestLiteral]
		common := 1
		for _, c := range window {
			common *= 1 + bytes.IndexByte(byFrequency, c)
		}
		common += 1_000_000 * bytes.Count(typical, window)
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
"POST /web/dataset/call_button/" "POST /web/action/load HTTP/1.1" "POST /mail/data " "POST /longpolling/im_status "
"GET /web/image/res.users/2/avatar_128 " "GET /web/assets/1/ab/web.assets_web.min.js "
"GET /websocket?version=17" "GET /web/login "
2026-11-23 10:45:45,464 28342 INFO prod odoo.addons.base.models.ir_cron: Job 'Mail: Email Queue' (3) starting
odoo.modules.registry: Caches invalidated, signaling through the database: ['default']
`)

// each calls yield for the needles that stand in text until it says that it is
// enough. Where canScan, they come in the order of their lines.
func (f *finder) each(text []byte, yield func(at int, n *needle) bool) {
	if !canScan {
		f.eachInTurn(text, yield)
		return
	}
	var fits [32]byte
	for from := 0; from < len(text); from += len(fits) {
		at, which := f.scan(text[from:], &fits)
		for from += at; which != 0; which &= which - 1 {
			i := bits.TrailingZeros32(which)
			for fit := fits[i]; fit != 0; fit &= fit - 1 {
				for k := bits.TrailingZeros8(fit); k < len(f.needles); k += buckets {
					n, start := &f.needles[k], from+i-f.print[k]
					if n.is(text, start) && !yield(start, n) {
						return
					}
				}
			}
		}
	}
}

// eachInTurn does the same with a pass for each needle.
func (f *finder) eachInTurn(text []byte, yield func(at int, n *needle) bool) {
	for k := range f.needles {
		n := &f.needles[k]
		for from := 0; ; {
			i := bytes.Index(text[from:], n.text)
			if i < 0 {
				break
			}
			if from += i; n.is(text, from) && !yield(from, n) {
				return
			}
			from++
		}
	}
}

// scan returns the first 32 places at which three bytes of a needle stand, one
// bit each, and in fits which needles'. at is where they begin, or the end of
// text where there are none.
func (f *finder) scan(text []byte, fits *[32]byte) (at int, which uint32) {
	if len(text) >= scanLength {
		if at, which = scanAVX2(&text[0], len(text), &f.tables, fits); which != 0 {
			return at, which
		}
	}
	var rest [scanLength]byte
	copy(rest[:], text[at:])
	if _, which = scanAVX2(&rest[0], scanLength, &f.tables, fits); which == 0 {
		at = len(text)
	}
	return at, which
}

// scanLength is how many bytes tell which needles fit at 32 places.
const scanLength = 32 + shortestLiteral - 1
