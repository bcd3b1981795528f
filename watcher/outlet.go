package watcher

import "time"

// Outlet hands lines to a Sink, and Settled where that is due.
type Outlet struct {
	sink      Sink
	skimmer   Skimmer // sink, if it is one
	count     int
	unsettled bool
	refused   error
}

// NewOutlet returns one that has handed on nothing yet.
func NewOutlet(sink Sink) Outlet {
	skimmer, _ := sink.(Skimmer)
	return Outlet{sink: sink, skimmer: skimmer}
}

// Line hands one line on.
func (o *Outlet) Line(line Line) error {
	o.count++
	o.unsettled = true
	o.refused = o.sink.Line(line)
	return o.refused
}

// Skims reports whether the Sink is a Skimmer.
func (o *Outlet) Skims() bool { return o.skimmer != nil }

// Skim hands many lines on, to a Skimmer.
func (o *Outlet) Skim(lines Lines) error {
	o.count++
	o.unsettled = true
	o.refused = o.skimmer.Skim(lines)
	return o.refused
}

// Settle tells that the end was reached at now, unless that was told since the last line.
func (o *Outlet) Settle(now time.Time) error {
	if !o.unsettled {
		return nil
	}
	o.unsettled = false
	o.refused = o.sink.Settled(now)
	return o.refused
}

// Unsettled reports whether a line has come since Settled was called.
func (o *Outlet) Unsettled() bool { return o.unsettled }

// Count is how often lines were handed on.
func (o *Outlet) Count() int { return o.count }

// Refused is the error with which the Sink has ended the source, if it has.
func (o *Outlet) Refused() error { return o.refused }
