package rules

import (
	"bytes"
	"time"
)

// stampLen is the length of "2026-11-23 10:45:24,131".
const stampLen = 23

// parseStamp reads "2026-11-23 10:45:24,131" at the start of b, in UTC: Odoo
// sets TZ=UTC in its own process. A dot may stand for the comma.
func parseStamp(b []byte) (time.Time, bool) {
	if len(b) < stampLen || b[4] != '-' || b[7] != '-' || b[10] != ' ' && b[10] != 'T' ||
		b[13] != ':' || b[16] != ':' || b[19] != ',' && b[19] != '.' {
		return time.Time{}, false
	}
	year, month, day := digits(b[0:4]), digits(b[5:7]), digits(b[8:10])
	hour, minute, second, milli := digits(b[11:13]), digits(b[14:16]), digits(b[17:19]), digits(b[20:23])
	if year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || milli < 0 {
		return time.Time{}, false
	}
	if day > 28 && time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day {
		return time.Time{}, false
	}
	seconds := int64(daysTo(year, month, day))*86400 + int64(hour*3600+minute*60+second)
	return time.Unix(seconds, int64(milli)*int64(time.Millisecond)).UTC(), true
}

// minute is the latest minute that was read: the next line is nearly always of
// the same. The zero value is ready.
type minute struct {
	known  bool
	text   [len("2026-11-23 10:45")]byte
	begins int64 // in seconds since 1970
}

// parse does what parseStamp does.
func (m *minute) parse(b []byte) (time.Time, bool) {
	if len(b) < stampLen || !m.known || [len(m.text)]byte(b) != m.text || b[16] != ':' || b[19] != ',' && b[19] != '.' {
		when, ok := parseStamp(b)
		if ok {
			m.known, m.text = true, [len(m.text)]byte(b)
			m.begins = when.Unix() - int64(when.Second())
		}
		return when, ok
	}
	second, milli := digits(b[17:19]), digits(b[20:stampLen])
	if second < 0 || second > 59 || milli < 0 {
		return time.Time{}, false
	}
	return time.Unix(m.begins+int64(second), int64(milli)*int64(time.Millisecond)).UTC(), true
}

// daysTo counts the days from 1970 to a date. It is what time.Date does, without
// all the rest: this is done for every line that is looked at.
func daysTo(year, month, day int) int {
	if month <= 2 { // years begin in March, so that the leap day is the last
		year, month = year-1, month+12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719469
}

// digits reads b as a decimal number; it is -1 where b holds anything else.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// timeLayouts are the forms of time that user rules and syslog headers may
// hold, besides Odoo's own: RFC 3339, ISO 8601 without a zone (taken as UTC),
// and the common log format of web servers.
var timeLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999-0700",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999",
	"02/Jan/2006:15:04:05 -0700",
	"02/Jan/2006 15:04:05",
}

// longestTime bounds what is tried as a time.
const longestTime = 40

// ParseTime reads a time of any of the forms that logs commonly use: Odoo's
// own, RFC 3339, ISO 8601, the common log format, seconds since 1970, and
// syslog's "Jan _2 15:04:05". A form without a zone is UTC, but for syslog's,
// which names neither zone nor year: it is taken in ref's zone, as the last
// such moment before a day after ref.
func ParseTime(b []byte, ref time.Time) (time.Time, bool) {
	b = bytes.Trim(b, "[] ")
	if t, ok := parseStamp(b); ok && len(b) == stampLen && b[10] == ' ' {
		return t, true
	}
	if len(b) == 0 || len(b) > longestTime {
		return time.Time{}, false
	}
	s := string(b)
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), sane(t)
		}
	}
	if t, ok := parseEpoch(b); ok {
		return t, true
	}
	return parseYearless(s, ref)
}

// parseSyslogTime reads the time at the start of a syslog header, in its
// traditional form or in RFC 3339.
func parseSyslogTime(line []byte, ref time.Time) (time.Time, bool) {
	const traditional = len("Jan _2 15:04:05")
	if first, _, ok := bytes.Cut(line, space); ok && len(first) > traditional {
		return ParseTime(first, ref)
	}
	if len(line) < traditional {
		return time.Time{}, false
	}
	return parseYearless(string(line[:traditional]), ref)
}

// parseYearless reads "Jan _2 15:04:05". Without a ref there is no telling
// the year.
func parseYearless(s string, ref time.Time) (time.Time, bool) {
	if ref.IsZero() {
		return time.Time{}, false
	}
	// A leap year, so that February 29 parses.
	t, err := time.Parse("2006 Jan _2 15:04:05", "2000 "+s)
	if err != nil {
		return time.Time{}, false
	}
	for year := ref.Year() + 1; year > ref.Year()-8; year-- {
		at := time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, ref.Location())
		if at.Day() == t.Day() && at.Before(ref.AddDate(0, 0, 1)) {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseEpoch reads seconds since 1970, with or without a fraction.
func parseEpoch(b []byte) (time.Time, bool) {
	whole, frac, _ := bytes.Cut(b, []byte("."))
	if len(whole) != 10 || len(frac) > 9 {
		return time.Time{}, false
	}
	seconds, nanos := digits(whole), digits(frac)
	if seconds < 0 || nanos < 0 {
		return time.Time{}, false
	}
	for range 9 - len(frac) {
		nanos *= 10
	}
	return time.Unix(int64(seconds), int64(nanos)).UTC(), true
}

// sane says whether t is a time a log line can have and JSON can hold.
func sane(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1970 && year <= 9999
}
