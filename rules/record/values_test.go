package record

import (
	"net/netip"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	ref := time.Date(2026, 1, 2, 0, 0, 0, 0, berlin)
	tests := []struct{ text, want string }{
		{"2026-11-23 10:45:24,131", "2026-11-23T10:45:24.131Z"},
		{"[2026-11-23 10:45:24.131]", "2026-11-23T10:45:24.131Z"},
		{"2026-11-23T10:45:24Z", "2026-11-23T10:45:24Z"},
		{"2026-11-23T10:45:24.123456+01:00", "2026-11-23T09:45:24.123456Z"},
		{"2026-11-23T10:45:24.123+0100", "2026-11-23T09:45:24.123Z"},
		{"2026-11-23 10:45:24+02:00", "2026-11-23T08:45:24Z"},
		{"2026-11-23 10:45:24", "2026-11-23T10:45:24Z"},
		{"2026-11-23T10:45:24", "2026-11-23T10:45:24Z"},
		{"23/Nov/2026:10:45:24 +0100", "2026-11-23T09:45:24Z"},
		{"23/Nov/2026 10:45:24", "2026-11-23T10:45:24Z"},
		{"1795430724", "2026-11-23T10:45:24Z"},
		{"1795430724.131", "2026-11-23T10:45:24.131Z"},
		{"1795430724.1312345678", "2026-11-23T10:45:24.131234567Z"},
		{"Jan  1 10:45:24", "2026-01-01T09:45:24Z"},
		{"Dec 31 10:45:24", "2025-12-31T09:45:24Z"},
		{"Dec 31 10:45:24.5", "2025-12-31T09:45:24.5Z"},
		{"Feb 29 10:45:24", "2024-02-29T09:45:24Z"},
		{"Nov 31 10:45:24", ""},
		{"2026-11-23 10:45:24 x", ""},
		{"32/Nov/2026 10:45:24", ""},
		{"yesterday", ""},
		{"", ""},
		{"1234", ""},
	}
	for _, tt := range tests {
		got := ""
		if when, ok := ParseTime([]byte(tt.text), ref); ok {
			got = when.Format(time.RFC3339Nano)
		}
		if got != tt.want {
			t.Errorf("ParseTime(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
	if _, ok := ParseTime([]byte("Jan  1 10:45:24"), time.Time{}); ok {
		t.Error("a time without a year was read without a moment to go by")
	}
}

func TestParseHost(t *testing.T) {
	tests := []struct{ text, want string }{
		{"203.0.113.7", "203.0.113.7"},
		{" 203.0.113.7", "203.0.113.7"},
		{"203.0.113.7:51234", "203.0.113.7"},
		{"::ffff:203.0.113.7", "203.0.113.7"},
		{"2001:db8::7", "2001:db8::7"},
		{"fe80::1%eth0", "fe80::1"},
		{"[2001:db8::7]", "2001:db8::7"},
		{"[2001:db8::7]:51234", "2001:db8::7"},
		{"[203.0.113.7]", ""},
		{"203.0.113.7, 172.18.0.5", ""},
		{"203.0.113.07", ""},
		{"203.0.113.256", ""},
		{"203.0.113", ""},
		{"203.0.113.7:x", ""},
		{"unknown", ""},
		{"n/a", ""},
		{"", ""},
		{"[]", ""},
	}
	for _, tt := range tests {
		got := ""
		if addr, ok := ParseHost([]byte(tt.text)); ok {
			got = addr.String()
		}
		if got != tt.want {
			t.Errorf("ParseHost(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

// FuzzIPv4 holds what is read by position against package netip.
func FuzzIPv4(f *testing.F) {
	for _, text := range []string{"203.0.113.7", "0.0.0.0", "255.255.255.255", "256.1.1.1", "01.2.3.4", "1.2.3", "1.2.3.4.", "::1"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := ParseIPv4(text)
		want, err := netip.ParseAddr(string(text))
		if wantOK := err == nil && want.Is4(); ok != wantOK || ok && got != want {
			t.Errorf("%q is %v, %v; want %v, %v", text, got, ok, want, err)
		}
	})
}

// FuzzHost holds that what is read is an address as the rest of the program knows them.
func FuzzHost(f *testing.F) {
	for _, text := range []string{"203.0.113.7:1", "[fe80::1%a]:1", "::ffff:1.2.3.4", "[::1]", "1.2.3.4, 5.6.7.8"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if addr, ok := ParseHost(text); ok && (!addr.IsValid() || addr.Zone() != "" || addr.Is4In6()) {
			t.Errorf("%q is %v", text, addr)
		}
		if when, ok := ParseTime(text, ref); ok && (when.Year() < 1970 || when.Year() > 9999) {
			t.Errorf("%q is %v", text, when)
		}
	})
}

func TestStripColour(t *testing.T) {
	for text, want := range map[string]string{
		"INFO":                            "INFO",
		"\x1b[1;32m\x1b[1;49mINFO\x1b[0m": "INFO",
		"\x1b[":                           "",
		"\x1b[1":                          "\x1b[1",
		"":                                "",
	} {
		if got := StripColour([]byte(text)); string(got) != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
