package tailfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"odooban/watcher"
	"odooban/watcher/content"
	"odooban/watcher/lines"
)

// Resume lets Follow, which must not have been called yet, go on at position,
// which a Line of this path gave to this or a former process. Empty means the
// start. If it cannot be read, Follow begins at the start too.
//
// Lines from before the position come again, at most 2 MiB of them: who reads
// lines needs to know what came before. They have the same Place as then.
func (f *File) Resume(position []byte) error {
	if len(position) == 0 {
		return nil
	}
	p, err := parsePosition(position)
	if err != nil {
		return fmt.Errorf("resume %s: %w", f.path, err)
	}
	f.resume = &p
	return nil
}

// resumeAt goes on at m, or up to warm bytes before at the start of a line, if
// the content has what m says. Otherwise it changes nothing.
func (g *generation) resumeAt(m mark, warm int64) bool {
	if m.Offset > 0 {
		head, err := g.At(0, min(m.Offset, content.HeadSize))
		if err != nil || fingerprint(head) != m.Head {
			return false
		}
		low := max(0, m.Offset-warm-1-content.HeadSize)
		window, err := g.At(low, m.Offset-low)
		if err != nil || int64(len(window)) < m.Offset-low || fingerprint(lastBytes(nil, nil, window)) != m.Anchor {
			return false
		}
		g.pos = m.Offset
		if m.Offset <= warm {
			g.pos = 0
		} else if i := bytes.IndexByte(window[int64(len(window))-warm-1:], '\n'); i >= 0 {
			g.pos += int64(i) - warm
		}
		g.start = head[:min(g.pos, int64(len(head)))]
		g.anchor = lastBytes(nil, nil, window[:g.pos-low])
		g.before = bytes.Clone(g.anchor)
	}
	g.stored = &m
	g.origin, g.name, g.shift = m.identity(), m.Generation, m.Shift
	g.grown = g.written()
	return true
}

// recovery finds the files of a stored position again.
type recovery struct {
	path string
	// warm is how much may still be read of what came before the position.
	warm int64
	// files are those beside the path and beside what it links to, siblings
	// those that rotation has made of it.
	files, siblings []entry
	found           []*generation
	// moving says that a file was gone before it could be opened.
	moving bool
}

// restore makes the follower what it was at the stored position. What happened
// since is then found out as if it had been asleep meanwhile.
func (w *follower) restore() {
	p := w.resume
	w.named, w.since = p.since(), p.since()
	r := &recovery{path: w.path, warm: watcher.WarmUp}
	lost := 0
	for _, m := range slices.Backward(p.Files) {
		found := r.recover(m)
		r.found = slices.Concat(found, r.found)
		if m.Offset == 0 || slices.ContainsFunc(found, func(g *generation) bool { return g.stored != nil }) {
			continue
		}
		if !m.Done {
			lost++
		}
		m.Done = true
		w.done = slices.Insert(w.done, 0, m)
	}
	w.adopt(r.found)
	if id, err := content.IdentifyPath(w.path); err == nil && w.current != nil && w.current.id == id {
		// What copytruncate has made of it more than once.
		w.old = append(w.old, w.unseen(nil)...)
	}
	if lost > 0 {
		w.trouble.Loss(fmt.Errorf("resume %s: %d files that were read before were rotated away or truncated meanwhile, "+
			"and what was written to them since cannot be found; lines may be missing "+
			"(let rotation keep old files, plain or as .gz, and start again sooner)", w.path, lost))
	}
}

// recover opens what there is of the generation of m: the file itself; if that
// was truncated what its copy has, then the file from its start; what somebody has
// made of it by trimming or editing; or what compression has. It gives nothing if
// there is nothing to read.
func (r *recovery) recover(m mark) []*generation {
	for tries := 0; ; tries++ {
		if r.moving || r.files == nil {
			r.moving = false
			r.files = atOneMoment(func() []entry { return neighbours(r.path) })
			r.siblings = atOneMoment(func() []entry { return siblings(r.path) })
		}
		found := r.look(m)
		if len(found) > 0 || m.Done || !r.moving || tries >= maxTries {
			return found
		}
	}
}

func (r *recovery) look(m mark) []*generation {
	own := r.byIdentity(m.identity())
	if own != nil && own.resumeAt(m, r.warm) {
		return r.taken(own)
	}
	var found []*generation
	if m.Offset > 0 && (!m.Done || r.warm > 0) {
		found = r.byContent(m)
	}
	if len(found) == 0 && !m.Done {
		if g := r.byRewriting(m, own); g != nil {
			return r.taken(g)
		}
	}
	if own == nil {
		return found
	}
	if own.Packed || m.Done {
		own.Close()
		return found
	}
	return append(found, own)
}

// byRewriting gives what somebody has made of the file of m, under its path; own is
// that file, if it is still there.
func (r *recovery) byRewriting(m mark, own *generation) *generation {
	g := own
	if i := slices.IndexFunc(r.files, func(e entry) bool { return e.path == r.path }); own == nil && i >= 0 {
		g = r.open(r.files[i])
	}
	if g == nil {
		return nil
	}
	if m, ok := g.moved(m); ok && g.resumeAt(m, r.warm) {
		return g
	}
	if g != own {
		g.Close()
	}
	return nil
}

func (r *recovery) taken(g *generation) []*generation {
	r.warm -= g.stored.Offset - g.pos
	return []*generation{g}
}

// byIdentity opens the very file, wherever it is now.
func (r *recovery) byIdentity(id content.Identity) *generation {
	i := slices.IndexFunc(r.files, func(e entry) bool { return e.id == id })
	if i < 0 {
		return nil
	}
	return r.open(r.files[i])
}

// byContent opens a copy.
func (r *recovery) byContent(m mark) []*generation {
	for _, e := range r.siblings {
		if e.id == m.identity() {
			continue
		}
		g := r.open(e)
		if g == nil {
			continue
		}
		if g.resumeAt(m, r.warm) {
			return r.taken(g)
		}
		g.Close()
	}
	return nil
}

// open opens a file that can be read and has not been found already.
func (r *recovery) open(e entry) *generation {
	if r.has(e.id) {
		return nil
	}
	g, err := e.open()
	if err != nil {
		r.moving = r.moving || errors.Is(err, fs.ErrNotExist)
		return nil
	}
	ending := g.Compression()
	g.Packed = ending == ".gz"
	if ending != "" && !g.Packed {
		g.Close()
		return nil
	}
	return g
}

func (r *recovery) has(id content.Identity) bool {
	return slices.ContainsFunc(r.found, func(g *generation) bool { return g.id == id })
}

// drain reads the content of g from its position to its end, without looking
// whether it was truncated.
func (w *follower) drain(ctx context.Context, g *generation) error {
	from, err := g.From(g.pos)
	block := make([]byte, lines.BlockSize)
	for err == nil && ctx.Err() == nil {
		var n int
		n, err = from.Read(block)
		if err := w.feed(g, block[:n], time.Now(), false); err != nil {
			return err
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		w.trouble.Loss(content.Explain(g.path, err))
	}
	return nil
}
