package watcher

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// maxOld bounds how many rotated files are held open.
	maxOld = 16
	// clockSlack is how far a birth time may lie behind the clock: the kernel
	// stamps files with the time of its last tick.
	clockSlack = 20 * time.Millisecond
)

// lookAround sees what the path names now, and reads what there is to read.
func (w *follower) lookAround(ctx context.Context) error {
	before := time.Now()
	id, err := identifyPath(w.path)
	switch {
	case err != nil:
		if err := w.missing(ctx, explain(w.path, err)); err != nil {
			return err
		}
	case w.current != nil && w.current.id == id:
		w.named = before
	default:
		if err := w.change(ctx, before); err != nil {
			return err
		}
	}
	w.started = true
	defer func() { w.look.Reset(w.pace()) }()
	return w.readAll(ctx)
}

// missing deals with a path that cannot be opened. Between the renaming of the
// old file and the creation of the new one that is no trouble. Meanwhile files
// may have come and gone under that name; the last of them is followed then.
func (w *follower) missing(ctx context.Context, err error) error {
	if w.current == nil || !errors.Is(err, fs.ErrNotExist) {
		w.trouble(err)
		return nil
	}
	if time.Since(w.named) > w.grace {
		w.trouble(err)
	}
	found := w.unseen(nil)
	if len(found) == 0 {
		return nil
	}
	last := found[len(found)-1]
	return w.succeed(ctx, found[:len(found)-1], last, last.id.bornAt())
}

// change goes over to what the path names now: the file before is read to its
// end and kept for late writers, then those that came and went unnoticed, then
// the new one. before is a moment before the path was looked at.
func (w *follower) change(ctx context.Context, before time.Time) error {
	next, err := openGeneration(w.path)
	if err != nil {
		return w.missing(ctx, err)
	}
	w.reported = ""
	if w.renamedBack(next) {
		w.named = before
		return nil
	}
	if w.started || w.late {
		next.atEnd = next.id.bornAt()
	}
	var between []*generation
	if w.current != nil {
		between = w.unseen(next)
	}
	return w.succeed(ctx, between, next, before)
}

// succeed reads current to its end, keeps it and what came between as old
// files, and makes next the current one, named by the path at that moment.
func (w *follower) succeed(ctx context.Context, between []*generation, next *generation, named time.Time) error {
	last := w.current
	if last != nil {
		w.old = append(w.old, last)
	}
	w.stopTailing()
	w.old = append(w.old, between...)
	w.current, w.named, w.tailed = next, named, time.Time{}
	if last == nil {
		return nil
	}
	last.grown = time.Now()
	return w.catchUp(ctx, last)
}

// renamedBack goes back to a file that is open already, if next is one, and
// closes next then.
func (w *follower) renamedBack(next *generation) bool {
	i := slices.IndexFunc(w.open(), func(g *generation) bool { return g.id == next.id })
	if i < 0 {
		return false
	}
	next.file.Close()
	if i < len(w.old) {
		w.stopTailing()
		w.old[i], w.current = w.current, w.old[i]
	}
	return true
}

// readAll reads the old files, and the current one if no tail does or can.
func (w *follower) readAll(ctx context.Context) error {
	g := w.current
	if g == nil {
		return nil
	}
	for _, old := range w.old {
		if err := w.catchUp(ctx, old); err != nil {
			return err
		}
	}
	w.retire()
	var anchor [anchorSize]byte
	now := time.Now()
	size, err := g.size(anchor[:])
	switch {
	case w.tailing == nil, err != nil, size-g.pos > blockSize, g.lines.open > keepLine:
		return w.readOn(ctx)
	case size == g.pos:
		g.atEnd = now
	}
	w.arm(SettleTime)
	return nil
}

// retire closes the old files that nobody writes to any more: those quiet for
// the grace time, once the writers are known to have found the new one.
func (w *follower) retire() {
	moved := w.current.pos > 0
	excess := len(w.old) - maxOld
	w.old = slices.DeleteFunc(w.old, func(g *generation) bool {
		excess--
		if excess < 0 && (!moved || time.Since(g.grown) <= w.grace) {
			return false
		}
		g.file.Close()
		return true
	})
}

// unseen opens the files that the path named between current and next, which
// may be nil, without anybody looking: siblings born since the path was last
// seen to name current, the oldest first. A copy of current is none.
func (w *follower) unseen(next *generation) []*generation {
	var found []*generation
	seen := w.open()
	if next != nil {
		seen = append(seen, next)
	}
	// A file that is renamed while the directory is read may be missed.
	for tries, moving := 0, true; moving && tries < 3; tries++ {
		moving = false
		for _, path := range siblings(w.path) {
			g, err := w.openUnseen(path, slices.Concat(seen, found))
			if g != nil {
				found = append(found, g)
			}
			moving = moving || errors.Is(err, fs.ErrNotExist)
		}
	}
	slices.SortStableFunc(found, func(a, b *generation) int { return cmp.Compare(a.id.born, b.id.born) })
	return found
}

// openUnseen opens the file at path if it can have been the log after current
// was, and is none of seen; otherwise it gives nil.
func (w *follower) openUnseen(path string, seen []*generation) (*generation, error) {
	id, err := identifyPath(path)
	if err != nil || id.bornAt().Before(w.named.Add(-clockSlack)) || id.born < w.current.id.born {
		return nil, err
	}
	g, err := openGeneration(path)
	if err != nil {
		return nil, err
	}
	known := slices.ContainsFunc(seen, func(o *generation) bool { return o.id == g.id })
	if known || len(seen) > maxOld || g.compressed() || w.current.copied(g) {
		g.file.Close()
		return nil, nil
	}
	g.atEnd = g.id.bornAt()
	return g, nil
}

// truncated begins g again from its start. If it was copied away first, what
// had not been read yet stands in the copy.
func (w *follower) truncated(ctx context.Context, g *generation) error {
	if g == w.current {
		w.stopTailing()
	}
	var err error
	if rest := w.copyOf(g); rest != nil {
		defer rest.file.Close()
		err = w.catchUp(ctx, rest)
	}
	g.restart()
	return err
}

// copyOf opens a sibling that has what was read of g where it was read, and
// more, ready to go on reading there. A file that has that was copied after
// those bytes were written, so what follows in it followed in g.
func (w *follower) copyOf(g *generation) *generation {
	if g.pos == 0 {
		return nil
	}
	var anchor [anchorSize]byte
	for _, path := range siblings(w.path) {
		rest, err := openGeneration(path)
		if err != nil {
			continue
		}
		rest.pos, rest.anchor, rest.atEnd = g.pos, g.anchor, g.atEnd
		if size, err := rest.size(anchor[:]); err == nil && size > g.pos && rest.id != g.id {
			rest.anchor = slices.Clone(g.anchor)
			rest.lines = g.lines
			g.lines = splitter{skipped: g.lines.skipped}
			return rest
		}
		rest.file.Close()
	}
	return nil
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
