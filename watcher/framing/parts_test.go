package framing

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"
)

func TestCutTime(t *testing.T) {
	tests := []struct {
		text, want string
		zoned      bool
		n          int
	}{
		{"2026-11-23 10:45:24,131 7 INFO", "2026-11-23T10:45:24.131Z", false, 23},
		{"2026-11-23 10:45:24.131", "2026-11-23T10:45:24.131Z", false, 23},
		{"2026-11-23T10:45:24Z x", "2026-11-23T10:45:24Z", true, 20},
		{"2026-11-23T10:45:24.123456+01:00", "2026-11-23T09:45:24.123456Z", true, 32},
		{"2026-11-23T10:45:24.123-0130x", "2026-11-23T12:15:24.123Z", true, 28},
		{"2026-11-23 10:45:24.1234567891", "2026-11-23T10:45:24.123456789Z", false, 29},
		{"2026-11-23 10:45:24. x", "2026-11-23T10:45:24Z", false, 19},
		{"2026-11-23 10:45:24 +0100", "2026-11-23T10:45:24Z", false, 19},
		{"2024-02-29 23:59:59", "2024-02-29T23:59:59Z", false, 19},
		{"2026-02-29 23:59:59", "", false, 0},
		{"2026-13-01 23:59:59", "", false, 0},
		{"2026-12-01 24:00:00", "", false, 0},
		{"2026-12-01 23:59:60", "", false, 0},
		{"1969-12-01 23:59:00", "", false, 0},
		{"1970-01-01 00:00:00+01:00", "", false, 0},
		{"9999-12-31T23:59:59-01:00", "", false, 0},
		{"2026-11-23", "", false, 0},
		{"2026-11-23_10:45:24", "", false, 0},
		{"2O26-11-23 10:45:24", "", false, 0},
	}
	for _, tt := range tests {
		got := ""
		when, zoned, n := CutTime([]byte(tt.text))
		if n > 0 {
			got = when.Format(time.RFC3339Nano)
		}
		if got != tt.want || zoned != tt.zoned || n != tt.n {
			t.Errorf("CutTime(%q) = %q, %v, %d; want %q, %v, %d", tt.text, got, zoned, n, tt.want, tt.zoned, tt.n)
		}
	}
}

// FuzzCutTime holds that what package time writes is read, and that of anything else comes a time that JSON can hold.
func FuzzCutTime(f *testing.F) {
	f.Add(int64(1795430724), uint32(131_000_000), int16(60), "2026-11-23 10:45:24,131 7")
	f.Add(int64(0), uint32(1), int16(-1), "1970-01-01T00:00:00+00:60")
	f.Add(int64(253402300799), uint32(999_999_999), int16(0), "9999-12-31T23:59:59.999999999Z")
	f.Fuzz(func(t *testing.T, seconds int64, nanos uint32, minutes int16, text string) {
		const day, end = 24 * 60, 253402300800
		seconds = (seconds%end + end) % end
		want := time.Unix(seconds, int64(nanos%1e9)).In(time.FixedZone("", int(minutes%day)*60))
		if year := want.Year(); year >= 1970 && year <= 9999 {
			written := want.Format(time.RFC3339Nano)
			if got, zoned, n := CutTime([]byte(written)); !got.Equal(want) || !zoned || n != len(written) {
				t.Errorf("%q is %v, %v, %d", written, got, zoned, n)
			}
		}
		when, _, n := CutTime([]byte(text))
		if n > len(text) || n > 0 && (when.Year() < 1970 || when.Year() > 9999) {
			t.Errorf("%q is %v, %d", text, when, n)
		}
		when, n = CutYearless([]byte(text), ref)
		if n > len(text) || n > 0 && !when.Before(ref.AddDate(0, 0, 1)) {
			t.Errorf("%q is %v, %d", text, when, n)
		}
	})
}

// FuzzMembers holds what is read of an object against encoding/json.
func FuzzMembers(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":"b"}`, `{"a" : [1,{"b":"]"}], "c":null} `, `{"a":"\"\\\u0041\ud83d\ude00"}`, `{"a":1,}`, `{"a"}`, `{"a":{}}x`,
		`{"a":"b` + "\x00" + `"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var m Members
		got := make(map[string]string)
		for m.Begin(text); m.Next(); {
			if raw, ok := m.Raw(); ok {
				got[string(AppendUnquoted(nil, m.Key))] = string(AppendUnquoted(nil, raw))
			}
		}
		var want map[string]json.RawMessage
		if !utf8.Valid(text) || json.Unmarshal(text, &want) != nil || want == nil {
			return // Not all that is no JSON is found out, nor needs to be.
		}
		if line := string(text); !m.Ended {
			for _, c := range line {
				if c == '\n' || c == '\r' {
					return // A line holds no line ends.
				}
			}
			t.Fatalf("%q is not read to its end", text)
		}
		for key, value := range want {
			var s string
			if len(value) == 0 || value[0] != '"' || json.Unmarshal(value, &s) != nil {
				continue
			}
			if got[key] != s {
				t.Errorf("%q of %q is %q, want %q", key, text, got[key], s)
			}
		}
	})
}
