package tailfile

import (
	"bytes"
	"errors"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"odooban/watcher"
	"odooban/watcher/content"
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
	// shift is how many bytes more the Offset of a Place is.
	shift int64
	// path is where the file was found, for people.
	path string
	cursor
	sight
	// stored is where a former process had come to, while this one has not.
	stored *mark
	// spent says that a compressed file was read to its end.
	spent bool
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

// place identifies the line at offset.
func (g *generation) place(offset int64) watcher.Place {
	return watcher.Place{Generation: g.name, Offset: offset + g.shift}
}

// read reads what fits into buf and gives it with the state of the file. The
// anchor is read in the same go, so that nothing that was put there by a
// truncation in between is taken for what follows. At the end of the file it
// gives nothing.
func (g *generation) read(buf []byte) ([]byte, error) {
	n, err := g.ReadAt(buf, g.pos-int64(len(g.anchor)))
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
	info, err := g.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() < g.pos {
		return 0, errTruncated
	}
	_, err = g.read(buf[:len(g.anchor)])
	return info.Size(), err
}

// lookUpTo looks at the size of the file, unless it was found before to have so many
// bytes. A record is one write, so what was found by one look may be one.
func (g *generation) lookUpTo(end int64) {
	if end <= g.found.size {
		return
	}
	if info, err := g.Stat(); err == nil {
		end = max(end, info.Size())
	}
	g.looked(end)
}

// restart begins again at the start of the file, after a truncation. The lines
// that come are others.
func (g *generation) restart() {
	g.name, g.shift = "", 0
	g.stored = nil
	g.cursor.restart()
	g.found, g.foundBefore = look{}, look{}
}

// written is when the file was last written to.
func (g *generation) written() time.Time {
	info, err := g.Stat()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// deleted reports whether the file has no name any more.
func (g *generation) deleted() bool {
	var st unix.Stat_t
	return unix.Fstat(int(g.Fd()), &st) == nil && st.Nlink == 0
}
