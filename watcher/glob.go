package watcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Glob is the group of all files whose path matches a pattern, those that
// come to exist later too. What rotation has made of a file is no member of
// its own, even when the pattern matches it: it is read by who follows the
// file that it was.
type Glob struct {
	rounds
	pattern   string
	alarm     Alarm
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

// NewGlob makes the group of the files that match pattern, in the syntax of
// path/filepath.Match. alarm is told about troubles with the pattern and with
// every file; it may be called from several goroutines.
func NewGlob(pattern string, alarm Alarm) (*Glob, error) {
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("read pattern %q: %w; every [ needs its ]", pattern, err)
	}
	return &Glob{pattern: filepath.Clean(pattern), alarm: alarm, probe: probeInotify, forget: forgetAfter}, nil
}

// Resume lets every file go on as File.Resume says, at the position that
// positions gives for its name; Run calls it. A position that cannot be read is
// told to alarm.
func (g *Glob) Resume(positions func(name string) []byte) { g.positions = positions }

// Name is the pattern.
func (g *Glob) Name() string { return g.pattern }

// Run starts a File for every match. A File goes on when its file is gone, for
// an hour: it may come back.
func (g *Glob) Run(ctx context.Context, start func(Source)) error {
	notices := newNotices(g.probe() == nil)
	defer notices.close()
	listener := notices.listen(filepath.Dir(g.pattern), "")
	members := &members{
		glob: g, notices: notices, ids: map[identity]time.Time{}, began: time.Now(), trouble: trouble{g.Name(), g.alarm, ""},
	}
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		tick.Reset(slowPace)
		if notices.renew(listener) {
			tick.Reset(glancePace)
		}
		for _, file := range members.find() {
			start(file)
		}
		g.turn()
		select {
		case <-ctx.Done():
			return nil
		case <-listener.wake:
		case <-tick.C:
		}
	}
}

// rememberFor is how long the identity of a file is known after it was last
// seen: while it is being renamed it is not.
const rememberFor = time.Minute

// members remembers which files of a glob are followed.
type members struct {
	glob    *Glob
	notices *notices
	files   []*File
	began   time.Time
	// ids says when a file that is or was at a followed path last matched,
	// under whatever name. By it a followed file that was renamed is known, and
	// a second link to one.
	ids    map[identity]time.Time
	looked bool
	// trouble is that there is none.
	trouble trouble
}

// find gives the files that are to be followed from now on.
func (m *members) find() []*File {
	now := time.Now()
	m.files = slices.DeleteFunc(m.files, func(f *File) bool { return f.ended.Load() })
	matches, _ := filepath.Glob(m.glob.pattern)
	var found []*File
	for _, path := range matches {
		id, err := identifyPath(path)
		if err != nil {
			continue
		}
		_, known := m.ids[id]
		if !known && !m.follows(path) {
			if m.rotated(path, matches) || !isFile(path) {
				continue
			}
			file := m.file(path)
			m.files = append(m.files, file)
			found = append(found, file)
		}
		m.ids[id] = now
	}
	maps.DeleteFunc(m.ids, func(_ identity, seen time.Time) bool { return now.Sub(seen) > rememberFor })
	if !m.looked && len(m.files) == 0 {
		m.trouble.lasts(m.nothing())
	}
	if len(found) > 0 {
		m.trouble.over()
	}
	m.looked = true
	return found
}

func (m *members) file(path string) *File {
	f := NewFile(path, m.glob.alarm)
	f.probe, f.notices, f.late, f.forget = m.glob.probe, m.notices, m.looked, m.glob.forget
	// A file that was given up before does not go on where it was.
	if m.glob.positions != nil && time.Since(m.began) < m.glob.forget {
		if err := f.Resume(m.glob.positions(path)); err != nil {
			m.glob.alarm(path, &LossError{err})
		}
	}
	return f
}

func (m *members) follows(path string) bool {
	return slices.ContainsFunc(m.files, func(f *File) bool { return f.path == path })
}

// rotated reports whether path is what rotation has made of another match or
// of a followed file.
func (m *members) rotated(path string, matches []string) bool {
	others := slices.Clone(matches)
	for _, f := range m.files {
		others = append(others, f.path)
	}
	return Rotated(path, others)
}

// nothing says why there is no file yet.
func (m *members) nothing() error {
	pattern := m.glob.pattern
	dir := filepath.Dir(pattern)
	if _, err := os.ReadDir(dir); errors.Is(err, os.ErrPermission) {
		return explain(dir, err)
	}
	info, err := os.Stat(pattern)
	switch {
	case err != nil:
		return fmt.Errorf("find %s: no file matches yet; each is read as soon as it does (or correct the pattern)", pattern)
	case info.IsDir():
		return fmt.Errorf("find %[1]s: it is a directory; name the files in it: %[1]s/*.log", pattern)
	}
	return fmt.Errorf("find %[1]s: it is no regular file; give it as standard input: odooban run - < %[1]s", pattern)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
