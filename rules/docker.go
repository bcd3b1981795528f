package rules

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Docker's json-file driver keeps each line of a container as an object:
//
//	{"log":"2026-11-23 10:45:45,456 1 INFO db odoo: started\n","stream":"stderr","time":"2026-11-23T10:45:45.456789012Z"}
//
// (daemon/logger/jsonfilelog/jsonlog/jsonlogbytes.go). A line longer than 16 KiB
// comes in pieces; all but the last lack the line end.
var dockerPrefix = []byte(`{"log":"`)

// pieceSize is how much of a line Docker keeps in one object.
const pieceSize = 16 << 10

// dockerLog joins the pieces of lines.
type dockerLog struct {
	// pieces are the beginnings of lines, of standard output and of standard
	// error, latest how many bytes of the source had been read at the latest.
	pieces [2][]byte
	latest int64
	text   []byte // for decoding
}

// open says whether the end of a line is to come. What has not come after a
// horizon never will.
func (d *dockerLog) open(offset int64) bool {
	if len(d.pieces[0])+len(d.pieces[1]) == 0 {
		return false
	}
	if offset-d.latest > horizon {
		d.pieces = [2][]byte{}
		return false
	}
	return true
}

// unwrap returns the line that an object ends, and whether pieces of it came
// before; ok is false where more is to come. Any other line is returned as it
// is. The text is valid until the next call.
func (d *dockerLog) unwrap(line []byte, offset int64) (text []byte, joined, ok bool) {
	content, stream, ok := cutDocker(line)
	if !ok {
		return line, false, true
	}
	if n := len(content) - len(`\n`); n >= 0 && bytes.IndexByte(content, '\\') == n && content[n+1] == 'n' {
		content = content[:n]
		if len(d.pieces[stream]) == 0 {
			return bytes.TrimSuffix(content, carriageReturn), false, true
		}
		return d.join(stream, content), true, true
	}
	d.text = unquote(d.text[:0], content)
	whole := bytes.TrimSuffix(d.text, newline)
	switch {
	case len(whole) == len(d.text):
		d.latest = offset
		d.pieces[stream] = appendBounded(d.pieces[stream], whole)
		return nil, false, false
	case len(d.pieces[stream]) == 0:
		return bytes.TrimSuffix(whole, carriageReturn), false, true
	}
	return d.join(stream, whole), true, true
}

// join returns the line that rest ends.
func (d *dockerLog) join(stream int, rest []byte) []byte {
	line := appendBounded(d.pieces[stream], rest)
	d.pieces[stream] = nil
	return bytes.TrimSuffix(line, carriageReturn)
}

// longestLine bounds what is kept of a line in pieces.
const longestLine = 1 << 20

// appendBounded appends b to a; of what gets too long the middle is left out.
func appendBounded(a, b []byte) []byte {
	a = append(a, b...)
	if len(a) > longestLine {
		a = append(a[:longestLine/2], a[len(a)-longestLine/2:]...)
	}
	return a
}

// cutDocker returns what stands in the log field of an object, and whether it
// was written to standard output (0) or standard error (1).
func cutDocker(line []byte) (content []byte, stream int, ok bool) {
	content, ok = bytes.CutPrefix(line, dockerPrefix)
	if !ok {
		return nil, 0, false
	}
	end := stringEnd(content)
	if end < 0 {
		return nil, 0, false
	}
	rest := content[end:]
	switch {
	case bytes.HasPrefix(rest, []byte(`","stream":"stdout"`)):
	case bytes.HasPrefix(rest, []byte(`","stream":"stderr"`)):
		stream = 1
	default:
		return nil, 0, false
	}
	return content[:end], stream, true
}

// stringEnd is where the quote stands that ends a JSON string; -1 without one.
func stringEnd(b []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '"')
		if i < 0 {
			return -1
		}
		end := from + i
		escapes := 0
		for end-escapes > 0 && b[end-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end
		}
		from = end + 1
	}
}

// unquote appends what a JSON string says. What is no escape is kept as it is.
func unquote(dst, b []byte) []byte {
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
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	}
	return c
}

// cutRune reads "u" and four hexadecimal digits, or two such for a rune beyond
// 16 bits.
func cutRune(b []byte) (rune, []byte) {
	const digits = 4
	if len(b) < 1+digits {
		return utf8.RuneError, nil
	}
	n, err := strconv.ParseUint(string(b[1:1+digits]), 16, 16)
	b = b[1+digits:]
	if err != nil {
		return utf8.RuneError, b
	}
	r := rune(n)
	if utf16.IsSurrogate(r) && len(b) >= 2+digits && b[0] == '\\' && b[1] == 'u' {
		if low, err := strconv.ParseUint(string(b[2:2+digits]), 16, 16); err == nil {
			return utf16.DecodeRune(r, rune(low)), b[2+digits:]
		}
	}
	return r, b
}

// cutStamp cuts what `docker logs -t` puts in front of each line:
// "2026-11-23T10:45:45.456789012Z ".
func cutStamp(line []byte) []byte {
	const shortest, longest = len("2006-01-02T15:04:05Z"), len("2006-01-02T15:04:05.999999999-07:00")
	if len(line) <= shortest || line[4] != '-' || line[10] != 'T' || line[13] != ':' {
		return line
	}
	end := bytes.IndexByte(line[:min(len(line), longest+1)], ' ')
	if end < shortest {
		return line
	}
	return line[end+1:]
}
