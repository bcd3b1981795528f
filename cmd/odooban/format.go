package main

import (
	"strings"
	"time"

	"odooban/internal/printable"
)

// until writes when a ban ends.
func until(t time.Time) string {
	if t.IsZero() {
		return "for ever"
	}
	return printable.Time(t)
}

// seconds writes a length of time in an answer, without the zeros.
func seconds(s float64) string {
	text := time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}
