package main

import (
	"fmt"
	"io"
	"time"
)

// teller prints the story: when, who, what.
type teller struct {
	w       io.Writer
	began   time.Time
	colours bool
}

func newTeller(w io.Writer, colours bool) *teller {
	return &teller{w: w, began: time.Now(), colours: colours}
}

// The actors.
const (
	server    = "server"
	theKernel = "kernel"
	odooban   = "odooban"
	guesser   = "guesser"
	forger    = "forger"
	stranger  = "stranger"
)

// How a terminal is told what to look like.
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func colour(who string) string {
	switch who {
	case guesser, forger:
		return red
	case stranger:
		return green
	case odooban:
		return cyan
	}
	return yellow
}

// head begins a chapter.
func (t *teller) head(text string) {
	fmt.Fprintf(t.w, "\n%s\n", t.paint(bold, text))
}

// say tells what somebody just did.
func (t *teller) say(who, format string, args ...any) {
	at := fmt.Sprintf("%5.2f s", time.Since(t.began).Seconds())
	fmt.Fprintf(t.w, "%s  %s  %s\n", t.paint(faint, at), t.paint(colour(who), fmt.Sprintf("%-8s", who)),
		fmt.Sprintf(format, args...))
}

// quote prints something as it stands somewhere else.
func (t *teller) quote(text string) {
	fmt.Fprintf(t.w, "%19s%s\n", "", t.paint(faint, text))
}

// line prints a line as it is.
func (t *teller) line(format string, args ...any) {
	fmt.Fprintf(t.w, format+"\n", args...)
}

func (t *teller) paint(code, text string) string {
	if !t.colours {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// ms writes a time as people read it.
func ms(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
