package rules

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// ruleBits says which rules a line may concern. A rule whose literals a line
// does not hold cannot match it, so the line need not be looked at.
type ruleBits uint64

const (
	// ofOdoo stands for the built-in rules on Odoo's own log; each other rule has
	// a bit of its own, as far as there are enough.
	ofOdoo ruleBits = 1 << iota
	// ofText says besides that a record may hold a text: see taintLiterals.
	ofText
)

// anyRule is set for a line that may concern any rule: what Docker took apart
// cannot be searched.
const anyRule ruleBits = 1 << 63

// userBit is the bit of the i-th rule besides.
func userBit(i int) ruleBits { return 1 << min(i+2, 62) }

// needle is a literal that is searched for, and the rules that require it.
type needle struct {
	text  []byte
	rules ruleBits
	// posted is set where the literal is the path of a POST request.
	posted bool
	// escape is set on the percent sign, where a byte of a path that matters is
	// written with one: to Odoo %77 is a w.
	escape bool
	// bytes is where in the text the four bytes stand that a finder compares, word
	// what they are, and mask which of them there are.
	bytes      int
	word, mask uint32
}

// filter finds the lines that hold a needle.
type filter struct {
	// always are the rules that require no literal: they want every line.
	always  ruleBits
	finders []*finder
}

// newFilter returns a filter for needles.
func newFilter(needles []needle, always ruleBits) *filter {
	f := &filter{always: always}
	for some := range slices.Chunk(needles, finderSize) {
		f.finders = append(f.finders, newFinder(some))
	}
	return f
}

// needles returns what the rules of the Set require, and which of them require
// nothing.
func (set *Set) needles() (needles []needle, always ruleBits) {
	add := func(n needle) {
		same := func(other needle) bool {
			return bytes.Equal(other.text, n.text) && other.posted == n.posted && other.escape == n.escape
		}
		if i := slices.IndexFunc(needles, same); i >= 0 {
			needles[i].rules |= n.rules
			return
		}
		needles = append(needles, n)
	}
	addQuoted := func(n needle) {
		add(n)
		n.text = quoted(n.text)
		add(n)
	}
	for _, name := range BuiltIn() {
		if !set.builtin[name] || isTraefiks(name) {
			continue // no line of Traefik's log is skimmed
		}
		required := builtInNeedles(name)
		if len(required) == 0 {
			always |= ofOdoo
		}
		for _, n := range required {
			addQuoted(n)
		}
	}
	for i := range set.user {
		texts := required(set.user[i].pattern.String())
		if len(texts) == 0 {
			always |= userBit(i)
		}
		for _, text := range texts {
			addQuoted(needle{text: []byte(text), rules: userBit(i)})
		}
	}
	return needles, always
}

// Slow lists the user's rules that every line is matched with, because no
// literal stands in all that they match: a replay takes many times longer.
func (set *Set) Slow() []string {
	var slow []string
	for i := range set.user {
		if len(required(set.user[i].pattern.String())) == 0 {
			slow = append(slow, set.user[i].name)
		}
	}
	return slow
}

// builtInNeedles returns what a line holds that a built-in rule looks at; none
// says that it looks at every line.
func builtInNeedles(name string) []needle {
	var needles []needle
	switch name {
	case DatabaseRule, APIRule:
		for _, text := range odooProbes {
			needles = append(needles, needle{text: []byte(text), rules: ofOdoo})
		}
		fallthrough // a login may hold such an access line
	case LoginRule, CooldownRule, TOTPRule, ResetRule:
		for _, text := range odooLiterals {
			needles = append(needles, needle{text: []byte(text), rules: ofOdoo})
		}
		for _, text := range taintLiterals {
			needles = append(needles, needle{text: []byte(text), rules: ofOdoo | ofText})
		}
		for _, text := range odooForms {
			needles = append(needles, needle{text: []byte(text), rules: ofOdoo, posted: true})
		}
		for _, text := range odooPaths {
			needles = append(needles, needle{text: []byte(text), rules: ofOdoo})
		}
		needles = append(needles, needle{text: []byte("%"), rules: ofOdoo, escape: true})
	}
	return needles
}

// hit is where a needle begins in a text, and how many lines stand before it.
type hit struct {
	at    int
	line  uint64
	rules ruleBits
}

// line returns the rules that a line may concern.
func (f *filter) line(text []byte) ruleBits {
	rules := f.always
	var few [4]hit
	hits, _ := f.hits(few[:0], text)
	for _, h := range hits {
		rules |= h.rules
	}
	return rules
}

