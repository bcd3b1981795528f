package tailfile

import (
	"bytes"
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"odooban/watcher"
	"odooban/watcher/content"
	"odooban/watcher/lines"
)

const (
	// liveWithin is how long ago the reader may have been at the end for what
	// it reads now to count as read while it was being written.
	liveWithin = time.Second
)

// errTruncated says that the bytes before the position are no longer those
// that were read.
var errTruncated = errors.New("file was truncated")

// generation is one file that the path named at some time, held open, with
// how far it has been read. This, and nothing else, is the truth about which
// lines have been handed on.
type generation struct {
	content.File
	// id is the file's. origin is the one that its lines were first read
	// under, which differs for a copy.
	id, origin content.Identity
	// name is as in Place; empty until there was a line.
	name string
	// shift is how many bytes more the Offset of a watcher.Place is.
	shift int64
	// path is where the file was found, for people.
	path string
	// pos is how many bytes have been read, the open line's among them.
	pos int64
	// start is what stands at the start, anchor before pos and before before
	// the open line: at most content.HeadSize of each.
	start, anchor, before []byte
	lines                 lines.Splitter
	// fed is what stands behind pos while its lines are being handed on, and
	// used how much of it has been.
	fed  []byte
	used int
	// stored is where a former process had come to, while this one has not.
	stored *mark
	// spent says that a compressed file was read to its end.
	spent bool
	// atEnd is when pos was last known to be the end of the file.
	atEnd time.Time
	// found is the latest look at the size of the file, foundBefore the one before.
	found, foundBefore look
	// grown is when something was last read.
	grown time.Time
}

// openGeneration opens path and identifies what was opened: what the path
// names may be another file by then.
func openGeneration(path string) (*generation, error) {
	f, err := content.Open(path)
	if err != nil {
		return nil, content.Explain(path, err)
	}
	id, err := content.IdentifyFile(f)
	if err != nil {
		f.Close()
		return nil, content.Explain(path, err)
	}
	return &generation{File: content.File{File: f}, id: id, origin: id, path: path, grown: time.Now()}, nil
}

// offset is where the first line stands that has not been handed on.
func (g *generation) offset() int64 {
	if g.fed != nil {
		return g.pos + int64(g.used)
	}
	return g.pos - g.lines.Open
}

// place identifies the line at offset.
func (g *generation) place(offset int64) watcher.Place {
	return watcher.Place{Generation: g.name, Offset: offset + g.shift}
}

// read reads what fits into buf and gives it with the state of the file. The
// anchor is read in the same go, so that nothing that was put there by a
// truncation in between is taken for what follows. At the end of the file it
// gives nothing.
func (g *generation) read(buf []byte) ([]byte, error) {
	n, err := g.File.ReadAt(buf, g.pos-int64(len(g.anchor)))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	data, ok := bytes.CutPrefix(buf[:n], g.anchor)
	if !ok {
		return nil, errTruncated
	}
	return data, nil
}

// size gives the size of the file, or errTruncated. buf holds an anchor.
func (g *generation) size(buf []byte) (int64, error) {
	info, err := g.File.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() < g.pos {
		return 0, errTruncated
	}
	_, err = g.read(buf[:len(g.anchor)])
	return info.Size(), err
}

// feed hands the lines of data, which stands at the position, to emit with the
// offset of each, and moves the position behind it. Where skim is not nil, it gets
// all whole lines behind the first at once.
func (g *generation) feed(data []byte, emit, skim func(text []byte, offset int64) error) error {
	begin := g.offset() - g.pos
	g.fed, g.used = data, 0
	line := func(text []byte) error {
		start := g.pos + begin
		begin += g.lines.Size
		g.used = int(begin)
		return emit(text, start)
	}
	err := g.cut(data, line, skim)
	g.passed(data, time.Now())
	return err
}

// cut cuts data into its lines.
func (g *generation) cut(data []byte, line func(text []byte) error, skim func(lines []byte, offset int64) error) error {
	first, last := bytes.IndexByte(data, '\n')+1, bytes.LastIndexByte(data, '\n')+1
	if skim == nil || first == last {
		return g.lines.Feed(data, line)
	}
	if err := g.lines.Feed(data[:first], line); err != nil {
		return err
	}
	g.used = last
	if err := skim(data[first:last], g.pos+int64(first)); err != nil {
		return err
	}
	g.lines.Keep(data[last:])
	return nil
}

// passed moves the position behind data, which stands there.
func (g *generation) passed(data []byte, now time.Time) {
	if g.used > 0 {
		g.before = lastBytes(g.before[:0], g.anchor, data[:g.used])
	}
	if n := content.HeadSize - len(g.start); n > 0 {
		g.start = append(g.start, data[:min(n, len(data))]...)
	}
	g.anchor = lastBytes(g.anchor[:0], g.anchor, data)
	g.pos += int64(len(data))
	g.fed, g.used = nil, 0
	g.grown = now
}

// lastBytes appends to dst the last bytes of a and b together, at most
// content.HeadSize of them. dst may be the start of a.
func lastBytes(dst, a, b []byte) []byte {
	b = b[max(0, len(b)-content.HeadSize):]
	a = a[max(0, len(a)+len(b)-content.HeadSize):]
	return append(append(dst, a...), b...)
}

// look is how many bytes a file was found to have.
type look struct {
	size int64
	at   time.Time
}

// looked takes note of the size that the file has now.
func (g *generation) looked(size int64) {
	if size > g.found.size {
		g.foundBefore, g.found = g.found, look{size, time.Now()}
	}
}

// lookUpTo looks at the size of the file, unless it was found before to have so many
// bytes. A record is one write, so what was found by one look may be one.
func (g *generation) lookUpTo(end int64) {
	if end <= g.found.size {
		return
	}
	if info, err := g.File.Stat(); err == nil {
		end = max(end, info.Size())
	}
	g.looked(end)
}

// live reports whether what was found last was written soon after the reader had been
// at the end of the file.
func (g *generation) live() bool { return g.found.at.Sub(g.atEnd) <= liveWithin }

// seen fills in when the line from start to end was found.
func (g *generation) seen(line *watcher.Line, start, end int64) {
	if end <= g.foundBefore.size {
		line.Seen = g.foundBefore.at
		return
	}
	line.Seen, line.Found = g.found.at, g.found.size-g.foundBefore.size
	line.Continues = start < g.foundBefore.size
}

// restart begins again at the start of the file, after a truncation. The lines
// that come are others.
func (g *generation) restart() {
	g.name, g.shift = "", 0
	g.pos = 0
	g.start, g.anchor, g.before = g.start[:0], g.anchor[:0], g.before[:0]
	g.found, g.foundBefore = look{}, look{}
	g.lines.Drop()
	g.stored = nil
}

// rewind goes back to the start of the open line.
func (g *generation) rewind() {
	g.pos = g.offset()
	g.anchor = append(g.anchor[:0], g.before...)
	g.lines.Drop()
}

// written is when the file was last written to.
func (g *generation) written() time.Time {
	info, err := g.File.Stat()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// deleted reports whether the file has no name any more.
func (g *generation) deleted() bool {
	var st unix.Stat_t
	return unix.Fstat(int(g.File.Fd()), &st) == nil && st.Nlink == 0
}
