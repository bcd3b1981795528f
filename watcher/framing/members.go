package framing

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Members walks through the members of a JSON object without decoding them and without allocating. The zero value is
// ready for Begin.
type Members struct {
	// Key is the latest member's name, between its quotes and as it stands; Value its value, with quotes.
	Key, Value []byte
	// Ended is set when the object was read to its end and nothing but blanks stands behind it.
	Ended bool
	rest  []byte
	bad   bool
	first bool
}

// Begin starts with the object that b is.
func (m *Members) Begin(b []byte) {
	*m = Members{rest: b, first: true}
	m.bad = !m.take('{')
}

// Next goes to the next member. It is false behind the last one, when Ended is set, and where b is not right.
func (m *Members) Next() bool {
	if m.bad {
		return false
	}
	m.blanks()
	if m.take('}') {
		m.blanks()
		m.Ended, m.bad = len(m.rest) == 0, true
		return false
	}
	m.bad = !m.first && !m.take(',') || !m.member()
	m.first = false
	return !m.bad
}

// member reads `"key": value`.
func (m *Members) member() bool {
	m.blanks()
	n := stringLen(m.rest)
	if n == 0 {
		return false
	}
	m.Key, m.rest = m.rest[1:n-1], m.rest[n:]
	if m.blanks(); !m.take(':') {
		return false
	}
	m.blanks()
	n = valueLen(m.rest)
	m.Value, m.rest = m.rest[:n], m.rest[n:]
	return n > 0
}

// Raw is what stands between the quotes of a value that is a string, not decoded. ok is false for any other value.
func (m *Members) Raw() (text []byte, ok bool) {
	if n := len(m.Value); n >= 2 && m.Value[0] == '"' {
		return m.Value[1 : n-1], true
	}
	return nil, false
}

func (m *Members) blanks() {
	for len(m.rest) > 0 && (m.rest[0] == ' ' || m.rest[0] == '\t') {
		m.rest = m.rest[1:]
	}
}

func (m *Members) take(c byte) bool {
	if len(m.rest) == 0 || m.rest[0] != c {
		return false
	}
	m.rest = m.rest[1:]
	return true
}

// stringLen is the length of the JSON string that b begins with, 0 without one.
func stringLen(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	for end := 1; ; {
		n := bytes.IndexByte(b[end:], '"')
		if n < 0 {
			return 0
		}
		end += n + 1
		slashes := 0
		for b[end-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return end
		}
	}
}

// valueLen is the length of the JSON value that b begins with, 0 without one. What stands in lists and objects is not
// looked at, but for where it ends.
func valueLen(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := stringLen(b[i:])
			if n == 0 {
				return 0
			}
			if i += n - 1; depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t':
			if depth == 0 {
				return i
			}
		}
	}
	return 0
}

// AppendUnquoted appends what the inside of a JSON string says to dst. What is no escape is kept as it is.
func AppendUnquoted(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 || i+1 == len(b) {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		b = b[i+1:]
		if b[0] == 'u' {
			var r rune
			r, b = cutRune(b)
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, unescaped(b[0]))
		b = b[1:]
	}
}

// unescaped is the byte that a letter behind a backslash stands for.
func unescaped(c byte) byte {
	const letters, meant = "nrtbf", "\n\r\t\b\f"
	if i := strings.IndexByte(letters, c); i >= 0 {
		return meant[i]
	}
	return c
}

// cutRune reads "u" and four hexadecimal digits, or two such for a rune beyond 16 bits.
func cutRune(b []byte) (r rune, rest []byte) {
	const digits = 4
	if len(b) < 1+digits {
		return utf8.RuneError, nil
	}
	r, rest = hexRune(b[1:1+digits]), b[1+digits:]
	if utf16.IsSurrogate(r) && len(rest) >= 2+digits && rest[0] == '\\' && rest[1] == 'u' {
		return utf16.DecodeRune(r, hexRune(rest[2:2+digits])), rest[2+digits:]
	}
	return r, rest
}

func hexRune(b []byte) rune {
	n, err := strconv.ParseUint(string(b), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}
