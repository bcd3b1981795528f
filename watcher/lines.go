package watcher

import "bytes"

const (
	// blockSize is how much of a file is read at a time. Larger blocks are
	// not faster: they no longer fit the processor's cache.
	blockSize = 256 << 10
	// copySize is how much of a block is asked of the kernel at once. Go gives a
	// processor away whose goroutine is in the kernel for longer than 20 us, and to
	// get it back takes as long as the reading.
	copySize = 64 << 10
	// keepLine is how much of a line is kept, half of it from its start and
	// half from its end: what a rule reads stands there, and not in what an
	// attacker put between.
	keepLine = 1 << 20
	keepHalf = keepLine / 2
)

// splitter cuts a stream of blocks into lines, whatever the blocks' borders.
type splitter struct {
	// open counts the bytes of the line that has no end yet.
	open int64
	// size is how long the line is that is being handed over, with its end.
	size int64
	// skipped counts the bytes left out of lines longer than keepLine.
	skipped int64
	// part is what is kept of the open line: its head, then its latest bytes,
	// between keepHalf and keepLine of them when the line is too long.
	part []byte
}

// feed hands every line that ends in block to emit, without its end. What is
// handed over is valid until emit returns. An error of emit stops the feed
// and leaves the splitter unusable.
func (s *splitter) feed(block []byte, emit func([]byte) error) error {
	for {
		end := bytes.IndexByte(block, '\n')
		if end < 0 {
			s.keep(block)
			return nil
		}
		line := block[:end]
		s.size = s.open + int64(end) + 1
		if s.open > 0 || end > keepLine {
			s.keep(line)
			line = s.take()
		}
		if err := emit(bytes.TrimSuffix(line, []byte{'\r'})); err != nil {
			return err
		}
		block = block[end+1:]
	}
}

// finish hands over what stands after the last line end, if anything does.
func (s *splitter) finish(emit func([]byte) error) error {
	if s.open == 0 {
		return nil
	}
	return emit(bytes.TrimSuffix(s.take(), []byte{'\r'}))
}

// keep adds b to the open line. It holds at most keepLine and keepHalf.
func (s *splitter) keep(b []byte) {
	s.open += int64(len(b))
	for len(b) > 0 {
		n := min(len(b), keepLine+keepHalf-len(s.part))
		s.part = append(s.part, b[:n]...)
		b = b[n:]
		if len(s.part) == keepLine+keepHalf {
			s.shorten()
		}
	}
}

// shorten leaves the head and the last keepHalf bytes of a part that is
// longer than keepLine.
func (s *splitter) shorten() {
	copy(s.part[keepHalf:], s.part[len(s.part)-keepHalf:])
	s.part = s.part[:keepLine]
}

// take gives the open line, bounded, and begins a new one.
func (s *splitter) take() []byte {
	if len(s.part) > keepLine {
		s.shorten()
	}
	line := s.part
	s.skipped += s.open - int64(len(line))
	s.drop()
	return line
}

// drop forgets the open line.
func (s *splitter) drop() {
	s.open = 0
	s.part = s.part[:0]
	if cap(s.part) > blockSize {
		s.part = nil
	}
}
