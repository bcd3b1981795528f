// Package content is about an open file: which one it is among all that had, have and will
// have its name, and what stands in it, compressed or not.
package content

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

const (
	// HeadSize is how many bytes at the start of a file, or before a place in it, are
	// remembered to see whether it is still the one that was read. 64 were too few: the
	// ends of repeated records match elsewhere.
	HeadSize = 512
	// blockSize is how much is decompressed at a time.
	blockSize = 256 << 10
)

// File is what stands in an open file, decompressed if Packed says that it
// is compressed by gzip.
type File struct {
	*os.File
	Packed bool
}

// From reads the content from offset on. It does not move the file's own
// offset.
func (c File) From(offset int64) (io.Reader, error) {
	if !c.Packed {
		return io.NewSectionReader(c.File, offset, math.MaxInt64-offset), nil
	}
	whole := io.NewSectionReader(c.File, 0, math.MaxInt64)
	r, err := gzip.NewReader(bufio.NewReaderSize(whole, blockSize))
	if err != nil {
		return nil, err
	}
	_, err = io.CopyN(io.Discard, r, offset)
	return r, err
}

// At reads the n bytes at offset, or those that there are. An error says that
// the file cannot be read that far, or is cut off.
func (c File) At(offset, n int64) ([]byte, error) {
	r, err := c.From(offset)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, n))
}

// Head is what stands at the start, at most HeadSize bytes.
func (c File) Head() []byte {
	head, _ := c.At(0, HeadSize)
	return head
}

// Copied reports whether one of c and other begins as the whole head of the
// other, as a copy does. Less than a line says nothing.
func (c File) Copied(other File) bool {
	a, b := c.Head(), other.Head()
	n := min(len(a), len(b))
	return bytes.Equal(a[:n], b[:n]) && (n == HeadSize || bytes.IndexByte(a[:n], '\n') >= 0)
}

// Compression gives the ending of files that are compressed as this one is, or
// nothing. Rotation makes these of old files. One that is just being made is
// told by its name: nothing stands in it yet.
func (c File) Compression() string {
	raw := string(File{File: c.File}.Head())
	for magic, ending := range map[string]string{
		"\x1f\x8b": ".gz", "BZh": ".bz2", "\xfd7zXZ": ".xz", "\x28\xb5\x2f\xfd": ".zst",
	} {
		if strings.HasPrefix(raw, magic) || raw == "" && strings.HasSuffix(c.Name(), ending) {
			return ending
		}
	}
	return ""
}

// IsPacked reports whether a file of that name is compressed, or going to be.
func IsPacked(name string) bool {
	switch filepath.Ext(name) {
	case ".gz", ".bz2", ".xz", ".zst":
		return true
	}
	return false
}
