package replay_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"odooban/banner"
	"odooban/internal/engine"
	"odooban/internal/jail"
	"odooban/internal/replay"
	"odooban/rules"
	"odooban/watcher"
	"odooban/watcher/tailfile"
)

// newJail bans at the third failure within a minute, for two seconds only, so
// that a short log leads to many bans.
func newJail(t *testing.T) *jail.Jail {
	t.Helper()
	j, err := jail.New(jail.Options{Policies: []jail.Policy{
		{Rule: rules.LoginRule, MaxRetry: 3, FindTime: time.Minute, BanTime: 2 * time.Second},
		{Rule: rules.CooldownRule, MaxRetry: 1, FindTime: time.Minute, BanTime: 15 * time.Minute},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func builtIn(t *testing.T) *rules.Set {
	t.Helper()
	set, err := rules.Compile(rules.BuiltIn(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// replayed returns the bans of a replay.
func replayed(t *testing.T, paths ...string) []replay.Ban {
	t.Helper()
	var logs []*replay.Log
	for _, path := range paths {
		log, err := replay.OpenLog(path)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, log)
	}
	report, err := replay.Run(t.Context(), logs, builtIn(t), newJail(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return inOrder(report.Bans)
}

// inOrder sorts bans: those of several addresses may become certain in
// another order, live.
func inOrder(bans []replay.Ban) []replay.Ban {
	bans = slices.Clone(bans)
	slices.SortFunc(bans, func(a, b replay.Ban) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return a.Prefix.Compare(b.Prefix)
	})
	return bans
}

// daemon is what odooban run is, over one file: the real watcher, rules, jail
// and engine, with a firewall that writes down. Only the clock is the server's,
// which lets minutes pass in a moment. It implements engine.Firewall,
// engine.Observer, watcher.Source and watcher.Sink.
type daemon struct {
	watcher.Source
	server *server
	pauses bool
	sink   watcher.Sink
	seen   time.Time // when the last line was read

	mu      sync.Mutex
	changed *sync.Cond
	stop    func()
	lines   int
	settled int // how many lines had come when the source was settled last
	bans    []replay.Ban
	alarms  []string
}

// follow starts to follow a server's log, until the test is over. pauses says
// that when nothing comes in the test, nothing comes by the server's clock.
func follow(t *testing.T, s *server, pauses bool) *daemon {
	t.Helper()
	return followSource(t, s, pauses, func(alarm watcher.Alarm) watcher.Source { return tailfile.NewFile(s.path, alarm) })
}

// followSource is follow where the log may be kept elsewhere.
func followSource(t *testing.T, s *server, pauses bool, source func(watcher.Alarm) watcher.Source) *daemon {
	t.Helper()
	d := &daemon{server: s, pauses: pauses, settled: -1}
	d.changed = sync.NewCond(&d.mu)
	d.Source = source(func(_ string, err error) {
		if err != nil {
			d.alarm(err.Error())
		}
	})
	e := engine.New(newJail(t), d, d)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	set, now := builtIn(t), time.Now()
	go func() { ended <- e.Follow(ctx, d, set, now) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("follow: %v", err)
		}
	})
	t.Cleanup(d.stop)
	return d
}

// Follow tells the engine in the end that an hour has passed: what was written
// faster than a server answers may have to wait until a request must be over.
func (d *daemon) Follow(ctx context.Context, sink watcher.Sink) error {
	d.sink = sink
	if err := d.Source.Follow(ctx, d); err != nil {
		return err
	}
	_, now := d.server.times(0)
	return sink.Settled(now.Add(time.Hour))
}

// Line also tells the engine when, by the server's clock, nothing had come for a
// while before the line.
func (d *daemon) Line(line watcher.Line) error {
	wrote, now := d.server.times(d.lines)
	if !line.Seen.IsZero() {
		line.Seen = now
	}
	if !line.Stamp.IsZero() {
		line.Stamp = wrote
	}
	if settled := d.seen.Add(watcher.SettleTime); !d.seen.IsZero() && !wrote.Before(settled) {
		if err := d.sink.Settled(settled); err != nil {
			return err
		}
	}
	d.seen = line.Seen
	err := d.sink.Line(line)
	d.change(func() { d.lines++ })
	return err
}

func (d *daemon) Settled(time.Time) error {
	var err error
	if _, now := d.server.times(0); d.pauses {
		err = d.sink.Settled(now)
	}
	d.change(func() { d.settled = d.lines })
	return err
}

func (d *daemon) Block(_ context.Context, bans []banner.Ban) error {
	d.change(func() {
		for _, b := range bans {
			d.bans = append(d.bans, replay.Ban{
				Prefix: b.Prefix, Rule: b.Rule, Time: b.Time, Until: b.Until, Failures: b.Failures,
			})
		}
	})
	return nil
}

func (d *daemon) Failed(string, rules.Failure) {}
func (d *daemon) Banned(string, banner.Ban)    {}

// Alarmed fails nothing: the captures are older than the lines' coming.
func (d *daemon) Alarmed(engine.Alarm) {}

func (d *daemon) alarm(text string) { d.change(func() { d.alarms = append(d.alarms, text) }) }

func (d *daemon) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
	d.changed.Broadcast()
}

// await waits until done holds, which is asked with d locked.
func (d *daemon) await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() { d.change(func() {}) })()
	d.mu.Lock()
	defer d.mu.Unlock()
	for !done() {
		if ctx.Err() != nil {
			t.Fatalf("%s did not come: %d lines, settled at %d, alarms %q", what, d.lines, d.settled, d.alarms)
		}
		d.changed.Wait()
	}
}

func (d *daemon) awaitLines(t *testing.T, n int) {
	t.Helper()
	d.await(t, "line", func() bool { return d.lines >= n })
}

// awaitSettled waits until everything is judged that n lines tell.
func (d *daemon) awaitSettled(t *testing.T, n int) {
	t.Helper()
	d.await(t, "end", func() bool { return d.settled >= n })
}

// banned returns the bans so far.
func (d *daemon) banned() []replay.Ban {
	d.mu.Lock()
	defer d.mu.Unlock()
	return inOrder(d.bans)
}

// server writes a log as Odoo does: whole records, to the file that its handler
// has open.
type server struct {
	t     *testing.T
	path  string
	file  *os.File
	lines int

	mu    sync.Mutex
	wrote []time.Time // when each line was written, by the server's clock
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, path: filepath.Join(t.TempDir(), "odoo.log")}
	s.reopen()
	t.Cleanup(func() { s.file.Close() })
	return s
}

func (s *server) reopen() {
	s.t.Helper()
	file, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.file != nil {
		s.file.Close()
	}
	s.file = file
}

// write writes records of which the daemon finds all or none.
func (s *server) write(records ...record) {
	s.t.Helper()
	var text strings.Builder
	s.mu.Lock()
	for _, r := range records {
		text.WriteString(r.text)
		s.wrote = append(s.wrote, slices.Repeat([]time.Time{r.at}, strings.Count(r.text, "\n"))...)
	}
	s.lines = len(s.wrote)
	s.mu.Unlock()
	if _, err := s.file.WriteString(text.String()); err != nil {
		s.t.Fatal(err)
	}
}

// times is when a line, counted from 0, was written, and when the last was. That
// is now: a daemon that has fallen behind reads what is earlier late.
func (s *server) times(line int) (wrote, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote[line], s.wrote[len(s.wrote)-1]
}
