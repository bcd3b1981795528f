package ledger

import "odooban/rules/batch"

// early is by how much the clock that stamps a record may be ahead of the one that tells
// when it was found, in milliseconds.
const early = 10

// clock is the time by the lines that can be a part of no other. It goes forward only.
type clock struct{ now int64 }

// tick takes the time of a line that stands where no record can hold it.
func (c *clock) tick(time int64) { c.now = max(c.now, time) }

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
