package rules

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"regexp/syntax"
)

// Most patterns are rows: text and kinds of characters, one after another, each
// as often as may be: `^\S+ failed for (?P<addr>\S+) *$`. A row is tried by hand,
// as regexp would do it but several times faster. Whatever is more than that, a
// line beyond ASCII, and one that takes many tries is left to regexp.

// expression is a regular expression that finds what regexp does.
type expression struct {
	*regexp.Regexp
	row []step // empty where it is no row
}

// step is one of a row: text, a repeated kind of character, a border of a group,
// or the begin or the end of the line.
type step struct {
	op       syntax.Op // of OpLiteral, OpCharClass, OpCapture, OpBeginText, OpEndText
	text     []byte
	kind     [128]bool
	min, max int
	border   int // index in what FindSubmatchIndex returns
}

// compileExpression compiles a pattern.
func compileExpression(pattern string) (expression, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return expression{}, err
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return expression{}, err
	}
	row, ok := appendSteps(nil, parsed)
	if !ok {
		row = nil
	}
	return expression{re, row}, nil
}

// appendSteps appends what a row has for a part of a pattern, if that is one.
func appendSteps(row []step, re *syntax.Regexp) (_ []step, ok bool) {
	switch re.Op {
	case syntax.OpEmptyMatch:
	case syntax.OpBeginText, syntax.OpEndText:
		row = append(row, step{op: re.Op})
	case syntax.OpLiteral:
		text := string(re.Rune)
		if re.Flags&syntax.FoldCase != 0 || longestASCII(re.Rune) != text {
			return nil, false
		}
		row = append(row, step{op: syntax.OpLiteral, text: []byte(text)})
	case syntax.OpCharClass, syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		row = append(row, kindOf(re, 1, 1))
	case syntax.OpPlus, syntax.OpStar, syntax.OpQuest, syntax.OpRepeat:
		return appendRepeated(row, re)
	case syntax.OpCapture:
		row = append(row, step{op: syntax.OpCapture, border: 2 * re.Cap})
		if row, ok = appendSteps(row, re.Sub[0]); !ok {
			return nil, false
		}
		row = append(row, step{op: syntax.OpCapture, border: 2*re.Cap + 1})
	case syntax.OpConcat:
		for _, part := range re.Sub {
			if row, ok = appendSteps(row, part); !ok {
				return nil, false
			}
		}
	default:
		return nil, false
	}
	return row, true
}

// appendRepeated appends a kind of character that is repeated.
func appendRepeated(row []step, re *syntax.Regexp) (_ []step, ok bool) {
	least, most := 0, -1
	switch re.Op {
	case syntax.OpPlus:
		least = 1
	case syntax.OpQuest:
		most = 1
	case syntax.OpRepeat:
		least, most = re.Min, re.Max
	}
	of, single := re.Sub[0], false
	switch of.Op {
	case syntax.OpCharClass, syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		single = true
	case syntax.OpLiteral:
		single = len(of.Rune) == 1 && of.Flags&syntax.FoldCase == 0
	}
	if !single || re.Flags&syntax.NonGreedy != 0 {
		return nil, false
	}
	return append(row, kindOf(of, least, most)), true
}

// kindOf is a step over what a part of a pattern matches, a character each.
func kindOf(re *syntax.Regexp, least, most int) step {
	s := step{op: syntax.OpCharClass, min: least, max: most}
	ranges := re.Rune
	switch re.Op {
	case syntax.OpAnyChar:
		ranges = []rune{0, '\x7f'}
	case syntax.OpAnyCharNotNL:
		ranges = []rune{0, '\n' - 1, '\n' + 1, '\x7f'}
	case syntax.OpLiteral:
		ranges = []rune{re.Rune[0], re.Rune[0]}
	}
	for i := 0; i < len(ranges); i += 2 {
		for c := ranges[i]; c <= min(ranges[i+1], '\x7f'); c++ {
			s.kind[c] = true
		}
	}
	return s
}

// find does what FindSubmatchIndex does; it uses dst.
func (e *expression) find(dst []int, line []byte) []int {
	if len(e.row) > 0 && isASCII(line) {
		t := trial{line: line, borders: dst[:0], left: 16 * (len(line) + 16)}
		for range 2 * (e.NumSubexp() + 1) {
			t.borders = append(t.borders, -1)
		}
		for start := 0; start <= len(line) && t.left > 0; start++ {
			if t.borders[0] = start; t.fits(e.row, start) {
				return t.borders
			}
			if e.row[0].op == syntax.OpBeginText {
				break
			}
		}
		if t.left > 0 {
			return nil
		}
	}
	return e.FindSubmatchIndex(line)
}

// isASCII says whether a text has no bytes beyond ASCII.
func isASCII(text []byte) bool {
	for ; len(text) >= 8; text = text[8:] {
		if binary.LittleEndian.Uint64(text)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// trial is a line that is held against a row.
type trial struct {
	line    []byte
	borders []int
	left    int // how many more tries are made
}

// fits says whether the line goes on from a place as the row says.
func (t *trial) fits(row []step, at int) bool {
	for i := range row {
		s := &row[i]
		switch s.op {
		case syntax.OpLiteral:
			if !bytes.HasPrefix(t.line[at:], s.text) {
				return false
			}
			at += len(s.text)
		case syntax.OpCapture:
			t.borders[s.border] = at
		case syntax.OpBeginText:
			if at > 0 {
				return false
			}
		case syntax.OpEndText:
			if at < len(t.line) {
				return false
			}
		default:
			return t.repeats(s, row[i+1:], at)
		}
	}
	t.borders[1] = at
	return true
}

// repeats says the same of a kind of character, taken as often as can be, and
// what comes behind.
func (t *trial) repeats(s *step, rest []step, at int) bool {
	end, last := at, len(t.line)
	if s.max >= 0 {
		last = min(last, at+s.max)
	}
	for end < last && s.kind[t.line[end]&0x7f] {
		end++
	}
	t.left -= end - at
	for ; end >= at+s.min; end-- {
		if t.left--; t.left <= 0 {
			return false
		}
		if !t.differs(rest, end) && t.fits(rest, end) {
			return true
		}
	}
	return false
}

// differs says whether the first character is another than text begins with that
// must come.
func (t *trial) differs(row []step, at int) bool {
	return len(row) > 0 && row[0].op == syntax.OpLiteral && (at == len(t.line) || t.line[at] != row[0].text[0])
}