// hits appends where needles stand in text, in the order of their lines, and
// counts its lines.
func (f *filter) hits(hits []hit, text []byte) (_ []hit, lines uint64) {
	for _, finder := range f.finders {
		if canScan {
			hits, lines = finder.hits(hits, text)
		} else {
			hits = finder.hitsInTurn(hits, text)
		}
	}
	searched := len(hits)
	hits = pieces(hits, text)
	scanned := canScan && len(f.finders) > 0 && len(hits) == searched
	if !scanned || len(f.finders) > 1 {
		slices.SortFunc(hits, func(a, b hit) int { return cmp.Compare(a.at, b.at) })
	}
	if !scanned {
		lines = number(hits, text)
	}
	return hits, lines
}

// number counts the lines of text, and those before each hit.
func number(hits []hit, text []byte) (lines uint64) {
	at := 0
	for i := range hits {
		lines += uint64(bytes.Count(text[at:hits[i].at], newline))
		at, hits[i].line = hits[i].at, lines
	}
	return lines + uint64(bytes.Count(text[at:], newline))
}

// pieces appends where lines begin of which Docker kept a part only. They are
// long; all others have an end within half as much.
func pieces(hits []hit, text []byte) []hit {
	const step = pieceSize / 2
	for at := 0; at+step <= len(text); at += step {
		if bytes.IndexByte(text[at:at+step], '\n') >= 0 {
			continue
		}
		start := bytes.LastIndexByte(text[:at], '\n') + 1
		end := bytes.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text) - at
		}
		size := len(bytes.TrimSuffix(text[start:at+end], carriageReturn))
		if size >= pieceSize && bytes.HasPrefix(text[start:], dockerPrefix) {
			hits = append(hits, hit{at: start, rules: anyRule})
		}
		at += end &^ (step - 1)
	}
	return hits
}

// is says whether the needle stands in text at a place.
func (n *needle) is(text []byte, at int) bool {
	if at < 0 || at+len(n.text) > len(text) || !bytes.Equal(text[at:at+len(n.text)], n.text) {
		return false
	}
	switch {
	case n.posted:
		return isPosted(text[:at])
	case n.escape:
		c, ok := escapedByte(text[at:])
		return ok && inOdooPath[c]
	}
	return true
}

// isPosted says whether a request is a POST, by what stands before its path, of which
// that may hold the begin: "POST /pt_BR, "post http://erp.example.com.
func isPosted(before []byte) bool {
	const longest = 300
	before = before[max(0, len(before)-longest):]
	end := bytes.LastIndexByte(before, ' ')
	switch {
	case bytes.IndexByte(before[end+1:], '\n') >= 0:
		return false
	case end < 0:
		return len(before) == longest
	}
	return end >= len(post) && isPost(before[end-len(post):end])
}

// Found is what Set.Search found in a block of whole lines.
type Found struct {
	lines uint64 // how many lines the block has
	marks []mark
	hits  []hit
}

// mark is a line that may concern rules.
type mark struct {
	at     int    // where the line begins in the block
	before uint64 // how many lines stand before it
	rules  ruleBits
}

// Search looks through a block of whole lines for those that may concern a
// rule, for Scanner.Skim. It may be called for several blocks at a time; found
// is used again, and may be nil.
func (set *Set) Search(found *Found, block []byte) *Found {
	if found == nil {
		found = new(Found)
	}
	found.marks = found.marks[:0]
	found.hits, found.lines = set.filter.hits(found.hits[:0], block)
	for _, h := range found.hits {
		if n := len(found.marks); n > 0 && found.marks[n-1].before == h.line {
			found.marks[n-1].rules |= h.rules
			continue
		}
		found.marks = append(found.marks, mark{lineStart(block, h.at), h.line, h.rules})
	}
	return found
}

var newline = []byte{'\n'}

// lineStart is where the line begins in which a place is. It looks at eight bytes
// at a time.
func lineStart(text []byte, at int) int {
	const low, ends = 0x7f7f7f7f7f7f7f7f, 0x0a0a0a0a0a0a0a0a
	for ; at >= 8; at -= 8 {
		word := binary.LittleEndian.Uint64(text[at-8:]) ^ ends
		if zero := ^(word&low + low | word | low); zero != 0 { // the highest bits of the bytes that are zero
			return at - bits.LeadingZeros64(zero)/8
		}
	}
	return bytes.LastIndexByte(text[:at], '\n') + 1
}
