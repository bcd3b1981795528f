package watcher

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// content is what stands in an open file, decompressed if packed says that it
// is compressed by gzip.
type content struct {
	file   *os.File
	packed bool
}

// from reads the content from offset on. It does not move the file's own
// offset.
func (c content) from(offset int64) (io.Reader, error) {
	if !c.packed {
		return io.NewSectionReader(c.file, offset, math.MaxInt64-offset), nil
	}
	whole := io.NewSectionReader(c.file, 0, math.MaxInt64)
	r, err := gzip.NewReader(bufio.NewReaderSize(whole, blockSize))
	if err != nil {
		return nil, err
	}
	_, err = io.CopyN(io.Discard, r, offset)
	return r, err
}

// at reads the n bytes at offset, or those that there are. An error says that
// the file cannot be read that far, or is cut off.
func (c content) at(offset, n int64) ([]byte, error) {
	r, err := c.from(offset)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, n))
}

// head is what stands at the start, at most anchorSize bytes.
func (c content) head() []byte {
	head, _ := c.at(0, anchorSize)
	return head
}

// copied reports whether one of c and other begins as the whole head of the
// other, as a copy does. Less than a line says nothing.
func (c content) copied(other content) bool {
	a, b := c.head(), other.head()
	n := min(len(a), len(b))
	return bytes.Equal(a[:n], b[:n]) && (n == anchorSize || bytes.IndexByte(a[:n], '\n') >= 0)
}

// compression gives the ending of files that are compressed as this one is, or
// nothing. Rotation makes these of old files. One that is just being made is
// told by its name: nothing stands in it yet.
func (c content) compression() string {
	raw := string(content{file: c.file}.head())
	for magic, ending := range map[string]string{
		"\x1f\x8b": ".gz", "BZh": ".bz2", "\xfd7zXZ": ".xz", "\x28\xb5\x2f\xfd": ".zst",
	} {
		if strings.HasPrefix(raw, magic) || raw == "" && strings.HasSuffix(c.file.Name(), ending) {
			return ending
		}
	}
	return ""
}

// isPacked reports whether a file of that name is compressed, or going to be.
func isPacked(name string) bool {
	switch filepath.Ext(name) {
	case ".gz", ".bz2", ".xz", ".zst":
		return true
	}
	return false
}
