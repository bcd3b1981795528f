package finished

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/gzip"

	"odooban/watcher/lines"
)

// Blocks reads a finished file in blocks, several at a time, and hands them on in
// their order. That is much faster than line by line where most lines need not be
// looked at: Search says which do.
//
// T is what Search returns for a block; it gets back what it returned for a
// block that is done with, to use again.
type Blocks[T any] struct {
	// Workers is how many goroutines read and search, one of them that which
	// calls Take.
	Workers int
	// Search looks through whole lines, each with its end. It is called from
	// several goroutines.
	Search func(found T, lines []byte) T
	// Lines takes whole lines and what Search found, Line a line that lies in
	// several blocks, without its end, and how many bytes it took. Both are
	// called from one goroutine, in the order of the file; an error ends it all.
	Lines func(lines []byte, found T) error
	Line  func(text []byte, size int64) error
}

// block is a piece of a file.
type block[T any] struct {
	buffer []byte
	data   []byte
	// start and end are where the whole lines of data stand.
	start, end int
	found      T
	err        error
}

// Reading is a file that is being read.
type Reading[T any] struct {
	file   *File
	blocks Blocks[T]
	from   io.ReadCloser
	plain  *os.File  // read at several places at once
	stream io.Reader // read in order

	mu    sync.Mutex
	next  int
	ended bool

	free   chan *block[T]
	slots  []chan *block[T] // the n-th block comes in slot n % len(slots)
	ctx    context.Context  //nolint:containedctx // that of the goroutines which read
	cancel context.CancelFunc
	group  sync.WaitGroup
}

// Start begins to read f, a little ahead of Take. Take or Stop must be called
// then.
func (b Blocks[T]) Start(ctx context.Context, f *File) (*Reading[T], error) {
	from, total, err := f.open()
	if err != nil {
		return nil, err
	}
	f.total.Store(total)
	r := &Reading[T]{file: f, blocks: b, from: from}
	if r.stream, err = f.decompress(&countingReader{from, &f.read}); err != nil {
		from.Close()
		return nil, f.damage(err)
	}
	_, packed := r.stream.(*gzip.Reader)
	if file, ok := from.(*os.File); ok && !packed {
		r.plain = file
		f.read.Store(0)
	}
	r.ctx, r.cancel = context.WithCancel(ctx) //nolint:gosec // Stop calls it
	// One worker stays with one block, which its processor's cache then holds;
	// several need some to go ahead with, so that nobody waits until another wakes.
	r.free = make(chan *block[T], 1)
	if b.Workers > 1 {
		r.free = make(chan *block[T], 2*b.Workers+2)
	}
	for range cap(r.free) {
		r.free <- &block[T]{buffer: make([]byte, lines.BlockSize)}
		r.slots = append(r.slots, make(chan *block[T], 1))
	}
	for range b.Workers - 1 {
		r.group.Go(r.work)
	}
	return r, nil
}

// Stop ends the reading.
func (r *Reading[T]) Stop() {
	r.cancel()
	r.group.Wait()
	r.from.Close()
}

// work reads blocks and searches them, as long as there are more.
func (r *Reading[T]) work() {
	for more := true; more; {
		select {
		case <-r.ctx.Done():
			return
		case b := <-r.free:
			more = r.search(b)
		}
	}
}

// search reads the next block and searches it, unless there is none.
func (r *Reading[T]) search(b *block[T]) bool {
	n, ok := r.fill(b)
	if !ok {
		return false
	}
	b.start = bytes.IndexByte(b.data, '\n') + 1
	b.end = bytes.LastIndexByte(b.data, '\n') + 1
	if b.start < b.end {
		b.found = r.blocks.Search(b.found, b.data[b.start:b.end])
	}
	r.slots[n%len(r.slots)] <- b
	return true
}

// fill reads the next block, and says which one it is.
func (r *Reading[T]) fill(b *block[T]) (n int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return 0, false
	}
	n = r.next
	r.next++
	if r.plain == nil {
		b.data, b.err = readFull(r.stream, b.buffer)
	} else {
		r.mu.Unlock() // several at a time
		b.data, b.err = r.readAt(b.buffer, int64(n)*lines.BlockSize)
		r.mu.Lock()
	}
	r.ended = r.ended || b.err != nil
	return n, true
}

// readAt fills the buffer from a place in the file, as far as that goes.
func (r *Reading[T]) readAt(buffer []byte, offset int64) (data []byte, err error) {
	n := 0
	for n < len(buffer) && err == nil {
		var m int
		m, err = r.plain.ReadAt(buffer[n:min(n+lines.CopySize, len(buffer))], offset+int64(n))
		n += m
	}
	r.file.read.Add(int64(n))
	return buffer[:n], err
}

// readFull fills the buffer as far as r goes.
func readFull(r io.Reader, buffer []byte) (data []byte, err error) {
	n := 0
	for n < len(buffer) && err == nil {
		var m int
		m, err = r.Read(buffer[n:])
		n += m
	}
	return buffer[:n], err
}

// Take hands on everything up to the end of the file, and stops the reading.
// Where the file is damaged or cut off, what stands before that place is handed
// on before the error says so. It returns nil when the context has ended.
func (r *Reading[T]) Take() error {
	defer r.Stop()
	var lines lines.Splitter
	defer func() { r.file.skipped.Store(lines.Skipped) }()
	emit := func(text []byte) error { return r.blocks.Line(text, lines.Size) }
	for n := 0; r.ctx.Err() == nil; n++ {
		b := r.await(n)
		if b == nil {
			return nil
		}
		if err := r.take(b, &lines, emit); err != nil {
			return err
		}
		switch {
		case b.err == nil:
			r.free <- b
		case !errors.Is(b.err, io.EOF):
			return r.file.damage(b.err)
		default:
			lines.Size = lines.Open
			return lines.Finish(emit)
		}
	}
	return nil
}

// await returns the n-th block, and reads others as long as it is not there; nil
// when the context has ended.
func (r *Reading[T]) await(n int) *block[T] {
	slot := r.slots[n%len(r.slots)]
	for {
		select {
		case b := <-slot:
			return b
		default:
		}
		select {
		case b := <-slot:
			return b
		case b := <-r.free:
			r.search(b)
		case <-r.ctx.Done():
			return nil
		}
	}
}

// take hands on the lines of a block.
func (r *Reading[T]) take(b *block[T], lines *lines.Splitter, emit func([]byte) error) error {
	if err := lines.Feed(b.data[:b.start], emit); err != nil {
		return err
	}
	if b.start < b.end {
		if err := r.blocks.Lines(b.data[b.start:b.end], b.found); err != nil {
			return err
		}
	}
	lines.Keep(b.data[max(b.start, b.end):])
	return nil
}
