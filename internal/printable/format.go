package printable

import (
	"net/netip"
	"time"
)

// Time returns a time for people, in UTC; "-" for none.
func Time(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateTime)
}

// Prefix returns a network, and one that holds a single address as that address.
func Prefix(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
