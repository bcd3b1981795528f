package main

import (
	"time"

	"odooban/internal/config"
	"odooban/internal/printable"
)

// until writes when a ban ends.
func until(t time.Time) string {
	if t.IsZero() {
		return "for ever"
	}
	return printable.Time(t)
}

// seconds writes a length of time in an answer.
func seconds(s float64) string {
	return config.FormatDuration(time.Duration(s * float64(time.Second)).Round(time.Millisecond))
}
