package ledger

import (
	"slices"

	"odooban/rules/batch"
)

const (
	// rounding is by how much two times may differ that are one: a stamp and two
	// durations are rounded to milliseconds.
	rounding = 2
	// early is by how much the clock that stamps a record may be ahead of the one that
	// tells when it was found.
	early = 10
	// reordering is by how much stamps run backwards, as processes write their
	// records in another order than they make them: measured are 6.
	reordering = 15
	// threadsLate is the same among threads, which may be held up: measured are 83.
	threadsLate = 150
	// mostSteps bounds what a clock remembers, and mostStrays how many lines in a
	// turn may be off before the clock follows them.
	mostSteps  = 512
	mostStrays = 64
	// seldom is how many lines apart threads that are held up are at least.
	seldom = 50
)

// clock is the time by the lines that can be a part of no other. It goes forward only.
type clock struct {
	set    bool
	now    int64
	steps  []step
	strays int
	late   uint64 // the last line that was held up
}

// step is a line that moved the clock.
type step struct {
	line uint64
	time int64
}

// tick takes the time of a line that stands where no record can hold it. When the
// clock was ahead, because of a line that was forged all the same, it is put back:
// wrong returns the first line since which it was.
func (c *clock) tick(line uint64, time int64) (since uint64, wrong bool) {
	if c.set && time < c.now-reordering {
		if since, wrong = c.back(line, time); !wrong {
			return 0, false
		}
	} else {
		c.strays = 0
		c.now = max(c.now, time)
		if !c.set {
			c.set, c.now = true, time
		}
	}
	if n := len(c.steps); n == 0 || c.now > c.steps[n-1].time {
		if n == mostSteps {
			c.steps = append(c.steps[:0], c.steps[n/2:]...)
		}
		c.steps = append(c.steps, step{line, c.now})
	}
	return since, wrong
}

// back puts the clock back to a time, unless that line is the stray: the clock came
// here in steps.
func (c *clock) back(line uint64, time int64) (since uint64, wrong bool) {
	first := len(c.steps)
	for first > 0 && c.steps[first-1].time > time+reordering {
		first--
	}
	since, ahead := line, time
	if first < len(c.steps) {
		since, ahead = c.steps[first].line, c.steps[first].time
	}
	if c.strays++; (ahead-time)*2 < c.now-time && c.strays < mostStrays {
		return 0, false
	}
	c.steps, c.now = c.steps[:first], time
	return since, true
}

// off reports whether a time lies before the clock's by more than a line can be late.
func (c *clock) off(line uint64, time int64, threaded bool) bool {
	if !c.set || time >= c.now-reordering {
		return false
	}
	before := c.late
	c.late = line
	return !threaded || time < c.now-threadsLate || line-before < seldom
}

// longOff reports the same, by the clock as it was some lines ago.
func (c *clock) longOff(line uint64, time int64) bool {
	const ago = 64
	for _, s := range slices.Backward(c.steps) {
		if line-s.line > ago {
			return time < s.time-reordering
		}
	}
	return false
}

// lag is how long after a record was made it is found, on average, in milliseconds.
type lag struct {
	known   bool
	average float64
}

// prompt is below which lag a reader finds hardly ever with a record what was not written
// with it.
const prompt = 2

// note takes a line that no record can hold.
func (g *lag) note(b *batch.Batch, time int64) {
	if b.Known() {
		const longest, share = 1000, 16
		if !g.known {
			g.known, g.average = true, longest/share
		}
		g.average += (float64(min(max(b.To()-time, 0), longest)) - g.average) / share
	}
}

// small reports whether records are found promptly.
func (g *lag) small() bool { return g.known && g.average < prompt }
