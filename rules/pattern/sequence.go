package pattern

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"regexp/syntax"
)

// Most patterns are sequences: text and classes of characters, one after
// another, each of these as often as may be: `^\S+ failed for (?P<addr>\S+) *$`. A
// sequence is matched by hand, as regexp would do it but several times faster.
// Whatever is more than that, a line beyond ASCII, and one that takes many tries are
// left to regexp, so that a line takes linear time whoever wrote it.

// triesPerByte bounds how often a byte of a line is tried on average before the
// line is left to regexp.
const triesPerByte = 16

// expression is a regular expression that finds what regexp does.
type expression struct {
	*regexp.Regexp
	sequence []step // empty where it is none
}

// step is one of a sequence: text, a class of characters, an edge of a group, or
// the begin or the end of the line.
type step struct {
	op       syntax.Op // of OpLiteral, OpCharClass, OpCapture, OpBeginText, OpEndText
	text     []byte
	class    [128]bool
	min, max int // how often the class may come; max is -1 without a bound
	edge     int // index in what FindSubmatchIndex returns
}

// compile compiles a pattern.
func compile(pattern string) (expression, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return expression{}, err
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return expression{}, err
	}
	sequence, ok := appendSteps(nil, parsed)
	if !ok {
		sequence = nil
	}
	return expression{re, sequence}, nil
}

// appendSteps appends the steps of a part of a pattern, if it is a sequence.
func appendSteps(steps []step, re *syntax.Regexp) (_ []step, ok bool) {
	switch re.Op {
	case syntax.OpEmptyMatch:
	case syntax.OpBeginText, syntax.OpEndText:
		steps = append(steps, step{op: re.Op})
	case syntax.OpLiteral:
		text := []byte(string(re.Rune))
		if re.Flags&syntax.FoldCase != 0 || !isASCII(text) {
			return nil, false
		}
		steps = append(steps, step{op: syntax.OpLiteral, text: text})
	case syntax.OpCharClass, syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		steps = append(steps, classOf(re, 1, 1))
	case syntax.OpPlus, syntax.OpStar, syntax.OpQuest, syntax.OpRepeat:
		return appendRepeated(steps, re)
	case syntax.OpCapture:
		steps = append(steps, step{op: syntax.OpCapture, edge: 2 * re.Cap})
		if steps, ok = appendSteps(steps, re.Sub[0]); !ok {
			return nil, false
		}
		steps = append(steps, step{op: syntax.OpCapture, edge: 2*re.Cap + 1})
	case syntax.OpConcat:
		for _, part := range re.Sub {
			if steps, ok = appendSteps(steps, part); !ok {
				return nil, false
			}
		}
	default:
		return nil, false
	}
	return steps, true
}

// appendRepeated appends a class of characters that is repeated, as often as
// possible.
func appendRepeated(steps []step, re *syntax.Regexp) (_ []step, ok bool) {
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
	return append(steps, classOf(of, least, most)), true
}

// classOf is a step over the ASCII of what a part of a pattern matches, a
// character each.
func classOf(re *syntax.Regexp, least, most int) step {
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
			s.class[c] = true
		}
	}
	return s
}

// find does what FindSubmatchIndex does, in dst if that has room.
func (e *expression) find(dst []int, line []byte) []int {
	if len(e.sequence) > 0 && isASCII(line) {
		t := trial{line: line, edges: dst[:0], left: triesPerByte * (len(line) + 16)}
		for range 2 * (e.NumSubexp() + 1) {
			t.edges = append(t.edges, -1)
		}
		for start := 0; start <= len(line) && t.left > 0; start++ {
			if t.edges[0] = start; t.matches(e.sequence, start) {
				return t.edges
			}
			if e.sequence[0].op == syntax.OpBeginText {
				break
			}
		}
		if t.left > 0 {
			return nil
		}
	}
	return e.FindSubmatchIndex(line)
}

// isASCII reports whether a text has no bytes beyond ASCII.
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

// trial is a line that is held against a sequence.
type trial struct {
	line  []byte
	edges []int
	left  int // how many more tries are made
}

// matches reports whether the line goes on from a place as the steps say.
func (t *trial) matches(steps []step, at int) bool {
	for i := range steps {
		s := &steps[i]
		switch s.op {
		case syntax.OpLiteral:
			if !bytes.HasPrefix(t.line[at:], s.text) {
				return false
			}
			at += len(s.text)
		case syntax.OpCapture:
			t.edges[s.edge] = at
		case syntax.OpBeginText:
			if at > 0 {
				return false
			}
		case syntax.OpEndText:
			if at < len(t.line) {
				return false
			}
		default:
			return t.repeats(s, steps[i+1:], at)
		}
	}
	t.edges[1] = at
	return true
}

// repeats reports the same of a class, taken as often as possible, and the steps
// behind it.
func (t *trial) repeats(s *step, rest []step, at int) bool {
	end, last := at, len(t.line)
	if s.max >= 0 {
		last = min(last, at+s.max)
	}
	for end < last && s.class[t.line[end]&0x7f] {
		end++
	}
	t.left -= end - at
	for ; end >= at+s.min; end-- {
		if t.left--; t.left <= 0 {
			return false
		}
		if !t.differs(rest, end) && t.matches(rest, end) {
			return true
		}
	}
	return false
}

// differs reports whether text must come and begins with another character.
func (t *trial) differs(steps []step, at int) bool {
	return len(steps) > 0 && steps[0].op == syntax.OpLiteral && (at == len(t.line) || t.line[at] != steps[0].text[0])
}
