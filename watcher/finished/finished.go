// Package finished reads files that nobody writes to any more, plain or compressed by gzip: line by line, or in blocks,
// several at a time.
package finished

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"

	"odooban/watcher"
	"odooban/watcher/content"
	"odooban/watcher/lines"
)

// File reads a file that nobody writes to any more, plain or compressed
// by gzip, from its start to its end. All its lines are history.
type File struct {
	name        string
	open        func() (io.ReadCloser, int64, error)
	read, total atomic.Int64
	skipped     atomic.Int64
}

// New reads the file at path. It is told by its first bytes, not by
// its name, whether it is compressed.
func New(path string) *File {
	return &File{name: path, open: func() (io.ReadCloser, int64, error) {
		f, err := content.Open(path)
		if err != nil {
			return nil, 0, fmt.Errorf("%w; name a file that is there and that you may read", err)
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, 0, err
		}
		return f, info.Size(), nil
	}}
}

// NewReader reads from to its end as a finished file of unknown size:
// an old log on standard input. It does not close from.
func NewReader(name string, from io.Reader) *File {
	return &File{name: name, open: func() (io.ReadCloser, int64, error) {
		return io.NopCloser(from), 0, nil
	}}
}

// Name is the path.
func (f *File) Name() string { return f.name }

// Progress gives how many bytes of the file have been read and how many it
// has, as they are on the disk: compressed, if it is. total is zero while it
// is not known. It can be asked for at any time.
func (f *File) Progress() (read, total int64) { return f.read.Load(), f.total.Load() }

// Skipped is how many bytes were left out of lines longer than 1 MiB. It can
// be asked for at any time.
func (f *File) Skipped() int64 { return f.skipped.Load() }

// Follow hands on every line and calls Settled once after the last. Where a
// file is damaged or cut off, the whole lines before that place are handed on
// before the error says so.
func (f *File) Follow(ctx context.Context, sink watcher.Sink) error {
	from, total, err := f.open()
	if err != nil {
		return err
	}
	defer from.Close()
	f.total.Store(total)
	d := lines.Delivery{Out: watcher.NewOutlet(sink)}
	failed := f.deliver(ctx, from, &d)
	f.skipped.Store(d.Skipped())
	if ctx.Err() != nil {
		return nil
	}
	var damage *damageError
	if failed != nil && !errors.As(failed, &damage) {
		return failed
	}
	if err := d.Settled(); err != nil {
		return err
	}
	return failed
}

// damageError says that the file could not be read to its end.
type damageError struct{ err error }

func (e *damageError) Error() string { return e.err.Error() }
func (e *damageError) Unwrap() error { return e.err }

func (f *File) deliver(ctx context.Context, from io.Reader, d *lines.Delivery) error {
	blocks, err := f.decompress(&countingReader{from, &f.read})
	if err != nil {
		return f.damage(err)
	}
	block := make([]byte, lines.BlockSize)
	for ctx.Err() == nil {
		n, err := blocks.Read(block)
		if err := d.Feed(block[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return d.Finish()
		}
		if err != nil {
			return f.damage(err)
		}
	}
	return nil
}

// decompress looks at the first bytes of r and gives what reads its content.
func (f *File) decompress(r io.Reader) (io.Reader, error) {
	start := make([]byte, 2)
	n, err := io.ReadFull(r, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	whole := io.MultiReader(bytes.NewReader(start[:n]), r)
	if string(start[:n]) != "\x1f\x8b" {
		return whole, nil
	}
	return gzip.NewReader(bufio.NewReaderSize(whole, lines.BlockSize))
}

// damage says to people what is wrong with the file.
func (f *File) damage(err error) error {
	read := f.read.Load()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("read %s: the compressed file is cut off after %d bytes: %w; "+
			"the lines before that were read", f.name, read, err)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		err = fmt.Errorf("read %s: the compressed file is damaged before byte %d: %w; "+
			"the lines before that were read, but may be wrong", f.name, read, err)
	default:
		err = fmt.Errorf("read %s: %w", f.name, err)
	}
	return &damageError{err}
}

// countingReader counts what is read.
type countingReader struct {
	io.Reader
	count *atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.count.Add(int64(n))
	return n, err
}
