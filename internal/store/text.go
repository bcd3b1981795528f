package store

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"odooban/rules"
)

// printable writes a text so that it can be read back from any tool: bytes that
// are not printable UTF-8, which an attacker may have chosen for the terminal
// they end up on, and `"` and `\` become escapes as in a Go string. Different
// texts stay different.
func printable(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted := strconv.Quote(s)
			return quoted[1 : len(quoted)-1]
		}
	}
	return s
}

// original undoes printable. A text that somebody else wrote is taken as it is.
func original(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	if text, err := strconv.Unquote(`"` + s + `"`); err == nil {
		return text
	}
	return s
}

// placeText is the place as printable text, which is what tells for good that a
// line has been read before.
func placeText(p rules.Place) string {
	return generationText(p.Generation) + strconv.FormatInt(p.Offset, 10)
}

// generationText is what the text of each place in a generation begins with.
func generationText(name string) string { return printable(name) + "@" }

// placeOf undoes placeText. A text that somebody else wrote is a generation of its
// own.
func placeOf(s string) rules.Place {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		if offset, err := strconv.ParseInt(s[at+1:], 10, 64); err == nil {
			return rules.Place{Generation: original(s[:at]), Offset: offset}
		}
	}
	return rules.Place{Generation: original(s)}
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
