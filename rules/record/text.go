package record

import (
	"bytes"

	"odooban/watcher/framing"
)

// Digits reads b as a decimal number of up to 18 digits, which the caller sees to; it is -1 where b holds anything
// else.
func Digits(b []byte) int { return framing.Digits(b) }

// escape begins what sets a colour.
const escape = 0x1b

// StripColour removes the sequences for colours, "ESC[1;32m", before b, and from the first one behind it on all.
func StripColour(b []byte) []byte {
	for len(b) > 2 && b[0] == escape && b[1] == '[' {
		end := bytes.IndexByte(b, 'm')
		if end < 0 {
			return b
		}
		b = b[end+1:]
	}
	if i := bytes.IndexByte(b, escape); i >= 0 {
		b = b[:i]
	}
	return b
}
