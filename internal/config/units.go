package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// digits are what a number is written with.
const digits = "0123456789."

// minDuration is the kernel's unit: a shorter ban would be none, or one without
// an end.
const minDuration = time.Second

// What is wrong with a length of time, and the cure.
var (
	errNoUnit     = errors.New("has no unit")
	errNoDuration = errors.New("is not a length of time; write one like 90s, 15m, 1h, 1d or 1w")
	errTooShort   = errors.New("is too short; write 1s or more")
	errTooLong    = errors.New("is too long; write 15000w or less")
)

// ParseDuration reads a length of time of one second or longer, in Go's units
// and d (24 h) and w (7 d): 90s, 15m, 1d12h. The error says what to write
// instead.
func ParseDuration(s string) (time.Duration, error) {
	d, err := sumDuration(s)
	if errors.Is(err, errNoUnit) {
		return 0, fmt.Errorf("%s %w; write %ss", quote(s), err, s)
	}
	if err != nil {
		return 0, fmt.Errorf("%s %w", quote(s), err)
	}
	return d, nil
}

func sumDuration(s string) (time.Duration, error) {
	// Before units: "write -1s" would be no cure for -1, which is fail2ban's
	// ban without an end.
	if n, err := strconv.ParseFloat(s, 64); err == nil && n < 1 {
		return 0, errTooShort
	}
	var sum time.Duration
	for rest := strings.TrimPrefix(s, "-"); rest != ""; {
		part, after, err := parsePart(rest)
		if err != nil {
			return 0, err
		}
		if sum += part; sum < 0 {
			return 0, errTooLong
		}
		rest = after
	}
	if sum < minDuration || s[0] == '-' {
		return 0, errTooShort
	}
	return sum, nil
}

// parsePart reads one number with its unit and returns what follows.
func parsePart(s string) (part time.Duration, rest string, err error) {
	unit := strings.TrimLeft(s, digits)
	number := s[:len(s)-len(unit)]
	if i := strings.IndexAny(unit, digits); i >= 0 {
		unit, rest = unit[:i], unit[i:]
	}
	if _, err := strconv.ParseFloat(number, 64); err != nil {
		return 0, "", errNoDuration
	}
	times := int64(1)
	switch unit {
	case "":
		return 0, "", errNoUnit
	case "d":
		unit, times = "h", int64(day/time.Hour)
	case "w":
		unit, times = "h", int64(week/time.Hour)
	case "ns", "us", "µs", "μs", "ms", "s", "m", "h":
	default:
		return 0, "", fmt.Errorf("has the unknown unit %s; known: s, m, h, d, w", quote(unit))
	}
	part, err = time.ParseDuration(number + unit)
	if err != nil || int64(part) > math.MaxInt64/times {
		return 0, "", errTooLong
	}
	return time.Duration(int64(part) * times), rest, nil
}

// FormatDuration writes a length of time in the shortest form that ParseDuration
// reads back: 1w, 1d, 1h30m.
func FormatDuration(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d%week == 0:
		return fmt.Sprintf("%dw", d/week)
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// ParsePrefix reads a prefix without host bits, or an address as the prefix
// that holds only it. What is IPv4 mapped into IPv6 becomes IPv4. The error
// says what to write instead.
func ParsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%s is not an address or prefix; write one like 198.51.100.7 or 198.51.100.0/24",
			quote(s))
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s has host bits; write %s, or %s for that address alone",
			quote(s), p.Masked(), p.Addr())
	}
	if p.Addr().Is4In6() {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, nil
}
