package printable

import (
	"net/netip"
	"testing"
	"time"
)

func TestTime(t *testing.T) {
	tests := []struct {
		name string
		time time.Time
		want string
	}{
		{"none", time.Time{}, "-"},
		{"another zone", time.Date(2026, 11, 23, 11, 48, 57, 9, time.FixedZone("CET", 3600)), "2026-11-23 10:48:57"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Time(tt.time); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestPrefix(t *testing.T) {
	for prefix, want := range map[string]string{
		"203.0.113.7/32": "203.0.113.7", "203.0.113.0/24": "203.0.113.0/24", "2001:db8::/64": "2001:db8::/64",
		"2001:db8::1/128": "2001:db8::1",
	} {
		if got := Prefix(netip.MustParsePrefix(prefix)); got != want {
			t.Errorf("%s: got %s, want %s", prefix, got, want)
		}
	}
}
