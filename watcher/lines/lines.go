// Package lines cuts streams of bytes into lines: blocks of them, whatever their
// borders, what a Read gives, and standard input, which is a source by itself.
package lines

import "bytes"

const (
	// BlockSize is how much of a file is read at a time. Larger blocks are
	// not faster: they no longer fit the processor's cache.
	BlockSize = 256 << 10
	// CopySize is how much of a block is asked of the kernel at once. Go gives a
	// processor away whose goroutine is in the kernel for longer than 20 us, and to
	// get it back takes as long as the reading.
	CopySize = 64 << 10
	// Longest is how much of a line is kept, half of it from its start and
	// half from its end: what a rule reads stands there, and not in what an
	// attacker put between.
	Longest = 1 << 20
	half    = Longest / 2
)

// Splitter cuts a stream of blocks into lines, whatever the blocks' borders.
type Splitter struct {
	// Open counts the bytes of the line that has no end yet.
	Open int64
	// Size is how long the line is that is being handed over, with its end.
	Size int64
	// Skipped counts the bytes left out of lines longer than Longest.
	Skipped int64
	// part is what is kept of the open line: its head, then its latest bytes,
	// between half and Longest of them when the line is too long.
	part []byte
}

// Feed hands every line that ends in block to emit, without its end. What is
// handed over is valid until emit returns. An error of emit stops the feed
// and leaves the Splitter unusable.
func (s *Splitter) Feed(block []byte, emit func([]byte) error) error {
	for {
		end := bytes.IndexByte(block, '\n')
		if end < 0 {
			s.Keep(block)
			return nil
		}
		line := block[:end]
		s.Size = s.Open + int64(end) + 1
		if s.Open > 0 || end > Longest {
			s.Keep(line)
			line = s.take()
		}
		if err := emit(bytes.TrimSuffix(line, []byte{'\r'})); err != nil {
			return err
		}
		block = block[end+1:]
	}
}

// Finish hands over what stands after the last line end, if anything does.
func (s *Splitter) Finish(emit func([]byte) error) error {
	if s.Open == 0 {
		return nil
	}
	return emit(bytes.TrimSuffix(s.take(), []byte{'\r'}))
}

// Keep adds b to the open line. It holds at most Longest and half.
func (s *Splitter) Keep(b []byte) {
	s.Open += int64(len(b))
	for len(b) > 0 {
		n := min(len(b), Longest+half-len(s.part))
		s.part = append(s.part, b[:n]...)
		b = b[n:]
		if len(s.part) == Longest+half {
			s.shorten()
		}
	}
}

// shorten leaves the head and the last half bytes of a part that is
// longer than Longest.
func (s *Splitter) shorten() {
	copy(s.part[half:], s.part[len(s.part)-half:])
	s.part = s.part[:Longest]
}

// take gives the open line, bounded, and begins a new one.
func (s *Splitter) take() []byte {
	if len(s.part) > Longest {
		s.shorten()
	}
	line := s.part
	s.Skipped += s.Open - int64(len(line))
	s.Drop()
	return line
}

// Drop forgets the open line.
func (s *Splitter) Drop() {
	s.Open = 0
	s.part = s.part[:0]
	if cap(s.part) > BlockSize {
		s.part = nil
	}
}
