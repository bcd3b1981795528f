package watcher

import (
	"bytes"
	"errors"
	"io"
	"os"
	"time"
)

const (
	// anchorSize is how many bytes before the position are remembered to see
	// whether the file is still the one that was read. 64 were too few: the
	// ends of repeated records match elsewhere.
	anchorSize = 512
	// liveWithin is how long ago the reader may have been at the end for what
	// it reads now to count as read while it was being written.
	liveWithin = 2 * time.Second
)

// errTruncated says that the bytes before the position are no longer those
// that were read.
var errTruncated = errors.New("file was truncated")

// generation is one file that the path named at some time, held open, with
// how far it has been read. This, and nothing else, is the truth about which
// lines have been handed on.
type generation struct {
	file *os.File
	id   identity
	// pos is how many bytes have been read, the open line's among them.
	pos int64
	// anchor is what stands before pos, at most anchorSize of it.
	anchor []byte
	lines  splitter
	// atEnd is when pos was last known to be the end of the file.
	atEnd time.Time
	// grown is when something was last read.
	grown time.Time
}

// openGeneration opens path and identifies what was opened: what the path
// names may be another file by then.
func openGeneration(path string) (*generation, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, explain(path, err)
	}
	id, err := identifyFile(f)
	if err != nil {
		f.Close()
		return nil, explain(path, err)
	}
	return &generation{file: f, id: id, grown: time.Now()}, nil
}

// offset is where the first line stands that has not been handed on.
func (g *generation) offset() int64 { return g.pos - g.lines.open }

// read reads what fits into buf and gives it with the state of the file. The
// anchor is read in the same go, so that nothing that was put there by a
// truncation in between is taken for what follows. At the end of the file it
// gives nothing.
func (g *generation) read(buf []byte) ([]byte, error) {
	n, err := g.file.ReadAt(buf, g.pos-int64(len(g.anchor)))
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
	info, err := g.file.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() < g.pos {
		return 0, errTruncated
	}
	_, err = g.read(buf[:len(g.anchor)])
	return info.Size(), err
}

// passed moves the position behind data, which stands there.
func (g *generation) passed(data []byte, now time.Time) {
	g.pos += int64(len(data))
	g.grown = now
	if len(data) < anchorSize {
		data = append(g.anchor, data...)
	}
	g.anchor = append(g.anchor[:0], data[max(0, len(data)-anchorSize):]...)
}

// seen is the moment at for a line that was written since the reader was last
// at the end, and zero when that was too long ago to say.
func (g *generation) seen(at time.Time) time.Time {
	if at.Sub(g.atEnd) > liveWithin {
		return time.Time{}
	}
	return at
}

// restart begins again at the start of the file, after a truncation.
func (g *generation) restart() {
	g.pos = 0
	g.anchor = g.anchor[:0]
	g.lines.drop()
}

// head is what stands at the start of the file, at most anchorSize bytes.
func (g *generation) head() []byte {
	head := make([]byte, anchorSize)
	n, _ := g.file.ReadAt(head, 0)
	return head[:n]
}

// copied reports whether other begins like g, as a copy does.
func (g *generation) copied(other *generation) bool {
	head := g.head()
	return len(head) > 0 && bytes.Equal(head, other.head())
}

// compressed reports whether the file is one of the kinds that rotation makes
// of old files.
func (g *generation) compressed() bool {
	head := g.head()
	for _, magic := range []string{"\x1f\x8b", "BZh", "\xfd7zXZ", "\x28\xb5\x2f\xfd"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}
