package rules

import (
	"bytes"
	"slices"
	"strings"

	"odooban/rules/search"
)

// In history most lines tell nothing of any attempt, and are not even taken apart.
// Those that may hold one of the literals below, or stand near a line that does.

// ofOdoo is the bit of the built-in rules on Odoo's log, ofProxy of those on Traefik's;
// each user's rule has a bit of its own, as far as there are enough.
const (
	ofOdoo uint64 = 1 << iota
	ofProxy
	builtInBits = ofOdoo | ofProxy
)

func userBit(i int) uint64 { return 1 << min(i+2, 63) }

// odooLiterals are what a line of Odoo's log holds that is about a login, that may be
// the end of one, that answers one, or that is a failure by itself.
func odooLiterals() []search.Literal {
	var all []search.Literal
	for _, text := range []string{
		"res_users", " from ", "CSRF validation failed", "HTTP service (werkzeug) running",
		"Connection to the database failed", "The method '", "json", "thenticate", "login_upload", "web/database",
	} {
		all = append(all, search.Literal{Text: []byte(text), Bits: ofOdoo})
	}
	for _, text := range []string{"web/login", "/common", "web/reset_password"} {
		all = append(all, search.Literal{Text: []byte(text), Bits: ofOdoo, Accept: isPosted})
	}
	return append(all, search.Literal{Text: []byte("%"), Bits: ofOdoo, Accept: isEscaped})
}

// proxyLiterals show that a log is Traefik's, in JSON; in the common format a failure does.
func proxyLiterals() []search.Literal {
	return []search.Literal{
		{Text: []byte(`"RequestMethod"`), Bits: ofProxy},
		{Text: []byte("web/login"), Bits: ofProxy, Accept: isPosted},
		{Text: []byte("web/database"), Bits: ofProxy},
	}
}

// isPosted reports whether a path is that of a POST request, by what stands before it,
// of which that may hold the begin: "POST /pt_BR, "post http://erp.example.com.
func isPosted(block []byte, at int) bool {
	const longest = 300
	before := block[max(0, at-longest):at]
	end := bytes.LastIndexByte(before, ' ')
	switch {
	case bytes.IndexByte(before[end+1:], '\n') >= 0:
		return false
	case end < 0:
		return len(before) == longest
	}
	return end >= len("POST") && bytes.EqualFold(before[end-len("POST"):end], []byte("POST"))
}

// isEscaped reports whether a percent sign stands for a byte that the paths have by which
// somebody gets in: to Odoo %77 is a w.
func isEscaped(block []byte, at int) bool {
	const inPaths = "/abcdefghijklmnopqrstuvwxyz_"
	if at+3 > len(block) {
		return false
	}
	high, low := hexDigit(block[at+1]), hexDigit(block[at+2])
	return high >= 0 && low >= 0 && strings.IndexByte(inPaths, byte(high<<4|low)) >= 0
}

// hexDigit is -1 for what is none.
func hexDigit(c byte) int { return strings.IndexByte("0123456789abcdef", c|0x20) }

// reads reports whether there is a rule on logs of a format.
func (set *Set) reads(f Format) bool {
	return slices.ContainsFunc(Builtin(), func(r Rule) bool { return r.Format == f && set.enabled[r.Name] })
}

// find makes the finder of what the rules of the Set require.
func (set *Set) find() {
	var literals []search.Literal
	if set.judges = set.reads(OdooFormat); set.judges {
		literals = append(literals, odooLiterals()...)
	}
	if set.counts = set.reads(TraefikFormat); set.counts {
		literals = append(literals, proxyLiterals()...)
	}
	for i, p := range set.user {
		texts := p.Literals()
		if len(texts) == 0 {
			set.always |= userBit(i)
		}
		for _, text := range texts {
			literals = append(literals,
				search.Literal{Text: []byte(text), Bits: userBit(i)},
				search.Literal{Text: []byte(quoter.Replace(text)), Bits: userBit(i)})
		}
	}
	set.finder = search.New(literals)
}

// quoter writes a text as Docker's json-file driver does that holds it in a string.
var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "<", `\u003c`, ">", `\u003e`, "&", `\u0026`)
