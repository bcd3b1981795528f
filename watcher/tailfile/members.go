package tailfile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"odooban/watcher"
	"odooban/watcher/content"
	"odooban/watcher/rotated"
)

// rememberFor is how long the identity of a file is known after it was last
// seen: while it is being renamed it is not.
const rememberFor = time.Minute

// members remembers which files of a glob are followed.
type members struct {
	glob    *Glob
	notices *notices
	files   []*File
	began   time.Time
	// ids are those of files that are or were at a followed path, under whatever
	// name. By them a followed file that was renamed is known, and a second link
	// to one.
	ids    map[content.Identity]sighting
	looked bool
	// troubles are, for each pattern, that there is no file.
	troubles []watcher.Trouble
}

// sighting says who follows a file, and when that last matched.
type sighting struct {
	file *File
	at   time.Time
}

// match is a file that matches a pattern, given by its index.
type match struct {
	entry
	pattern int
}

func newMembers(g *Glob, n *notices) *members {
	m := &members{glob: g, notices: n, ids: make(map[content.Identity]sighting), began: time.Now()}
	for _, pattern := range g.patterns {
		m.troubles = append(m.troubles, watcher.NewTrouble(pattern, g.alarm))
	}
	return m
}

// find gives the files that are to be followed from now on.
func (m *members) find() []*File {
	now := time.Now()
	matches, paths := m.match()
	m.renew(now)
	var found []*File
	followed := make([]bool, len(m.troubles))
	for _, e := range matches {
		file := cmp.Or(m.ids[e.id].file, m.at(e.path))
		if file == nil {
			if m.rotated(e.path, paths) || !isFile(e.path) {
				continue
			}
			file = m.file(e.path)
			m.files = append(m.files, file)
			found = append(found, file)
		}
		m.ids[e.id] = sighting{file, now}
		followed[e.pattern] = true
	}
	m.tell(followed)
	m.looked = true
	return found
}

// match identifies what matches, and gives all paths that do. What was followed
// before comes first, as its position goes by its name.
func (m *members) match() (matches []match, paths []string) {
	for i, pattern := range m.glob.patterns {
		found, _ := filepath.Glob(pattern)
		paths = append(paths, found...)
		for _, path := range found {
			if id, err := content.IdentifyPath(path); err == nil {
				matches = append(matches, match{entry{path, id}, i})
			}
		}
	}
	known := func(e match) int { return min(len(m.position(e.path)), 1) }
	slices.SortStableFunc(matches, func(a, b match) int { return cmp.Compare(known(b), known(a)) })
	return matches, paths
}

// renew forgets what is no longer followed, and looks at what the followed paths
// name now. It comes after match: what both find is a second link, and no file that
// has come to the path in between.
func (m *members) renew(now time.Time) {
	m.files = slices.DeleteFunc(m.files, func(f *File) bool { return f.ended.Load() })
	maps.DeleteFunc(m.ids, func(_ content.Identity, s sighting) bool {
		return s.file.ended.Load() || now.Sub(s.at) > rememberFor
	})
	for _, f := range m.files {
		if id, err := content.IdentifyPath(f.path); err == nil {
			m.ids[id] = sighting{f, now}
		}
	}
}

func (m *members) file(path string) *File {
	f := NewFile(path, m.glob.alarm)
	f.probe, f.notices, f.late, f.forget = m.glob.probe, m.notices, m.looked, m.glob.forget
	if err := f.Resume(m.position(path)); err != nil {
		m.glob.alarm(path, &watcher.LossError{Err: err})
	}
	return f
}

// position is where reading path goes on. A file that was given up before does not
// go on where it was.
func (m *members) position(path string) []byte {
	if m.glob.positions == nil || time.Since(m.began) >= m.glob.forget {
		return nil
	}
	return m.glob.positions(path)
}

// at gives who follows path, or nil.
func (m *members) at(path string) *File {
	for _, f := range m.files {
		if f.path == path {
			return f
		}
	}
	return nil
}

// rotated reports whether path is what rotation has made of another match or
// of a followed file.
func (m *members) rotated(path string, matches []string) bool {
	others := slices.Clone(matches)
	for _, f := range m.files {
		others = append(others, f.path)
	}
	return rotated.Is(path, others)
}

// tell says of which patterns no file is followed yet.
func (m *members) tell(followed []bool) {
	for i, ok := range followed {
		switch {
		case ok:
			m.troubles[i].Over()
		case !m.looked:
			m.troubles[i].Lasts(noFile(m.glob.patterns[i]))
		}
	}
}

// noFile says why there is no file of a pattern yet.
func noFile(pattern string) error {
	dir := filepath.Dir(pattern)
	if _, err := os.ReadDir(dir); errors.Is(err, os.ErrPermission) {
		return content.Explain(dir, err)
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
