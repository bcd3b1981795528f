package search

import "bytes"

// vectorTables have, for each value of the lower half of each of a window's four
// bytes, the buckets that fit, one bit each; then the buckets of windows of one
// byte, and that byte, for each place. All are there twice, for both halves of a
// register.
type vectorTables [6][width]byte

// add adds a needle to a bucket.
func (t *vectorTables) add(n *needle, bucket byte) {
	if n.size == 1 {
		for i := range width {
			t[4][i] |= bucket
			t[5][i] = byte(n.word)
		}
		return
	}
	for i := range windowSize {
		c := n.Text[n.offset+min(i, n.size-1)] // the last byte stands twice where there are three
		for _, half := range []byte{0, width / 2} {
			t[i][half+c&15] |= bucket
		}
	}
}

// count counts the places of text that fit a bucket.
func (t *vectorTables) count(text []byte, bucket byte) int {
	n := 0
	for i := range len(text) - overlap {
		if t[0][text[i]&15]&t[1][text[i+1]&15]&t[2][text[i+2]&15]&t[3][text[i+3]&15]&bucket != 0 {
			n++
		}
	}
	return n
}

// byteTable has for each byte a bit for each bucket that it does not fit, as the
// first byte of a window in the lowest eight bits, as the second in the next, and
// so on.
type byteTable [256]uint32

// add adds a needle to a bucket.
func (t *byteTable) add(n *needle, bucket uint32) {
	for c := range t {
		for i := range windowSize {
			if i >= n.size || n.Text[n.offset+i] == byte(c) {
				t[c] &^= bucket << (8 * i)
			}
		}
	}
}

// scan does what scanAVX2 does. The upper eight bits of misses are the buckets
// that the last four bytes do not fit.
func (t *byteTable) scan(text []byte, vectors *[mostVectors]vector) (at, found int, lines uint64) {
	const all = 0xff << 24
	misses := t[text[0]]<<16 | t[text[1]]<<8 | t[text[2]]
	counted := 0
	for ; at+width+overlap <= len(text) && found < mostVectors; at += width {
		v := &vectors[found]
		v.which = 0
		for i, c := range text[at+overlap : at+overlap+width] {
			if misses = misses<<8 | t[c]; misses < all {
				v.fits[i] = ^byte(misses >> 24)
				v.which |= 1 << i
			}
		}
		if v.which == 0 {
			continue
		}
		lines += uint64(bytes.Count(text[counted:at], newline))
		counted = at
		v.ends, v.lines, v.at = 0, uint32(lines), uint32(at)
		for i, c := range text[at : at+width] {
			if c == '\n' {
				v.ends |= 1 << i
			}
		}
		found++
	}
	return at, found, lines + uint64(bytes.Count(text[counted:at], newline))
}

// rarest returns where the window of a text begins that is the least common in
// logs: of those that nothing in usual lines looks like, the one of rare letters.
func rarest(text []byte, size int) int {
	best, least := 0, -1
	for i := range len(text) - size + 1 {
		window := text[i : i+size]
		if size > 1 && bytes.ContainsFunc(window, func(r rune) bool { return r >= 0x80 }) {
			continue // vectors take ASCII only
		}
		common := 1
		for _, c := range window {
			common *= 1 + bytes.IndexByte(byFrequency, c)
		}
		common += 10_000_000 * bytes.Count(sampleHalves, lowerHalves(window))
		if least < 0 || common < least {
			best, least = i, common
		}
	}
	return best
}

// byFrequency are the bytes that are common in Odoo's logs, the rarest first.
var byFrequency = []byte("jkv_hfgT\"PSbuxcyqm/][}nwp:dlO,it.2rs-ae1o0 ")

// sample are lines as most are in the logs that are searched. Only how fast that
// goes depends on them.
var sample = []byte(`
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

var sampleHalves = lowerHalves(sample)

// lowerHalves returns the lower half of each byte.
func lowerHalves(text []byte) []byte {
	halves := make([]byte, len(text))
	for i, c := range text {
		halves[i] = c & 15
	}
	return halves
}
