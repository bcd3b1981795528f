// Package printable writes for people: what others chose, such as the name of a
// login, so that a terminal shows it and does nothing else, and counts, times and
// networks, so that they are the same everywhere.
package printable

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns a text in which what does not print, `"` and `\` are escapes as in
// a Go string. Different texts stay different.
func Text(text string) string {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted := strconv.Quote(text)
			return quoted[1 : len(quoted)-1]
		}
	}
	return text
}

// Original undoes Text. A text that Text did not write is taken as it is.
func Original(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	if original, err := strconv.Unquote(`"` + text + `"`); err == nil {
		return original
	}
	return text
}

// Lines returns a text of several lines, written for people, in which what does
// not print is an escape, but no line end, `"` or `\`. What is no UTF-8 becomes
// U+FFFD.
func Lines(text string) string {
	var safe strings.Builder
	for _, r := range text {
		if r == '\n' || strconv.IsPrint(r) {
			safe.WriteRune(r)
		} else {
			safe.WriteString(Text(string(r)))
		}
	}
	return safe.String()
}

// JSON writes one document, indented, with escapes for what does not print:
// JSON leaves some of that as it is, such as the character that begins a command
// to a terminal in eight bits.
func JSON(w io.Writer, v any) error { return writeJSON(w, v, "  ") }

// JSONLine does the same in one line.
func JSONLine(w io.Writer, v any) error { return writeJSON(w, v, "") }

func writeJSON(w io.Writer, v any, indent string) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	var safe bytes.Buffer
	for rest := text.Bytes(); len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		if r == '\n' || strconv.IsPrint(r) {
			safe.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&safe, `\u%04x`, unit)
		}
	}
	_, err := w.Write(safe.Bytes())
	return err
}
