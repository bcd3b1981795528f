package tailfile

import (
	"time"

	"odooban/watcher"
)

// outlet is where lines go.
type outlet struct {
	sink watcher.Sink
	// skimmer is sink, if it is one.
	skimmer watcher.Skimmer
	// count is how often lines were handed on, latest when the last one was read.
	count  int
	latest time.Time
	// unsettled says that a line has come since Settled was called.
	unsettled bool
}

// line hands one line on.
func (o *outlet) line(line watcher.Line) error {
	o.count++
	o.unsettled = true
	return o.sink.Line(line)
}

// skim hands many lines on, to a skimmer.
func (o *outlet) skim(lines watcher.Lines) error {
	o.count++
	o.unsettled = true
	return o.skimmer.Skim(lines)
}

// settle tells that the end was reached, unless that was told.
func (o *outlet) settle() error {
	if !o.unsettled {
		return nil
	}
	o.unsettled = false
	return o.sink.Settled(time.Now())
}
