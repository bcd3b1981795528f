package engine

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"odooban/rules"
	"odooban/watcher"
)

const (
	// keepEvery is how often the journal is told how far a live source has
	// been read if nothing was found in it, and keepLines how often for one
	// that is being caught up with.
	keepEvery = time.Second
	keepLines = 100_000
)

// Follow hands what source writes to the engine, through a scanner of its own,
// until ctx ends or the source has ended. ref, when that begins, is as in
// Set.NewScanner.
func (e *Engine) Follow(ctx context.Context, source watcher.Source, set *rules.Set, ref time.Time) error {
	s := &stream{
		engine: e, set: set, source: source.Name(), scanner: set.NewScanner(ref),
		began: strconv.FormatInt(ref.UnixNano(), 16), restored: e.bookmarks[source.Name()],
	}
	s.observe = func(seen time.Time) { e.Observe(ctx, s.source, s.failures, seen) }
	s.record = func(seen time.Time) { e.record(ctx, s.source, s.bookmark.String(), s.failures, seen) }
	s.status = e.sources.begin(s.source, ref)
	defer e.left(s.source)
	err := source.Follow(ctx, s)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest()
	if err != nil {
		return err
	}
	if ctx.Err() == nil {
		s.failures = s.scanner.Flush(s.failures)
		s.tell(time.Time{})
	}
	return nil
}

// stream takes the lines of one source, for one run of Follow. It implements
// watcher.Sink.
type stream struct {
	// mu is for afterthought, which comes while the source is silent.
	mu           sync.Mutex
	afterthought *time.Timer // nil unless something is left to decide

	engine   *Engine
	observe  func(seen time.Time)
	record   func(seen time.Time)
	source   string
	set      *rules.Set
	found    *rules.Found
	scanner  *rules.Scanner
	failures []rules.Failure
	before   rules.Stats
	status   *followed

	// began tells the lines of a source that cannot be read again from those
	// of its other runs.
	began string
	// restored is where the journal said that reading goes on, bookmark where
	// it is now.
	restored, bookmark bookmark
	position           func() []byte
	trail              trail
	seen               time.Time // as of the last line
	kept               time.Time // when the journal was last told
	unkept             int       // lines since
}

func (s *stream) Line(l watcher.Line) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest()
	s.unkept++
	place := rules.Place(l.Place)
	if l.Position == nil {
		place = rules.Place{Generation: s.began, Offset: int64(s.before.Lines)}
	}
	s.passed(place, l.Position, len(l.Text))
	s.failures = s.scanner.Feed(s.failures, rules.Line{
		Text: l.Text, Seen: l.Seen, Stamp: l.Stamp, Found: l.Found, Continues: l.Continues, Place: place,
	})
	s.seen = l.Seen
	s.tell(l.Seen)
	return nil
}

// Skim takes lines of history. They are searched for those that matter.
func (s *stream) Skim(l watcher.Lines) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest()
	place := rules.Place(l.Place)
	last := bytes.LastIndexByte(l.Text[:len(l.Text)-1], '\n') + 1
	s.passed(rules.Place{Generation: place.Generation, Offset: place.Offset + int64(last)}, l.Position, len(l.Text))
	s.found = s.set.Search(s.found, l.Text)
	s.failures = s.scanner.Skim(s.failures, l.Text, place, s.found)
	s.unkept += int(s.scanner.Stats().Lines - s.before.Lines)
	s.seen = time.Time{}
	s.tell(time.Time{})
	return nil
}

// passed notes the last line that was read, and that so many bytes of text were.
func (s *stream) passed(last rules.Place, position func() []byte, bytes int) {
	s.position = position
	s.bookmark.passed(last)
	if position != nil && s.engine.journal != nil && s.trail.pass(bytes) {
		s.trail.add(s.bookmark.Read, position())
	}
}

func (s *stream) Settled(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest()
	if s.position != nil {
		s.position = sync.OnceValue(s.position)
	}
	s.settle(now, rules.LonePatience)
	if s.afterthought != nil && s.position != nil {
		s.position() // by then the source may be in the middle of something
	}
	return nil
}

// settle settles, and again after a while, and after twice as long, until
// nothing is left to decide or another line comes: where there are no access
// lines, only time tells that none is to come.
func (s *stream) settle(now time.Time, again time.Duration) {
	s.failures = s.scanner.Settle(s.failures, now)
	s.tell(now)
	if len(s.scanner.Open()) == 0 {
		return
	}
	var own *time.Timer
	own = time.AfterFunc(again, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.afterthought == own {
			s.afterthought = nil
			s.settle(time.Now(), 2*again)
		}
	})
	s.afterthought = own
}

// rest takes an afterthought back.
func (s *stream) rest() {
	if s.afterthought != nil {
		s.afterthought.Stop()
		s.afterthought = nil
	}
}

// tell hands on what the scanner has found by now, which is zero in history.
func (s *stream) tell(now time.Time) {
	after := s.scanner.Stats()
	after.Rejected = s.before.Rejected // the scanner's own changes
	if rejected := s.scanner.Rejected(); len(rejected) > 0 {
		after.Rejected = s.engine.sources.reject(s.status, rejected, s.scanner.Stats().Rejected)
		if len(s.failures) == 0 && !s.seen.IsZero() {
			s.engine.checkRejected(s.source, rejected, s.seen)
		}
	}
	s.count(now)
	s.engine.sources.read(s.status, after, now)
	if after.Unknown != s.before.Unknown || after.Unattributed != s.before.Unattributed ||
		after.ProxySuspected != s.before.ProxySuspected || after.Doubtful != s.before.Doubtful ||
		after.Mixed != s.before.Mixed {
		s.engine.alarmScan(s.source, s.before, after)
	}
	s.before = after
}

// count lets the failures that were found be counted.
func (s *stream) count(now time.Time) {
	if s.engine.journal == nil {
		if len(s.failures) > 0 {
			s.observe(s.seen)
		}
		s.failures = s.failures[:0]
		return
	}
	s.failures = slices.DeleteFunc(s.failures, func(f rules.Failure) bool { return s.restored.decided(f.Place) })
	if len(s.failures) == 0 && !s.keep(now) {
		return
	}
	s.bookmark.Open = s.scanner.Open()
	s.bookmark.Position = s.trail.before(s.bookmark.Open)
	if s.bookmark.Position == nil && s.position != nil {
		s.bookmark.Position = s.position()
	}
	s.record(s.seen)
	s.failures, s.kept, s.unkept = s.failures[:0], now, 0
}

// keep says whether it is time to tell the journal how far was read.
func (s *stream) keep(now time.Time) bool {
	if now.IsZero() {
		return s.unkept >= keepLines
	}
	return s.unkept > 0 && now.Sub(s.kept) >= keepEvery
}
