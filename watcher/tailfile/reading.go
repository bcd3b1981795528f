package tailfile

import (
	"context"
	"errors"
	"time"

	"github.com/nxadm/tail"

	"odooban/watcher"
	"odooban/watcher/content"
	"odooban/watcher/lines"

	"odooban/watcher/tailing"
)

// smallBlock is enough for what comes in live: many files may be followed, and
// each has one. Whoever finds it full takes a large one until the end.
const smallBlock = content.HeadSize + 16<<10

// catchUp reads g to its end, in blocks. Truncation is dealt with on the way;
// trouble with reading is reported, and the next look tries again.
func (w *follower) catchUp(ctx context.Context, g *generation) error {
	if g.Packed {
		return w.unpack(ctx, g)
	}
	block := w.block
	for ctx.Err() == nil {
		now := time.Now()
		data, err := g.read(block)
		if errors.Is(err, errTruncated) {
			if err := w.truncated(ctx, g); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			w.trouble.lasts(content.Explain(w.path, err))
			return nil
		}
		full := len(g.anchor)+len(data) == len(block)
		// What was written while it was being read is not from the future.
		read := time.Now()
		if err := w.feed(g, data, read, true); err != nil {
			return err
		}
		if !full {
			g.atEnd = now
			return nil
		}
		if len(block) == smallBlock {
			block = make([]byte, content.HeadSize+lines.BlockSize)
		}
	}
	return nil
}

// unpack reads a compressed file, once: it does not grow.
func (w *follower) unpack(ctx context.Context, g *generation) error {
	if g.spent {
		return nil
	}
	err := w.drain(ctx, g)
	g.spent = ctx.Err() == nil
	return err
}

// feed hands on the lines of data, which stands at the position of g, a file that
// grows or one that is only read. Settling begins when it was read: to hand it on may
// have taken a while.
func (w *follower) feed(g *generation, data []byte, read time.Time, grows bool) error {
	if len(data) == 0 {
		return nil
	}
	w.Turn() // a large file takes its time
	g.lookUpTo(g.pos + int64(len(data)))
	live := grows && g.live()
	var skim func([]byte, int64) error
	if w.out.Skims() && !live {
		skim = func(lines []byte, offset int64) error {
			return w.out.Skim(watcher.Lines{Text: lines, Place: g.place(offset), Position: w.encode})
		}
	}
	err := g.feed(data, func(text []byte, offset int64) error {
		if g.name == "" {
			w.call(g, text)
		}
		line := watcher.Line{Text: text, Place: g.place(offset), Position: w.encode}
		if live {
			g.seen(&line, offset, offset+g.lines.Size)
		}
		return w.out.Line(line)
	}, skim)
	g.grown = time.Now()
	if live && g.found.at.After(read) {
		read = g.found.at // the tail had it before the file was looked at
	}
	w.latest, w.armed = read, true
	w.check.Reset(watcher.SettleTime - early - time.Since(read))
	return err
}

// takeTailed takes a line that the tail has brought. It counts only if it
// starts where the next line is due: one before that has been read already,
// and one behind it means that something lies between.
func (w *follower) takeTailed(ctx context.Context, line *tail.Line) error {
	var anchor [content.HeadSize]byte
	g := w.current
	size, err := g.size(anchor[:])
	if err != nil {
		return w.readOn(ctx)
	}
	start := tailing.LineStart(line)
	if start > g.offset() || size-g.pos > lines.BlockSize {
		return w.readOn(ctx)
	}
	if start < g.offset() {
		return nil
	}
	data := append([]byte(line.Text), '\n')
	g.looked(size)
	if err := w.feed(g, data[g.lines.Open:], line.Time, true); err != nil {
		return err
	}
	if g.pos >= size {
		g.atEnd = g.grown
	}
	return nil
}

// readOn reads current to its end without its tail, which is then started
// again from there.
func (w *follower) readOn(ctx context.Context) error {
	w.tail.stop()
	if err := w.catchUp(ctx, w.current); err != nil {
		return err
	}
	if err := w.tail.start(w.current); err != nil {
		w.trouble.lasts(err)
	}
	w.arm(watcher.SettleTime)
	w.wakeups.look.Reset(w.pace())
	return nil
}
