package watcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Reader reads lines live from a stream that ends, such as standard input.
type Reader struct {
	name string
	from io.Reader
}

// NewReader hands on the lines of from as they come, until it ends. Where from
// has a SetReadDeadline method (pipes and sockets do) a Read that waits is
// broken off when the context ends; otherwise it is left behind and the next
// thing that comes is lost with it.
func NewReader(name string, from io.Reader) *Reader {
	return &Reader{name: name, from: from}
}

// Name is the name it was given.
func (r *Reader) Name() string { return r.name }

// piece is the result of one Read.
type piece struct {
	data []byte
	err  error
}

// Follow hands on every line until the stream or ctx ends. What stands after
// the last line end of a stream that has ended is a line too.
func (r *Reader) Follow(ctx context.Context, sink Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pieces, buffers := make(chan piece), make(chan []byte, 2)
	buffers <- make([]byte, blockSize)
	buffers <- make([]byte, blockSize)
	go readPieces(ctx, r.from, buffers, pieces)
	defer r.breakOff()()

	d := delivery{sink: sink, live: true}
	latest := time.Now()
	settle := time.NewTimer(SettleTime)
	defer settle.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-settle.C:
			// A timer that is late says that this process was paused, and
			// that the next lines may be waiting to be read.
			if late := time.Since(latest) > 2*SettleTime; !late {
				if err := d.settled(); err != nil {
					return err
				}
				continue
			}
		case p := <-pieces:
			if ended, err := r.take(&d, p); ended || err != nil {
				return err
			}
			buffers <- p.data[:blockSize]
		}
		latest = time.Now()
		settle.Reset(SettleTime)
	}
}

// take hands on the lines of p, and reports whether it was the last piece.
func (r *Reader) take(d *delivery, p piece) (ended bool, err error) {
	if err := d.feed(p.data); err != nil || p.err == nil {
		return false, err
	}
	return true, r.end(d, p.err)
}

// end hands on what is left when the stream has ended with err.
func (r *Reader) end(d *delivery, err error) error {
	if !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("read %s: %w", r.name, err), d.settled())
	}
	if err := d.finish(); err != nil {
		return err
	}
	return d.settled()
}

// breakOff gives a function that makes a waiting Read return.
func (r *Reader) breakOff() func() {
	from, ok := r.from.(interface{ SetReadDeadline(time.Time) error })
	if !ok {
		return func() {}
	}
	return func() { _ = from.SetReadDeadline(time.Unix(1, 0)) }
}

// readPieces reads into buffers and sends what it got, until the end.
func readPieces(ctx context.Context, from io.Reader, buffers <-chan []byte, pieces chan<- piece) {
	for {
		select {
		case <-ctx.Done():
			return
		case buf := <-buffers:
			n, err := from.Read(buf)
			select {
			case <-ctx.Done():
				return
			case pieces <- piece{buf[:n], err}:
			}
			if err != nil {
				return
			}
		}
	}
}

// delivery hands the lines of one stream to a sink.
type delivery struct {
	sink  Sink
	live  bool
	lines splitter
	seen  time.Time
	// found is how many bytes the block has, and
	// continues says that the next line had begun in the block before.
	found     int64
	continues bool
	// unsettled says that a line has come since Settled was called.
	unsettled bool
}

func (d *delivery) feed(block []byte) error {
	if d.live {
		d.seen = time.Now()
		d.found, d.continues = int64(len(block)), d.lines.open > 0
	}
	return d.lines.feed(block, d.line)
}

func (d *delivery) finish() error { return d.lines.finish(d.line) }

func (d *delivery) line(text []byte) error {
	d.unsettled = true
	line := Line{Text: text, Seen: d.seen, Found: d.found, Continues: d.continues}
	d.continues = false
	return d.sink.Line(line)
}

func (d *delivery) settled() error {
	if !d.unsettled {
		return nil
	}
	d.unsettled = false
	return d.sink.Settled(time.Now())
}
