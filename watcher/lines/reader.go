package lines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"odooban/watcher"
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

// Piece is the result of one Read.
type Piece struct {
	Data []byte
	Err  error
}

// Pump reads from in a goroutine that ends with ctx, when a Read ends. Who is done with
// a Piece sends a buffer of that size back.
func Pump(ctx context.Context, from io.Reader, size int) (<-chan Piece, chan<- []byte) {
	pieces, buffers := make(chan Piece), make(chan []byte, 2)
	buffers <- make([]byte, size)
	buffers <- make([]byte, size)
	go readPieces(ctx, from, buffers, pieces)
	return pieces, buffers
}

// Follow hands on every line until the stream or ctx ends. What stands after
// the last line end of a stream that has ended is a line too.
func (r *Reader) Follow(ctx context.Context, sink watcher.Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pieces, buffers := Pump(ctx, r.from, BlockSize)
	defer r.breakOff()()

	d := Delivery{Out: watcher.NewOutlet(sink), Live: true}
	latest := time.Now()
	settle := time.NewTimer(watcher.SettleTime)
	defer settle.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-settle.C:
			// A timer that is late says that this process was paused, and
			// that the next lines may be waiting to be read.
			if late := time.Since(latest) > 2*watcher.SettleTime; !late {
				if err := d.Settled(); err != nil {
					return err
				}
				continue
			}
		case p := <-pieces:
			if ended, err := r.take(&d, p); ended || err != nil {
				return err
			}
			buffers <- p.Data[:BlockSize]
		}
		latest = time.Now()
		settle.Reset(watcher.SettleTime)
	}
}

// take hands on the lines of p, and reports whether it was the last piece.
func (r *Reader) take(d *Delivery, p Piece) (ended bool, err error) {
	if err := d.Feed(p.Data); err != nil || p.Err == nil {
		return false, err
	}
	return true, r.end(d, p.Err)
}

// end hands on what is left when the stream has ended with err.
func (r *Reader) end(d *Delivery, err error) error {
	if !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("read %s: %w", r.name, err), d.Settled())
	}
	if err := d.Finish(); err != nil {
		return err
	}
	return d.Settled()
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
func readPieces(ctx context.Context, from io.Reader, buffers <-chan []byte, pieces chan<- Piece) {
	for {
		select {
		case <-ctx.Done():
			return
		case buf := <-buffers:
			n, err := from.Read(buf)
			select {
			case <-ctx.Done():
				return
			case pieces <- Piece{buf[:n], err}:
			}
			if err != nil {
				return
			}
		}
	}
}

// Delivery hands the lines of one stream to a sink.
type Delivery struct {
	Out watcher.Outlet
	// Live says that lines are found while they are written.
	Live  bool
	lines Splitter
	seen  time.Time
	// found is how many bytes the block has, and
	// continues says that the next line had begun in the block before.
	found     int64
	continues bool
}

// Feed hands on the lines that end in block.
func (d *Delivery) Feed(block []byte) error {
	if d.Live {
		d.seen = time.Now()
		d.found, d.continues = int64(len(block)), d.lines.Open > 0
	}
	return d.lines.Feed(block, d.line)
}

// Finish hands on what stands after the last line end.
func (d *Delivery) Finish() error { return d.lines.Finish(d.line) }

func (d *Delivery) line(text []byte) error {
	line := watcher.Line{Text: text, Seen: d.seen, Found: d.found, Continues: d.continues}
	d.continues = false
	return d.Out.Line(line)
}

// Skipped is how many bytes were left out of lines longer than Longest.
func (d *Delivery) Skipped() int64 { return d.lines.Skipped }

// Settled tells that the stream is at its end, unless that was told.
func (d *Delivery) Settled() error { return d.Out.Settle(time.Now()) }
