package framing

import "time"

// Digits reads b as a decimal number; it is -1 where b holds anything else. The caller bounds the length: up to 18
// digits fit.
func Digits(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isNumber(b []byte) bool { return len(b) > 0 && Digits(b) >= 0 }

// CutTime reads the time that b begins with, of RFC 3339 or ISO 8601: a date, "T" or a blank, the time of day; then,
// where there are such, a fraction of up to nine digits behind a dot or a comma, and a zone ("Z", "+01:00", "+0100").
// Without a zone it is UTC. n is its length, 0 where b begins with no time of 1970 to 9999.
func CutTime(b []byte) (t time.Time, zoned bool, n int) {
	const whole = len("2026-11-23 10:45:45")
	if len(b) < whole || b[4] != '-' || b[7] != '-' || b[10] != ' ' && b[10] != 'T' {
		return time.Time{}, false, 0
	}
	year, month, day := Digits(b[0:4]), Digits(b[5:7]), Digits(b[8:10])
	seconds, ok := timeOfDay(b[11:whole])
	if !ok || year < 0 || month < 1 || month > 12 || day < 1 || day > 31 {
		return time.Time{}, false, 0
	}
	nanos, n := fraction(b, whole)
	offset, end := zone(b, n)
	t = time.Date(year, time.Month(month), day, 0, 0, seconds, nanos, time.UTC)
	if t.Day() != day {
		return time.Time{}, false, 0
	}
	t = t.Add(-time.Duration(offset) * time.Second)
	if t.Unix() < 0 || t.Year() > 9999 {
		return time.Time{}, false, 0
	}
	return t, end > n, end
}

// timeOfDay reads "10:45:45" as seconds.
func timeOfDay(b []byte) (seconds int, ok bool) {
	hour, minute, second := Digits(b[0:2]), Digits(b[3:5]), Digits(b[6:8])
	if b[2] != ':' || b[5] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, false
	}
	return hour*3600 + minute*60 + second, true
}

// fraction reads ".456" or ",456" at a place, where it may be, and returns where it ends.
func fraction(b []byte, at int) (nanos, end int) {
	const most = 9
	if at+1 >= len(b) || b[at] != '.' && b[at] != ',' || !isDigit(b[at+1]) {
		return 0, at
	}
	digits := 0
	for end = at + 1; end < len(b) && digits < most && isDigit(b[end]); end++ {
		nanos = nanos*10 + int(b[end]-'0')
		digits++
	}
	for ; digits < most; digits++ {
		nanos *= 10
	}
	return nanos, end
}

// zone reads "Z", "+01:00" or "+0100" at a place, where it may be, and returns the offset in seconds and where it ends.
func zone(b []byte, at int) (offset, end int) {
	if at < len(b) && b[at] == 'Z' {
		return 0, at + 1
	}
	const short = len("+0100")
	if len(b) < at+short || b[at] != '+' && b[at] != '-' {
		return 0, at
	}
	minutes := at + 3
	if b[minutes] == ':' {
		minutes++
	}
	if end = minutes + 2; end > len(b) {
		return 0, at
	}
	hour, minute := Digits(b[at+1:at+3]), Digits(b[minutes:end])
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return 0, at
	}
	if offset = hour*3600 + minute*60; b[at] == '-' {
		offset = -offset
	}
	return offset, end
}

// CutZone reads the zone that b begins with: "Z", "+01:00" or "+0100". n is its length, 0 without one.
func CutZone(b []byte) (offset time.Duration, n int) {
	seconds, n := zone(b, 0)
	return time.Duration(seconds) * time.Second, n
}

// Month reads "Jan" to "Dec" at the start of b; it is 0 for anything else.
func Month(b []byte) int {
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	if len(b) < 3 {
		return 0
	}
	for i := 0; i < len(months); i += 3 {
		if string(b[:3]) == months[i:i+3] {
			return i/3 + 1
		}
	}
	return 0
}

// CutYearless reads syslog's "Nov 23 10:45:45" at the start of b, with or without a fraction. It names neither year nor
// zone: it is taken in ref's zone, as the last such moment before a day after ref, and is zero where ref is. n is its
// length, 0 where b begins with no such time.
func CutYearless(b []byte, ref time.Time) (t time.Time, n int) {
	const whole = len("Nov 23 10:45:45")
	if len(b) < whole || b[3] != ' ' || b[6] != ' ' {
		return time.Time{}, 0
	}
	month, day := Month(b), Digits(b[4:6])
	if b[4] == ' ' {
		day = Digits(b[5:6])
	}
	seconds, ok := timeOfDay(b[7:whole])
	if !ok || month == 0 || day < 1 || day > 31 {
		return time.Time{}, 0
	}
	nanos, n := fraction(b, whole)
	if ref.IsZero() {
		return time.Time{}, n
	}
	end := ref.AddDate(0, 0, 1)
	for year := end.Year(); year >= end.Year()-8; year-- { // A leap day can be eight years past.
		t = time.Date(year, time.Month(month), day, 0, 0, seconds, nanos, end.Location())
		if t.Day() == day && t.Before(end) {
			return t.UTC(), n
		}
	}
	return time.Time{}, 0
}
