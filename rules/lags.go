package rules

import "time"

// lags remembers the shortest time from a record's stamp to its reading, of an hour
// or two: it is negative where the log's clock is ahead of ours. What is older is
// forgotten, so that one stamp from the future is believed for no longer. The zero
// value is ready.
type lags struct {
	since          time.Time
	before, latest time.Duration
}

// lagSpan is after how long the shortest lag is looked for anew.
const lagSpan = time.Hour

// note takes the lag of a record that was read at seen.
func (l *lags) note(lag time.Duration, seen time.Time) {
	if seen.Sub(l.since) > lagSpan {
		l.since, l.before, l.latest = seen, l.latest, lag
	}
	l.latest = min(l.latest, lag)
}

// shortest is the shortest lag, zero where no record was stamped ahead.
func (l *lags) shortest() time.Duration { return min(l.before, l.latest, 0) }
