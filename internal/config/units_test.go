package config

import (
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
		back string
	}{
		{"1s", time.Second, "1s"},
		{"90s", 90 * time.Second, "1m30s"},
		{"15m", 15 * time.Minute, "15m"},
		{"1.5h", 90 * time.Minute, "1h30m"},
		{"1h", time.Hour, "1h"},
		{"10h", 10 * time.Hour, "10h"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"24h", 24 * time.Hour, "1d"},
		{"1d12h", 36 * time.Hour, "36h"},
		{"10d", 240 * time.Hour, "10d"},
		{"1w", 168 * time.Hour, "1w"},
		{"1s500ms", 1500 * time.Millisecond, "1.5s"},
		{"15000w", 15000 * 168 * time.Hour, "15000w"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			got, err := ParseDuration(tt.text)
			if err != nil || got != tt.want {
				t.Errorf("ParseDuration = %v, %v; want %v", got, err, tt.want)
			}
			if back := FormatDuration(got); back != tt.back {
				t.Errorf("FormatDuration = %s, want %s", back, tt.back)
			}
		})
	}
}

func TestBadDurations(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", `"" is too short; write 1s or more`},
		{"0", `"0" is too short; write 1s or more`},
		{"0s", `"0s" is too short; write 1s or more`},
		{"-1", `"-1" is too short; write 1s or more`},
		{"-1h", `"-1h" is too short; write 1s or more`},
		{"999ms", `"999ms" is too short; write 1s or more`},
		{"60", `"60" has no unit; write 60s`},
		{"1h30", `"1h30" has no unit; write 1h30s`},
		{"1.2.3h", `"1.2.3h" is not a length of time; write one like 90s, 15m, 1h, 1d or 1w`},
		{"1 h", `"1 h" has the unknown unit " h"; known: s, m, h, d, w`},
		{"1y", `"1y" has the unknown unit "y"; known: s, m, h, d, w`},
		{"+1h", `"+1h" is not a length of time; write one like 90s, 15m, 1h, 1d or 1w`},
		{"99999999999h", `"99999999999h" is too long; write 15000w or less`},
		{"15000w15000w", `"15000w15000w" is too long; write 15000w or less`},
	} {
		t.Run(tt.text, func(t *testing.T) {
			if _, err := ParseDuration(tt.text); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestPrefixes(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"203.0.113.7", "203.0.113.7/32"},
		{"203.0.113.0/24", "203.0.113.0/24"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"::ffff:203.0.113.7", "203.0.113.7/32"},
		{"::ffff:203.0.113.0/120", "203.0.113.0/24"},
		{"0.0.0.0/0", "0.0.0.0/0"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			if got, err := ParsePrefix(tt.text); err != nil || got.String() != tt.want {
				t.Errorf("ParsePrefix = %v, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"15m", "1d12h", "1w", "60", "-1", "1.5.h", "99999999999w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if d < minDuration {
			t.Errorf("ParseDuration = %v, shorter than %v", d, minDuration)
		}
		if again, err := ParseDuration(FormatDuration(d)); err != nil || again != d {
			t.Errorf("%v written as %s reads as %v, %v", d, FormatDuration(d), again, err)
		}
	})
}

func FuzzParsePrefix(f *testing.F) {
	for _, s := range []string{"203.0.113.7", "203.0.113.0/24", "::ffff:203.0.113.0/120", "fe80::1%eth0", "::/0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePrefix(s)
		if err != nil {
			return
		}
		if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
			t.Errorf("ParsePrefix = %v", p)
		}
		if again, err := ParsePrefix(p.String()); err != nil || again != p {
			t.Errorf("%v reads as %v, %v", p, again, err)
		}
	})
}
