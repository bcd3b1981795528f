package search

import (
	"regexp/syntax"
	"slices"
)

const (
	// shortestLiteral is the length from which a literal is worth searching for.
	shortestLiteral = 3
	// mostAlternatives bounds how many literals stand for one pattern.
	mostAlternatives = 8
)

// Required returns literals of which every text that the RE2 expression matches
// holds at least one: the longest that there are, of printable ASCII. It is nil
// where there are none, as for "\d+" or "(?i)failed", and where the expression
// cannot be parsed.
func Required(pattern string) []string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	return required(re.Simplify())
}

// required does what Required does for a parsed and simplified expression.
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if l := longestASCII(re.Rune); re.Flags&syntax.FoldCase == 0 && len(l) >= shortestLiteral {
			return []string{l}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpConcat:
		return ofConcat(re.Sub)
	case syntax.OpAlternate:
		return ofAlternatives(re.Sub)
	}
	return nil
}

// longestASCII returns the longest run of printable ASCII: what lies beyond may
// be written in other ways, and U+FFFD matches any broken UTF-8.
func longestASCII(text []rune) string {
	best, end, run := 0, 0, 0
	for i, r := range text {
		if r < ' ' || r > '~' {
			run = 0
			continue
		}
		if run++; run > best {
			best, end = run, i+1
		}
	}
	return string(text[end-best : end])
}

// ofConcat returns the literals of the part whose shortest is the longest; of
// several, those of the part with the fewest.
func ofConcat(parts []*syntax.Regexp) []string {
	var best []string
	for _, part := range parts {
		l := required(part)
		if l == nil {
			continue
		}
		longer := shortest(l) - shortest(best)
		if best == nil || longer > 0 || longer == 0 && len(l) < len(best) {
			best = l
		}
	}
	return best
}

// ofAlternatives returns the literals of all alternatives, if each has some.
func ofAlternatives(alternatives []*syntax.Regexp) []string {
	var all []string
	for _, re := range alternatives {
		l := required(re)
		if l == nil || len(all)+len(l) > mostAlternatives {
			return nil
		}
		all = append(all, l...)
	}
	return all
}

// shortest is the length of the shortest literal, 0 where there is none.
func shortest(literals []string) int {
	if len(literals) == 0 {
		return 0
	}
	return len(slices.MinFunc(literals, func(a, b string) int { return len(a) - len(b) }))
}
