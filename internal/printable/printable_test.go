package printable

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLines(t *testing.T) {
	got := Lines("Odoo's \"é\"\r\n\tC:\\ \x1b[2J\u202e\xff")
	if want := "Odoo's \"é\"\\r\n\\tC:\\ \\x1b[2J\\u202e\ufffd"; got != want {
		t.Errorf("Lines gives %q, want %q", got, want)
	}
}

func FuzzText(f *testing.F) {
	for _, text := range []string{"admin", "ad\x1b[2Jmin", "\u009b2J", "é", "\u202eadmin", "a\"b\\c", "\x00\xff", "\U000e0001", `\x41`, "`", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		printed := Text(text)
		if back := Original(printed); back != text {
			t.Errorf("%q is written %s and comes back as %q", text, printed, back)
		}
		_ = Original(text) // which any text may be
		var doc, line bytes.Buffer
		err := errors.Join(JSON(&doc, map[string]string{"text": text}), JSONLine(&line, text))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.ReplaceAll(Lines(text), "\n", "")
		for _, s := range []string{printed, lines, strings.ReplaceAll(doc.String(), "\n", ""), strings.TrimSuffix(line.String(), "\n")} {
			for _, r := range s {
				if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e {
					t.Errorf("%q commands a terminal: %q", text, s)
				}
			}
		}
		var back map[string]string
		if err := json.Unmarshal(doc.Bytes(), &back); err != nil || utf8.ValidString(text) && back["text"] != text {
			t.Errorf("%q is not as JSON: %s, %v", text, doc.String(), err)
		}
	})
}
