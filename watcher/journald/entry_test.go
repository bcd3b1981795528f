package journald

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// journalEntries are what journalctl of systemd 252 wrote, cut to the fields
// that matter.
var journalEntries = []struct {
	name, json, text string
	dropped          uint64
	bad              bool
}{
	{name: "line", text: "hello, w\u00f6rld", json: `"MESSAGE":"hello, w\u00f6rld"`},
	{name: "bytes", text: "bin \xff\x01", json: `"MESSAGE":[98,105,110,32,255,1]`},
	{name: "empty", text: "", json: `"MESSAGE":""`},
	{name: "not over", text: "half\x00", json: `"MESSAGE":"half","_LINE_BREAK":"line-max"`},
	{name: "dropped", json: `"MESSAGE":"Suppressed 1869 messages from odoo.service","N_DROPPED":"1869"`, dropped: 1869},
	{name: "too long", json: `"MESSAGE":null`, bad: true},
	{name: "no text", json: `"PRIORITY":"6"`, bad: true},
	{name: "no byte", json: `"MESSAGE":[256]`, bad: true},
	{name: "two texts", json: `"MESSAGE":["one","two"]`, bad: true},
	{name: "two lines", json: `"MESSAGE":"one\ntwo"`, bad: true},
	{name: "number", json: `"MESSAGE":7`, bad: true},
	{name: "no such number", json: `"MESSAGE":"x","N_DROPPED":"-1"`, bad: true},
	{name: "other cursor", json: `"MESSAGE":"x","__CURSOR":"--file=x"`, bad: true},
	{name: "other boot", json: `"MESSAGE":"x","_BOOT_ID":"x"`, bad: true},
	{name: "no time", json: `"MESSAGE":"x","__REALTIME_TIMESTAMP":"noon"`, bad: true},
	{name: "the far future", json: `"MESSAGE":"x","__REALTIME_TIMESTAMP":"253402300800000000"`, bad: true},
	{name: "a long boot", json: `"MESSAGE":"x","__MONOTONIC_TIMESTAMP":"281474976710656"`, bad: true},
	{name: "cut off", json: `"MESSAGE":"x`, bad: true},
}

// entryJSON is an entry with these fields besides those that each has.
func entryJSON(fields string) []byte {
	return []byte(`{"__CURSOR":"s=7d20;i=3;b=fba1;m=2df6ed961;t=660f35a026d8c;x=9ce9","__REALTIME_TIMESTAMP":"1795448163691916",` +
		`"__MONOTONIC_TIMESTAMP":"12338518369","_BOOT_ID":"fba1f313014a4c199cf0eaa1fc7136f5",` + fields + "}")
}

func TestParseJournalEntry(t *testing.T) {
	for _, tt := range journalEntries {
		t.Run(tt.name, func(t *testing.T) {
			e, err := parseEntry(entryJSON(tt.json))
			if (err != nil) != tt.bad {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			if tt.dropped == 0 && string(e.text) != tt.text || e.dropped != tt.dropped {
				t.Errorf("text %q, dropped %d", e.text, e.dropped)
			}
			if want := time.Date(2026, 11, 23, 15, 36, 3, 691916000, time.UTC); !e.stamp.Equal(want) || e.monotonic != 12338518369 {
				t.Errorf("stamp %v, %d µs after boot", e.stamp.UTC(), e.monotonic)
			}
		})
	}
}

func FuzzParseJournalEntry(f *testing.F) {
	for _, tt := range journalEntries {
		f.Add(entryJSON(tt.json))
	}
	f.Add([]byte("null"))
	f.Add([]byte(`{"message":[1],"MESSAGE":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseEntry(data)
		if err != nil {
			return
		}
		if bytes.IndexByte(e.text, '\n') >= 0 {
			t.Errorf("line has an end: %q", e.text)
		}
		if strings.HasPrefix(e.cursor, "-") || !isCursor(e.cursor) || !isBoot(e.boot) {
			t.Errorf("cursor %q, boot %q", e.cursor, e.boot)
		}
		if year := e.stamp.Year(); year < 1969 || year > 10000 {
			t.Errorf("stamp %v", e.stamp)
		}
		var n numbering
		first, second := n.place(&e), n.place(&e)
		if first.Offset < 0 || second.Offset != first.Offset+1 {
			t.Errorf("places %v and %v", first, second)
		}
	})
}
