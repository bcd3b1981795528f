package store

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"odooban/internal/printable"
	"odooban/rules"
)

// placeText is the place as printable text, as all texts in the file are, which is what tells for good that a
// line has been read before.
func placeText(p rules.Place) string {
	return generationText(p.Generation) + strconv.FormatInt(p.Offset, 10)
}

// generationText is what the text of each place in a generation begins with.
func generationText(name string) string { return printable.Text(name) + "@" }

// placeOf undoes placeText. A text that somebody else wrote is a generation of its
// own.
func placeOf(s string) rules.Place {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		if offset, err := strconv.ParseInt(s[at+1:], 10, 64); err == nil {
			return rules.Place{Generation: printable.Original(s[:at]), Offset: offset}
		}
	}
	return rules.Place{Generation: printable.Original(s)}
}

// addrText is the address as text, empty for none.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// prefixText is the prefix as text, empty for none.
func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// toTime is the time that is ms milliseconds after 1970 began, in UTC.
func toTime(ms int64) time.Time {
	return time.UnixMilli(ms).UTC()
}
