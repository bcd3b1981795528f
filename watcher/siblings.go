package watcher

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// unseen opens the files that the path named between current and next, which
// may be nil, without anybody looking: siblings born since the path was last
// seen to name current, the oldest first. A copy of a known one is none.
func (w *follower) unseen(next *generation) []*generation {
	var found []*generation
	seen := w.open()
	if next != nil {
		seen = append(seen, next)
	}
	// A file that is renamed while the directory is read may be missed.
	for tries, moving := 0, true; moving && tries < 10; tries++ {
		moving = false
		for _, path := range plainFirst(siblings(w.path)) {
			g, err := w.openUnseen(path, slices.Concat(seen, found))
			if g != nil {
				found = append(found, g)
			}
			moving = moving || g != nil || errors.Is(err, fs.ErrNotExist)
		}
	}
	slices.SortStableFunc(found, older)
	return found
}

// older compares two generations by age: by their numbers if they have some,
// otherwise by when they were last written to, which compression keeps.
func older(a, b *generation) int {
	if x, y := rotationNumber(a.path), rotationNumber(b.path); x > 0 && y > 0 {
		return cmp.Compare(y, x)
	}
	return cmp.Or(a.written().Compare(b.written()), cmp.Compare(a.id.born, b.id.born))
}

// rotationNumber is 2 for odoo.log.2.gz, and 0 for what has no such number.
func rotationNumber(path string) int {
	path = strings.TrimSuffix(path, ".gz")
	if ext := filepath.Ext(path); len(ext) > 1 && len(ext) <= 4 {
		n, _ := strconv.Atoi(ext[1:])
		return n
	}
	return 0
}

// openUnseen opens the file at path if it can have been the log after current
// was, and is none of seen; otherwise it gives nil.
func (w *follower) openUnseen(path string, seen []*generation) (*generation, error) {
	id, err := identifyPath(path)
	if err != nil || id.born != 0 && !w.isNew(id.bornAt()) || w.current != nil && id.born < w.current.id.born {
		return nil, err
	}
	g, err := openGeneration(path)
	if err != nil {
		return nil, err
	}
	known := slices.ContainsFunc(seen, func(o *generation) bool { return o.id == g.id })
	if known || len(seen) > maxFiles-maxDone || !w.readable(g) || w.isCopy(g, seen) {
		g.file.Close()
		return nil, nil
	}
	g.atEnd = g.id.bornAt()
	return g, nil
}

// isNew reports whether at is later than the path was last seen to name
// current.
func (w *follower) isNew(at time.Time) bool { return !at.Before(w.named.Add(-clockSlack)) }

// readable reports whether there are new lines in g that can be read. A
// compressed file is new by its birth time; it keeps the time when its lines
// were written last.
func (w *follower) readable(g *generation) bool {
	ending := g.compression()
	switch {
	case ending == "" && g.id.born != 0:
		return true
	case !w.isNew(g.written()):
		return false
	case ending == "":
		return true
	case ending != ".gz":
		w.alarm(fmt.Errorf("read %s: compressed as %s, and lines in it are missing; "+
			"let rotation compress with gzip", g.path, ending))
		return false
	}
	g.packed = true
	// Without a whole head it is being made, of a file that is still there.
	head, err := g.at(0, anchorSize)
	return err == nil && len(head) > 0
}

// isCopy reports whether g is a copy of one of seen, or of one that was done
// with.
func (w *follower) isCopy(g *generation, seen []*generation) bool {
	head := g.head()
	return slices.ContainsFunc(seen, func(o *generation) bool { return g.copied(o.content) }) ||
		slices.ContainsFunc(w.done, func(m mark) bool {
			n := int(min(m.Offset, anchorSize))
			return n > 0 && len(head) >= n && fingerprint(head[:n]) == m.Head
		})
}

func closeAll(generations []*generation) {
	for _, g := range generations {
		g.file.Close()
	}
}

// plainFirst puts compressed files behind the others. While one is being made
// it has not all of what the other has.
func plainFirst(paths []string) []string {
	slices.SortStableFunc(paths, func(a, b string) int {
		return cmp.Compare(strings.Count(filepath.Ext(a), ".gz"), strings.Count(filepath.Ext(b), ".gz"))
	})
	return paths
}

// siblings gives the paths of what rotation has made of the file at path. Of
// numbered ones the oldest, with the highest number, comes first.
func siblings(path string) []string {
	dir, base := filepath.Split(path)
	entries, _ := os.ReadDir(cmp.Or(dir, "."))
	var paths []string
	for _, e := range entries {
		if isSibling(base, e.Name()) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a))
	})
	return paths
}
