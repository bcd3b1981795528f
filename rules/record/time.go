package record

import (
	"bytes"
	"time"

	"odooban/watcher/framing"
)

// ParseTime reads a time of any of the forms that logs commonly use: Odoo's own, RFC 3339, ISO 8601, the common log
// format, seconds since 1970, and syslog's "Jan _2 15:04:05". A form without a zone is UTC, but for syslog's, which
// names neither zone nor year: it is taken in ref's zone, as the last such moment before a day after ref.
func ParseTime(b []byte, ref time.Time) (time.Time, bool) {
	const longest = 40
	b = bytes.Trim(b, "[] ")
	if len(b) == 0 || len(b) > longest {
		return time.Time{}, false
	}
	if t, _, n := framing.CutTime(b); n == len(b) {
		return t, true
	}
	if t, n := framing.CutYearless(b, ref); n == len(b) {
		return t, !t.IsZero()
	}
	if len(b) > 2 && b[2] == '/' {
		return parseCommon(string(b))
	}
	return parseEpoch(b)
}

// parseCommon reads the common log format of web servers, and werkzeug's.
func parseCommon(s string) (time.Time, bool) {
	for _, layout := range []string{"02/Jan/2006:15:04:05 -0700", "02/Jan/2006 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			t = t.UTC()
			return t, t.Year() >= 1970 && t.Year() <= 9999
		}
	}
	return time.Time{}, false
}

// parseEpoch reads seconds since 1970, with or without a fraction.
func parseEpoch(b []byte) (time.Time, bool) {
	whole, fraction, _ := bytes.Cut(b, []byte("."))
	if len(whole) != 10 || len(fraction) > 18 {
		return time.Time{}, false
	}
	seconds, parts := Digits(whole), Digits(fraction)
	if seconds < 0 || parts < 0 {
		return time.Time{}, false
	}
	for digits := len(fraction); digits < 9; digits++ {
		parts *= 10
	}
	for digits := len(fraction); digits > 9; digits-- {
		parts /= 10
	}
	return time.Unix(int64(seconds), int64(parts)).UTC(), true
}
