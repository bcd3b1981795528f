package odoosim

import (
	"bytes"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
)

// Trace writes what went wrong first, with the log around it: a wrong verdict, a missed failure, an attacker who goes
// on. most bounds how many of each kind are shown.
func (o *Outcome) Trace(w io.Writer, most int) {
	fmt.Fprintf(w, "%s\n", o.Line())
	if len(o.Missed) > 0 {
		fmt.Fprintf(w, "  honest failures missed, by the reason given: %v\n", o.Whys())
	}
	n := 0
	for i := range o.Verdicts {
		v := &o.Verdicts[i]
		if !v.Wrong {
			continue
		}
		if n++; n > most {
			break
		}
		fmt.Fprintf(w, "\nWRONG: %s counted against %s, stamped %s, said at %s\n",
			v.Rule, v.Addr, clock(v.Time), clock(v.Now))
		o.around(w, v.Time, v.Now, v.Addr.String())
	}
	for i, a := range o.Missed {
		if i >= most {
			break
		}
		fmt.Fprintf(w, "\nMISSED: %s by %s (%s), at %s, written at %s: %s\n",
			a.Rule, a.Addr, a.Way, clock(a.At), clock(a.Written), o.Why(&a))
		o.around(w, a.At, a.Written, a.Addr.String())
	}
	for i := range o.Guesses {
		if g := &o.Guesses[i]; !g.OK(o.Reader.Live()) {
			fmt.Fprintf(w, "\nGOES ON: %s %s: %d guesses, %d counted, banned %t after %d, %v after the deciding one\n",
				g.Actor.Name, g.Actor.Addr, g.Made, g.Counted, g.Banned, g.Until, g.Delay)
		}
	}
}

// Why is the reason that a judge gave for not counting an attempt.
func (o *Outcome) Why(a *Attempt) string {
	why := "no reason given"
	for i := range o.Told.Rejections {
		r := &o.Told.Rejections[i]
		if r.Time.Sub(a.At).Abs() > 2*ms {
			continue
		}
		if why = r.Reason; r.Addr == a.Addr {
			return why
		}
	}
	return why
}

// Whys counts the reasons why honest failures were not counted.
func (o *Outcome) Whys() map[string]int {
	whys := make(map[string]int)
	for i := range o.Missed {
		whys[o.Why(&o.Missed[i])]++
	}
	return whys
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "the end"
	}
	return t.Format("15:04:05.000000")
}

// around writes the log about a moment: what was written then, and what holds the address; > marks it, F what forgers
// wrote.
func (o *Outcome) around(w io.Writer, from, until time.Time, addr string) {
	const before, after = 8, 8
	writes := o.Log.Writes
	if until.Before(from) || until.Sub(from) > time.Second {
		until = from
	}
	first := sort.Search(len(writes), func(i int) bool { return !writes[i].At.Before(from.Add(-time.Millisecond)) })
	last := sort.Search(len(writes), func(i int) bool { return writes[i].At.After(until) })
	first, last = max(0, min(first, last)-before), min(len(writes), max(last, first)+after)
	for i := first; i < last; i++ {
		o.show(w, &writes[i], addr)
	}
}

// show writes one write: of a long one its ends, and what holds the address.
func (o *Outcome) show(w io.Writer, wr *Write, addr string) {
	lines := bytes.Split(bytes.TrimSuffix(wr.Text, []byte("\n")), []byte("\n"))
	shown, skipped := 0, 0
	for i, line := range lines {
		if shown > 8 && i < len(lines)-2 {
			skipped++
			continue
		}
		if skipped > 0 {
			fmt.Fprintf(w, "        … %d lines, %d bytes in all, written in %v\n", skipped, len(wr.Text), wr.Took)
			skipped = 0
		}
		shown++
		mark, at := " ", strings.Repeat(" ", 15)
		if wr.Forged {
			mark = "F"
		}
		if strings.Contains(string(line), addr) {
			mark += ">"
		}
		if i == 0 {
			at = clock(wr.At)
		}
		fmt.Fprintf(w, "  %-2s %s | %.200q\n", mark, at, line)
	}
}

// Line is the outcome in one line.
func (o *Outcome) Line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: honest %d of %d", o.Reader.Name, o.Counted, o.Honest)
	fmt.Fprintf(&b, ", unattributed %d (%d too many), called forgers %d, alarms %d",
		o.Told.Unattributed, o.Excess, o.Accused, o.Told.Alarms)
	ok, needed, until, delay := o.Fate()
	fmt.Fprintf(&b, "; attackers banned in time %d of %d (within %d guesses, %.2f s)", ok, needed, until, delay.Seconds())
	fmt.Fprintf(&b, "; wrong %d (%d against uninvolved; %.1f per 1,000 of %d forged), strangers banned %v",
		o.Wrong, o.Uninvolved, o.PerThousand(), o.Log.Forged, o.BannedStrangers)
	fmt.Fprintf(&b, "; %d lines", o.Lines)
	return b.String()
}

// Fate sums up how attackers fared: the worst of those who were banned.
func (o *Outcome) Fate() (ok, needed, until int, delay time.Duration) {
	for i := range o.Guesses {
		g := &o.Guesses[i]
		if !g.Needed {
			continue
		}
		needed++
		if g.OK(o.Reader.Live()) {
			ok++
		}
		if g.Banned {
			until, delay = max(until, g.Until), max(delay, g.Delay)
		}
	}
	return ok, needed, until, delay
}
