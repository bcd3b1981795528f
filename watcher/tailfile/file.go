// Package tailfile follows log files by their path, through every kind of rotation and
// rewriting, one by one or all that match patterns.
//
// The truth about what has been read is a descriptor and an offset for each generation
// of a file. nxadm/tail brings what is written to the newest of them; whether a line of
// it counts, and all that happens to names, is decided here.
package tailfile

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"odooban/watcher"

	"odooban/watcher/tailing"
)

const (
	// slowPace is how often a file is looked at when notices come, well within
	// liveWithin; quickPace when they do not, or when something is expected to
	// happen.
	slowPace  = liveWithin / 2
	quickPace = 100 * time.Millisecond
	// graceTime is how long a file that was rotated away is looked at often after it
	// last grew, and read on where it was deleted: its writers may not have opened
	// the new one yet.
	graceTime = 5 * time.Second
)

// File follows a file by its path, through every kind of rotation. What
// stands in it at the start is history.
type File struct {
	watcher.Heartbeat
	path  string
	alarm watcher.Alarm
	// probe says whether inotify can be used.
	probe func() error
	// notices is shared by the files of a group; a file of its own has none.
	notices *notices
	// late marks a file that came to exist while its group was running.
	late  bool
	grace time.Duration
	// forget, if not zero, is after how long a file that is gone is given up.
	forget time.Duration
	// resume is where to go on; nil at the start.
	resume *position

	// ended says that Follow has ended because the file is gone.
	ended atomic.Bool
}

// NewFile follows the file at path, which need not exist yet. alarm is told
// why it cannot be read for the time being.
func NewFile(path string, alarm watcher.Alarm) *File {
	return &File{path: filepath.Clean(path), alarm: alarm, probe: tailing.Probe, grace: graceTime}
}

// Name is the path.
func (f *File) Name() string { return f.path }

// Follow hands on what stands in the file, then what is written to it, until
// ctx ends. Only sink can make it fail: whatever happens to the file is
// reported, and tried again.
func (f *File) Follow(ctx context.Context, sink watcher.Sink) error {
	w := newFollower(f, sink)
	defer w.close()
	err := w.run(ctx)
	f.ended.Store(errors.Is(err, errGone))
	if ctx.Err() != nil || f.ended.Load() {
		return nil
	}
	return err
}

// errGone ends following a file that has been gone for so long that it is not
// going to come back.
var errGone = errors.New("file is gone")

// follower is one run of File.Follow. Everything in it belongs to the
// goroutine of that run.
type follower struct {
	files
	out     watcher.Outlet
	tail    tailer
	wakeups wakeups
	mount   mount
	trouble standing

	// latest is when a line was last read.
	latest time.Time
	check  *time.Timer // when to look whether the end was reached, if armed
	armed  bool
	block  []byte
	// checked is how far all files had been read at the last check.
	checked int64
	began   time.Time
	started bool
}

func newFollower(f *File, sink watcher.Sink) *follower {
	w := &follower{out: watcher.NewOutlet(sink), began: time.Now(), mount: mount{path: f.path}}
	w.trouble.Trouble = watcher.NewTrouble(f.path, f.alarm)
	w.files = files{File: f, loss: w.trouble.Loss}
	w.encode = w.position
	w.tail.probe = f.probe
	if err := w.tail.check(); err != nil {
		w.trouble.lasts(err)
	}
	w.wakeups = newWakeups(f.path, f.notices, !w.tail.poll)
	w.check = time.NewTimer(watcher.SettleTime)
	w.armed = true
	w.block = make([]byte, smallBlock)
	return w
}

func (w *follower) close() {
	w.check.Stop()
	w.wakeups.close()
	w.tail.stop()
	for _, g := range w.open() {
		g.Close()
	}
}

// run is the loop of events. Each of them is only a reason to look: what is
// true is read from the files.
func (w *follower) run(ctx context.Context) error {
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-w.tail.lines():
			if ok {
				err = w.takeTailed(ctx, line)
			} else {
				w.tail.stop()
				err = w.lookAround(ctx)
			}
		case <-w.wakeups.names():
			err = w.lookAround(ctx)
		case <-w.wakeups.look.C:
			w.wakeups.renew()
			if err = w.lookAround(ctx); err == nil && w.gone() {
				err = errGone
			}
		case <-w.check.C:
			err = w.checkEnd(ctx)
		}
		if err != nil {
			return err
		}
		w.Turn()
	}
}

// pace is how long to wait before looking again without having been woken.
func (w *follower) pace() time.Duration {
	late := func(g *generation) bool { return time.Since(g.grown) <= w.grace }
	switch {
	case w.current == nil || time.Since(w.named) > w.grace:
		return slowPace
	case w.tail.tail == nil || !w.wakeups.listens || slices.ContainsFunc(w.old, late):
		return quickPace
	}
	return slowPace
}

// gone reports whether the file is to be given up: the path has named nothing,
// and nothing was written to what it named, for as long as that takes. A file that
// is there and cannot be read is waited for.
func (w *follower) gone() bool {
	past := func(at time.Time) bool { return time.Since(at) > w.forget }
	return w.forget > 0 && past(w.there) && past(w.began) &&
		!slices.ContainsFunc(w.open(), func(g *generation) bool { return !past(g.grown) })
}

// arm lets checkEnd be called after d, if it is not going to be already.
func (w *follower) arm(d time.Duration) {
	if !w.armed {
		w.armed = true
		w.check.Reset(d)
	}
}

// early is by how much a timer runs out too early on purpose: those of Go are
// late by up to a millisecond, as epoll counts in these.
const early = time.Millisecond

// sleepUntil waits for what early has left.
func sleepUntil(at time.Time) {
	for rest := time.Until(at); rest > 0; rest = time.Until(at) {
		left := unix.NsecToTimespec(rest.Nanoseconds())
		_ = unix.Nanosleep(&left, nil) // a signal ends it, too
	}
}

// checkEnd calls Settled when the end of every file has been reached. It reads
// first: if this process was paused, the timer may have run out although the
// next line stands there already. A half line counts as the end only when it
// has not grown between two checks.
func (w *follower) checkEnd(ctx context.Context) error {
	w.armed = false
	if rest := watcher.SettleTime - time.Since(w.latest); rest > early {
		w.arm(rest - early)
		return nil
	}
	sleepUntil(w.latest.Add(watcher.SettleTime))
	before := w.out.Count()
	var read, half int64
	for _, g := range w.open() {
		if err := w.catchUp(ctx, g); err != nil {
			return err
		}
		read += g.pos
		half += g.lines.Open
	}
	grows := half > 0 && read != w.checked
	w.checked = read
	if w.out.Count() != before || grows {
		w.arm(watcher.SettleTime)
		return nil
	}
	return w.out.Settle(time.Now())
}
