package tailfile

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"odooban/watcher"
	"odooban/watcher/content"
	"odooban/watcher/lines"
)

const (
	// keepTime is how long a file that was rotated away is read on after it last
	// grew: until each worker of a server that rotates by itself, once a day, has.
	keepTime = 25 * time.Hour
	// maxOld bounds how many rotated files are held open.
	maxOld = 16
	// clockSlack is how far a birth time may lie behind the clock: the kernel
	// stamps files with the time of its last tick.
	clockSlack = 20 * time.Millisecond
)

// lookAround sees what the path names now, and reads what there is to read.
func (w *follower) lookAround(ctx context.Context) error {
	if !w.started && w.resume != nil {
		w.restore()
	}
	before := time.Now()
	w.trouble.begin()
	id, err := content.IdentifyPath(w.path)
	if !errors.Is(err, fs.ErrNotExist) {
		w.there = before
	}
	switch {
	case err != nil:
		w.missing(content.Explain(w.path, err))
	case w.current != nil && w.current.id == id:
		w.named = before
		if time.Since(w.current.grown) > liveWithin {
			if err := w.mount.rotated(); err != nil {
				w.trouble.lasts(err)
			}
		}
	default:
		w.change(before)
	}
	w.started = true
	defer func() { w.wakeups.look.Reset(w.pace()) }()
	err = w.readAll(ctx)
	w.trouble.end()
	return err
}

// missing deals with a path that cannot be opened. Between the renaming of the
// old file and the creation of the new one that is no trouble. Meanwhile files
// may have come and gone under that name; the last of them is followed then.
func (w *follower) missing(err error) {
	if w.named.IsZero() || !errors.Is(err, fs.ErrNotExist) {
		w.trouble.lasts(err)
		return
	}
	if time.Since(w.named) > w.grace {
		w.trouble.lasts(err)
	}
	found := w.unseen(nil)
	if len(found) == 0 {
		return
	}
	last := found[len(found)-1]
	if last.Packed {
		// Whatever it is, it is not the log. It is found again when that is.
		closeAll(found)
		return
	}
	w.succeed(found[:len(found)-1], last, last.id.BornAt())
}

// change goes over to what the path names now: the file before is read to its
// end and kept for late writers, then those that came and went unnoticed, then
// the new one. before is a moment before the path was looked at.
func (w *follower) change(before time.Time) {
	next, err := openGeneration(w.path)
	if err != nil {
		w.missing(err)
		return
	}
	if current := w.current; w.renamedBack(next) {
		if w.current != current {
			w.tail.stop()
		}
		w.named = before
		return
	}
	if w.started || w.late {
		next.atEnd = next.id.BornAt()
	}
	var between []*generation
	if !w.named.IsZero() {
		between = w.unseen(next)
	}
	w.succeed(between, next, before)
}

// succeed keeps current and what came between as old files, which are read
// first, and makes next the current one, named by the path at that moment.
func (w *follower) succeed(between []*generation, next *generation, named time.Time) {
	last := w.current
	if last != nil {
		w.old = append(w.old, last)
	}
	w.tail.stop()
	w.old = append(w.old, between...)
	w.current, w.named, w.tail.began = next, named, time.Time{}
	if last != nil {
		last.grown = time.Now()
	}
	if !w.started && w.resume != nil {
		// What was compressed before any of it was read is not known again.
		w.sortByAge(w.old)
	}
}

// readAll reads the old files, and the current one if no tail does or can.
func (w *follower) readAll(ctx context.Context) error {
	for _, old := range w.old {
		if err := w.catchUp(ctx, old); err != nil || ctx.Err() != nil {
			return err
		}
	}
	w.retire()
	g := w.current
	if g == nil {
		return nil
	}
	if g.pos == 0 && g.stored == nil {
		g.skipTo(g.rewritten(w.replaced()))
	}
	w.since = w.named
	w.done = w.done[max(0, len(w.done)-maxDone):]
	var anchor [content.HeadSize]byte
	now := time.Now()
	size, err := g.size(anchor[:])
	switch {
	case w.tail.tail == nil, err != nil, size-g.pos > lines.BlockSize, g.lines.Open > lines.Longest:
		return w.readOn(ctx)
	case size == g.pos:
		g.atEnd = now
		if !w.out.Unsettled() {
			return nil // there is nothing to settle
		}
	default: // a notice may be quicker than the tail
		if err := w.catchUp(ctx, g); err != nil {
			return err
		}
	}
	w.arm(watcher.SettleTime)
	return nil
}

// truncated begins g again from its start. If it was copied away first, what
// had not been read yet stands in the copy.
func (w *follower) truncated(ctx context.Context, g *generation) error {
	if g == w.current {
		w.tail.stop()
	}
	if err := w.readCopy(ctx, g); err != nil || ctx.Err() != nil {
		return err
	}
	before := g.mark()
	w.remember(g)
	g.restart()
	g.skipTo(g.rewritten([]mark{before}))
	return nil
}

// readCopy reads on in a sibling that has what was read of g where it was
// read. A file that has that was copied after those bytes were written, so
// what follows in it followed in g.
func (w *follower) readCopy(ctx context.Context, g *generation) error {
	m := g.mark()
	if m.Offset == 0 {
		return nil
	}
	r := &recovery{path: w.path, found: []*generation{g}}
	r.siblings = atOneMoment(func() []entry { return siblings(r.path) })
	found := r.byContent(m)
	if len(found) == 0 {
		return nil
	}
	own := g.File
	g.File = found[0].File
	g.rewind()
	err := w.drain(ctx, g)
	g.Close()
	g.File = own
	return err
}
