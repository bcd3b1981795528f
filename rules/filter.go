package rules

import (
	"bytes"
	"cmp"
	"slices"
)

// ruleBits says which rules a line may concern. A rule whose literals a line
// does not hold cannot match it, so the line need not be looked at.
type ruleBits uint64

// ofOdoo stands for the built-in rules on Odoo's own log; each other rule has
// a bit of its own, as far as there are enough.
const ofOdoo ruleBits = 1

// anyRule is set for a line that may concern any rule: what Docker took apart
// cannot be searched.
const anyRule ruleBits = 1 << 63

// userBit is the bit of the i-th rule besides.
func userBit(i int) ruleBits { return 1 << min(i+1, 62) }

// needle is a literal that is searched for, and the rules that require it.
type needle struct {
	text  []byte
	rules ruleBits
	// posted is set where the literal is the path of a POST request.
	posted bool
}

// filter finds the lines that hold a needle.
type filter struct {
	// always are the rules that require no literal: they want every line.
	always  ruleBits
	finders []*finder
	// escapes are the rules on paths: to Odoo %77 is a w.
	escapes ruleBits
}

// newFilter returns a filter for needles.
func newFilter(needles []needle, always ruleBits) *filter {
	f := &filter{always: always}
	for _, n := range needles {
		f.escapes |= n.rules & ofOdoo
	}
	for some := range slices.Chunk(needles, finderSize) {
		f.finders = append(f.finders, newFinder(some))
	}
	return f
}

// needles returns what the rules of the Set require, and which of them require
// nothing.
func (set *Set) needles() (needles []needle, always ruleBits) {
	add := func(n needle) {
		same := func(other needle) bool { return bytes.Equal(other.text, n.text) && other.posted == n.posted }
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
			needles = append(needles, needle{[]byte(text), ofOdoo, false})
		}
		fallthrough // a login may hold such an access line
	case LoginRule, CooldownRule, TOTPRule, ResetRule:
		for _, text := range odooLiterals {
			needles = append(needles, needle{[]byte(text), ofOdoo, false})
		}
		for _, text := range odooPaths {
			needles = append(needles, needle{[]byte(text), ofOdoo, true})
		}
	}
	return needles
}

// hit is where a needle begins in a text.
type hit struct {
	at    int
	rules ruleBits
}

// line returns the rules that a line may concern.
func (f *filter) line(text []byte) ruleBits {
	rules := f.always
	if len(text) >= pieceSize && bytes.HasPrefix(text, dockerPrefix) {
		rules |= anyRule
	}
	for _, finder := range f.finders {
		finder.each(text, func(_ int, n *needle) bool {
			rules |= n.rules
			return true
		})
	}
	if f.escapes != 0 && nextEscape(text, 0) >= 0 {
		rules |= f.escapes
	}
	return rules
}

// hits appends where needles stand in text, in order.
func (f *filter) hits(hits []hit, text []byte) []hit {
	for _, finder := range f.finders {
		finder.each(text, func(at int, n *needle) bool {
			hits = append(hits, hit{at, n.rules})
			return true
		})
	}
	before := len(hits)
	hits = pieces(hits, text)
	if f.escapes != 0 {
		for at := nextEscape(text, 0); at >= 0; at = nextEscape(text, at+1) {
			hits = append(hits, hit{at, f.escapes})
		}
	}
	if len(f.finders) > 1 || len(hits) > before || !canScan {
		slices.SortFunc(hits, func(a, b hit) int { return cmp.Compare(a.at, b.at) })
	}
	return hits
}

// nextEscape returns where a byte of a path that matters is next written with a
// percent sign, or -1.
func nextEscape(text []byte, from int) int {
	for {
		i := bytes.IndexByte(text[from:], '%')
		if i < 0 {
			return -1
		}
		at := from + i
		if c, ok := escapedByte(text[at:]); ok && inOdooPath[c] {
			return at
		}
		from = at + 1
	}
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
			hits = append(hits, hit{start, anyRule})
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
	// A path may begin with a language: "POST /pt_BR/web/login.
	const near = 24
	return !n.posted || bytes.Contains(text[max(0, at-near):at], []byte("POST "))
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
	found.hits = set.filter.hits(found.hits[:0], block)
	lines, counted, end := uint64(0), 0, 0
	for _, h := range found.hits {
		if h.at < end {
			found.marks[len(found.marks)-1].rules |= h.rules
			continue
		}
		start := counted + 1 + bytes.LastIndexByte(block[counted:h.at], '\n')
		lines += uint64(bytes.Count(block[counted:start], newline))
		found.marks = append(found.marks, mark{start, lines, h.rules})
		counted, end = start, len(block)
		if n := bytes.IndexByte(block[h.at:], '\n'); n >= 0 {
			end = h.at + n + 1
		}
	}
	found.lines = lines + uint64(bytes.Count(block[counted:], newline))
	return found
}

var newline = []byte{'\n'}
