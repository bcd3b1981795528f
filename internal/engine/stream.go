package engine

import (
	"context"
	"time"

	"odooban/rules"
	"odooban/watcher"
)

// Follow hands what source writes to the engine, through a scanner of its own,
// until ctx ends or the source has ended. ref is as in Set.NewScanner.
func (e *Engine) Follow(ctx context.Context, source watcher.Source, set *rules.Set, ref time.Time) error {
	s := &stream{engine: e, source: source.Name(), scanner: set.NewScanner(ref)}
	s.observe = func(seen time.Time) { e.Observe(ctx, s.source, s.failures, seen) }
	if err := source.Follow(ctx, s); err != nil {
		return err
	}
	if ctx.Err() == nil {
		s.failures = s.scanner.Flush(s.failures)
		s.tell(time.Time{})
	}
	return nil
}

// stream takes the lines of one source. It implements watcher.Sink.
type stream struct {
	engine   *Engine
	source   string
	scanner  *rules.Scanner
	failures []rules.Failure
	before   rules.Stats
	observe  func(seen time.Time)
}

func (s *stream) Line(l watcher.Line) error {
	s.failures = s.scanner.Feed(s.failures, l.Text, l.Seen)
	s.tell(l.Seen)
	return nil
}

func (s *stream) Settled(now time.Time) error {
	s.failures = s.scanner.Settle(s.failures, now)
	s.tell(now)
	return nil
}

// tell hands on what the scanner has found.
func (s *stream) tell(seen time.Time) {
	if len(s.failures) > 0 {
		s.observe(seen)
		s.failures = s.failures[:0]
	}
	after := s.scanner.Stats()
	if after.Unknown != s.before.Unknown || after.Unattributed != s.before.Unattributed ||
		after.ProxySuspected != s.before.ProxySuspected {
		s.engine.alarmScan(s.source, s.before, after)
		s.before = after
	}
}
