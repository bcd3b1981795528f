package docker

import "odooban/watcher/lines"

// joiner puts the lines of a container together out of the pieces that
// Docker cuts them into. Standard output and error are apart: their pieces may
// alternate.
type joiner struct {
	// loose says that a line in pieces is over with the first that is not full. The
	// engine may leave out its end, as Docker 20.10 does with the log driver local,
	// and with what it keeps of other drivers' logs.
	loose bool
	open  [faults]openLine
}

// openLine is a line that has no end yet.
type openLine struct {
	lines.Splitter
	stamp  int64
	pieces int
	size   int // of its latest piece
}

// emitLine takes a line and when the engine took it.
type emitLine func(text []byte, stamp int64) error

// take adds a chunk and hands the line that it ends, if it does, to emit. The
// pieces of one line have one stamp. Another one behind a piece that is not
// full says that the program died before it had written its line to the end:
// nothing may be joined to that, and it is no line, as half an address is
// another address.
func (l *joiner) take(c chunk, emit emitLine) error {
	line := &l.open[c.stream%faults]
	if c.first {
		if err := l.end(emit); err != nil {
			return err
		}
		if line.Open > 0 && c.stamp != line.stamp && line.size != pieceSize {
			line.Drop()
		}
		if line.Open == 0 {
			line.stamp, line.pieces = c.stamp, 0
		}
		line.pieces++
		line.size = 0
	}
	line.size += len(c.text)
	return line.Feed(c.text, func(text []byte) error {
		stamp := line.stamp
		line.stamp, line.pieces = c.stamp, 1
		return emit(text, stamp)
	})
}

// end hands on the line that the last piece has ended without saying so. It is
// called when another piece, or the end of the log, has come.
func (l *joiner) end(emit emitLine) error {
	if !l.loose {
		return nil
	}
	for i := range l.open {
		line := &l.open[i]
		if line.Open > 0 && line.pieces > 1 && line.size < pieceSize {
			if err := line.Finish(func(text []byte) error { return emit(text, line.stamp) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// oldest is the earliest stamp of a line that has no end yet, or at if that is
// earlier.
func (l *joiner) oldest(at int64) int64 {
	for i := range l.open {
		if l.open[i].Open > 0 {
			at = min(at, l.open[i].stamp)
		}
	}
	return at
}

// drop forgets what has no end.
func (l *joiner) drop() {
	for i := range l.open {
		l.open[i].Drop()
	}
}
