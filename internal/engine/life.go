package engine

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"odooban/internal/finding"
	"odooban/rules"
	"odooban/rules/ledger"
)

// ClockTolerance is how far the log's clock and ours may differ before bans
// are noticeably too short or too long.
const ClockTolerance = time.Minute

const (
	// lostInARow is how many failures in a row are lost to their times before the
	// clock is taken for the cause, and lostFor how long that must go on: one who
	// forges lines with other times is counted himself within a second.
	lostInARow = 10
	lostFor    = 10 * time.Second
	// untold is after how long an alarm is over although nothing speaks against it.
	untold = 24 * time.Hour
)

// quietFor is for how long nothing must have happened for an alarm to be over when
// something speaks against it. The other alarms do not end.
func quietFor(code string) (quiet time.Duration, ends bool) {
	switch code {
	case finding.Unattributed:
		return 10 * time.Minute, true
	case finding.ProxyMode:
		return 30 * time.Minute, true
	case finding.SourceTrouble:
		return time.Minute, true // one that comes and goes is one
	case finding.ClockDiffers:
		return 0, true
	}
	return 0, false
}

// over reports whether the alarm is no longer true.
func (r *raised) over(now time.Time) bool {
	quiet, ends := quietFor(r.Code)
	silent := now.Sub(r.Last)
	if r.refuted || r.Code == finding.SourceTrouble { // which is told until it is over
		return ends && r.refuted && silent >= quiet
	}
	return ends && silent >= untold
}

// standing lists the alarms that are not over, in the order of their names.
func (a *alarms) standing(now time.Time) []Alarm {
	var all []Alarm
	for _, r := range a.raised {
		if !r.over(now) {
			all = append(all, r.Alarm)
		}
	}
	return inOrder(all)
}

// end forgets alarms, and tells that they are over.
func (e *Engine) end(over func(*raised) bool) {
	var ended []Alarm
	for key, r := range e.alarms.raised {
		if over(r) {
			delete(e.alarms.raised, key)
			r.Over = true
			ended = append(ended, r.Alarm)
		}
	}
	for _, a := range inOrder(ended) {
		e.observer.Alarmed(a)
	}
}

// endOld ends what is over by now.
func (e *Engine) endOld(now time.Time) { e.end(func(r *raised) bool { return r.over(now) }) }

func inOrder(all []Alarm) []Alarm {
	slices.SortFunc(all, func(a, b Alarm) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Source, b.Source))
	})
	return all
}

// counted is how often an alarm about no source in particular was raised.
func (a *alarms) counted(code string) uint64 {
	if r := a.raised[alarmKey{code: code}]; r != nil {
		return r.Count
	}
	return 0
}

// refute notes what speaks against an alarm.
func (a *alarms) refute(code, source string) {
	if r := a.raised[alarmKey{code, source}]; r != nil {
		r.refuted = true
	}
}

// refute notes what a failure of a known address speaks against: that the log tells
// no addresses; and, where it is no private one, that they are a proxy's, for Odoo
// suspects private ones alone.
func (e *Engine) refute(source string, addr netip.Addr) {
	if len(e.alarms.raised) == 0 {
		return
	}
	e.alarms.refute(finding.Unattributed, source)
	if addr.IsGlobalUnicast() && !addr.IsPrivate() {
		e.alarms.refute(finding.ProxyMode, source)
	}
}

// offClock is a source's clock that may be off: so many failures in a row were not
// counted because of their times, the first of them found at since.
type offClock struct {
	lost  uint64
	since time.Time
}

// checkClock tells when a failure that was just written has another time, and when
// none has any more.
func (e *Engine) checkClock(source string, f rules.Failure, seen time.Time) {
	if seen.IsZero() {
		return
	}
	if seen.Sub(f.Time).Abs() > ClockTolerance {
		e.raiseLocked(clockDiffers(source, 1, f.Time, seen, "bans will end too early or too late"))
		return
	}
	delete(e.alarms.clocks, source)
	if e.alarms.raised[alarmKey{finding.ClockDiffers, source}] == nil {
		return
	}
	e.alarms.refute(finding.ClockDiffers, source)
	e.end(func(r *raised) bool { return r.Code == finding.ClockDiffers && r.refuted })
}

// checkRejected tells when nothing is counted any more because what was just
// written has another time.
func (e *Engine) checkRejected(source string, rejected []rules.Rejection, seen time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.alarms.clocks[source]
	lost := c.lost
	var last time.Time
	for _, r := range rejected {
		if r.Reason == ledger.Clock {
			c.lost++
			last = r.Time
		}
	}
	if c.lost == lost {
		return
	}
	if c.since.IsZero() {
		c.since = seen
	}
	count := c.lost - lost
	if c.lost >= lostInARow && seen.Sub(c.since) >= lostFor {
		if e.alarms.raised[alarmKey{finding.ClockDiffers, source}] == nil {
			count = c.lost
		}
		e.raiseLocked(clockDiffers(source, count, last, seen, "failures are not counted"))
	}
	e.alarms.clocks[source] = c
}

// clockDiffers is an alarm about a line and when it was found.
func clockDiffers(source string, count uint64, logged, seen time.Time, so string) Alarm {
	return Alarm{
		Code: finding.ClockDiffers, Source: source, Count: count,
		Text: fmt.Sprintf("the log says %s at %s: %s",
			logged.UTC().Format(time.RFC3339Nano), seen.UTC().Format(time.RFC3339Nano), so),
		Cure: finding.Of(finding.ClockDiffers).Cure,
	}
}

// left notes that a source is no longer followed.
func (e *Engine) left(source string) {
	e.sources.end(source)
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.alarms.clocks, source)
}
