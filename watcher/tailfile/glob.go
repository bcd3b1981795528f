package tailfile

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"odooban/watcher"

	"odooban/watcher/tailing"
)

// Glob is the group of all files whose path matches one of its patterns, those
// that come to exist later too. What rotation has made of a file is no member of
// its own, even when a pattern matches it: it is read by who follows the file that
// it was. A file that has several names is read under one of them.
type Glob struct {
	watcher.Heartbeat
	patterns  []string
	alarm     watcher.Alarm
	probe     func() error
	positions func(name string) []byte
	forget    time.Duration
}

// glancePace is how often names are looked at when notices of new ones come: they
// may be missing.
const glancePace = 5 * time.Second

// forgetAfter is how long a file of a group must have been gone to be given up.
// Names that never come back must not pile up; one that does is a new file.
const forgetAfter = time.Hour

// NewGlob makes the group of the files that match one of patterns, in the syntax
// of path/filepath.Match. alarm is told about troubles with each pattern and with
// every file; it may be called from several goroutines.
func NewGlob(patterns []string, alarm watcher.Alarm) (*Glob, error) {
	g := &Glob{alarm: alarm, probe: tailing.Probe, forget: forgetAfter}
	for _, pattern := range patterns {
		if _, err := filepath.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("read pattern %q: %w; every [ needs its ]", pattern, err)
		}
		g.patterns = append(g.patterns, filepath.Clean(pattern))
	}
	return g, nil
}

// Resume lets every file go on as File.Resume says, at the position that
// positions gives for its name; Run calls it. A position that cannot be read is
// told to alarm.
func (g *Glob) Resume(positions func(name string) []byte) { g.positions = positions }

// Name is the patterns.
func (g *Glob) Name() string { return strings.Join(g.patterns, ", ") }

// Run starts a File for every match. A File goes on when its file is gone, for
// an hour: it may come back.
func (g *Glob) Run(ctx context.Context, start func(watcher.Source) bool) error {
	notices := newNotices(g.probe() == nil)
	defer notices.close()
	listener := notices.listen(g.dirs()...)
	members := newMembers(g, notices)
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		tick.Reset(slowPace)
		if notices.renew(listener) {
			tick.Reset(glancePace)
		}
		for _, file := range members.find() {
			if !start(file) {
				file.ended.Store(true) // so that it is found again
			}
		}
		g.Turn()
		select {
		case <-ctx.Done():
			return nil
		case <-listener.wake:
		case <-tick.C:
		}
	}
}

// dirs are the directories of the patterns.
func (g *Glob) dirs() []string {
	var dirs []string
	for _, pattern := range g.patterns {
		dirs = append(dirs, filepath.Dir(pattern))
	}
	return dirs
}
