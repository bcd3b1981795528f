package tailfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"odooban/watcher/content"
)

// unseen opens the files that the path named between current and next, which
// may be nil, without anybody looking: siblings born since the path was last
// seen to name current, and before next, the oldest first. A copy of a known one
// is none.
func (f *files) unseen(next *generation) []*generation {
	var found []*generation
	seen := f.open()
	if next != nil {
		seen = append(seen, next)
	}
	for tries, moving := 0, true; moving && tries < maxTries; tries++ {
		moving = false
		for _, e := range atOneMoment(func() []entry { return siblings(f.path) }) {
			g, err := f.openUnseen(e, slices.Concat(seen, found))
			if g != nil {
				found = append(found, g)
			}
			moving = moving || errors.Is(err, fs.ErrNotExist)
		}
	}
	if next == nil || len(found) == 0 {
		f.sortByAge(found)
		return found
	}
	f.locate(append(slices.Clip(found), next))
	slices.SortStableFunc(found, older)
	if next.path == f.path {
		return found
	}
	return olderThan(next, found)
}

// olderThan leaves out what is newer than next, which was rotated away itself since it was
// opened: that comes later.
func olderThan(next *generation, found []*generation) []*generation {
	for i, g := range found {
		if older(next, g) < 0 {
			closeAll(found[i:])
			return found[:i]
		}
	}
	return found
}

// sortByAge puts the oldest first.
func (f *files) sortByAge(generations []*generation) {
	if len(generations) < 2 {
		return
	}
	f.locate(generations)
	slices.SortStableFunc(generations, older)
}

// locate finds out what generations are called at one moment: each may have been opened
// between other renamings.
func (f *files) locate(generations []*generation) {
	files := atOneMoment(func() []entry { return siblings(f.path) })
	for _, g := range generations {
		if i := slices.IndexFunc(files, func(e entry) bool { return e.id == g.id }); i >= 0 {
			g.path = files[i].path
		}
	}
}

// older compares two generations by age: by their numbers if they have some,
// otherwise by when they were last written to, which compression keeps.
func older(a, b *generation) int {
	if x, y := rotationNumber(a.path), rotationNumber(b.path); x > 0 && y > 0 {
		return cmp.Compare(y, x)
	}
	return cmp.Or(a.written().Compare(b.written()), cmp.Compare(a.id.Born, b.id.Born))
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

// openUnseen opens a file if it can have been the log after current was, and is
// none of seen; otherwise it gives nil.
func (f *files) openUnseen(e entry, seen []*generation) (*generation, error) {
	if e.path == f.path || e.id.Born != 0 && !f.isNew(e.id.BornAt()) ||
		slices.ContainsFunc(seen, func(o *generation) bool { return o.id == e.id }) {
		return nil, nil
	}
	g, err := e.open()
	if err != nil {
		return nil, err
	}
	if len(seen) > maxFiles-maxDone || !f.readable(g) || f.isCopy(g, seen) {
		g.Close()
		return nil, nil
	}
	g.atEnd = g.id.BornAt()
	return g, nil
}

// isNew reports whether at is later than the path was last seen to name
// current.
func (f *files) isNew(at time.Time) bool { return !at.Before(f.named.Add(-clockSlack)) }

// readable reports whether there are new lines in g that can be read. A
// compressed file is new by its birth time; it keeps the time when its lines
// were written last.
func (f *files) readable(g *generation) bool {
	ending := g.Compression()
	switch {
	case ending == "" && content.IsPacked(g.path):
		// It is being made, of a file that is still there.
		return false
	case ending == "" && g.id.Born != 0:
		return true
	case !f.isNew(g.written()):
		return false
	case ending == "":
		return true
	case len(content.File{File: g.File.File}.Head()) == 0:
		return false
	case ending != ".gz":
		f.loss(fmt.Errorf("read %s: compressed as %s, and lines in it are missing; "+
			"let rotation compress with gzip", g.path, ending))
		return false
	}
	g.Packed = true
	// Without a whole head it is being made, of a file that is still there.
	head, err := g.At(0, content.HeadSize)
	return err == nil && len(head) > 0
}

// isCopy reports whether g is a copy of one of seen, or of one that was done
// with.
func (f *files) isCopy(g *generation, seen []*generation) bool {
	head := g.Head()
	return slices.ContainsFunc(seen, func(o *generation) bool { return g.Copied(o.File) }) ||
		slices.ContainsFunc(f.done, func(m mark) bool {
			n := int(min(m.Offset, content.HeadSize))
			return n > 0 && len(head) >= n && fingerprint(head[:n]) == m.Head
		})
}

func closeAll(generations []*generation) {
	for _, g := range generations {
		g.Close()
	}
}
