package watcher

import (
	"bytes"
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
		w.missing(explain(w.path, err))
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

// missing reports that there is nothing to open. Between the renaming of the
// old file and the creation of the new one that is no trouble.
func (w *follower) missing(err error) {
	gap := w.current != nil && time.Since(w.named) < w.grace
	if !gap || !errors.Is(err, fs.ErrNotExist) {
		w.trouble(err)
	}
}

// change goes over to what the path names now: the file before is read to its
// end and kept for late writers, then those that came and went unnoticed, then
// the new one. before is a moment before the path was looked at.
func (w *follower) change(ctx context.Context, before time.Time) error {
	next, err := openGeneration(w.path)
	if err != nil {
		w.missing(err)
		return nil
	}
	w.reported = ""
	if w.renamedBack(next) {
		w.named = before
		return nil
	}
	if w.started || w.late {
		next.atEnd = next.id.bornAt()
	}
	w.stopTailing()
	if w.current != nil {
		err = w.catchUp(ctx, w.current)
		w.current.grown = before
		unseen := w.unseen(next)
		w.old = append(append(w.old, w.current), unseen...)
	}
	w.current, w.named, w.tailed = next, before, time.Time{}
	return err
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

// unseen opens the files that the path named between current and next without
// anybody looking: siblings born since the path was last seen to name current.
// A copy of current is none.
func (w *follower) unseen(next *generation) []*generation {
	var found []*generation
	since := w.named.Add(-clockSlack)
	head := w.current.head()
	for _, path := range siblings(w.path) {
		id, err := identifyPath(path)
		if err != nil || id.bornAt().Before(since) {
			continue
		}
		g, err := openGeneration(path)
		if err != nil {
			continue
		}
		known := slices.ContainsFunc(slices.Concat(w.open(), found, []*generation{next}),
			func(o *generation) bool { return o.id == g.id })
		if known || g.compressed() || bytes.Equal(head, g.head()) || len(found) == maxOld {
			g.file.Close()
			continue
		}
		g.atEnd = g.id.bornAt()
		found = append(found, g)
	}
	slices.SortFunc(found, func(a, b *generation) int { return cmp.Compare(a.id.born, b.id.born) })
	return found
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

// siblings gives the paths of what rotation has made of the file at path.
func siblings(path string) []string {
	dir, base := filepath.Split(path)
	entries, _ := os.ReadDir(cmp.Or(dir, "."))
	var paths []string
	for _, e := range entries {
		if isSibling(base, e.Name()) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}
