package watcher

// dockerLines puts the lines of a container together out of the pieces that
// Docker cuts them into. Standard output and error are apart: their pieces may
// alternate.
type dockerLines struct {
	open [dockerFaults]dockerLine
	// cut counts the bytes of lines that never ended.
	cut int64
}

// dockerLine is a line that has no end yet.
type dockerLine struct {
	splitter
	stamp int64
	piece int // bytes of its latest piece
}

// take adds a chunk and hands the line that it ends, if it does, to emit. The
// pieces of one line have one stamp. Another one behind a piece that is not
// full says that the program died before it had written its line to the end:
// nothing may be joined to that, and it is no line, as half an address is
// another address.
func (l *dockerLines) take(c dockerChunk, emit func(text []byte, stamp int64) error) error {
	line := &l.open[c.stream%dockerFaults]
	if c.first {
		if line.open > 0 && c.stamp != line.stamp && line.piece != dockerPiece {
			l.cut += line.open
			line.drop()
		}
		if line.open == 0 {
			line.stamp = c.stamp
		}
		line.piece = 0
	}
	line.piece += len(c.text)
	return line.feed(c.text, func(text []byte) error {
		stamp := line.stamp
		line.stamp = c.stamp
		return emit(text, stamp)
	})
}

// oldest is the earliest stamp of a line that has no end yet, or at if that is
// earlier.
func (l *dockerLines) oldest(at int64) int64 {
	for i := range l.open {
		if l.open[i].open > 0 {
			at = min(at, l.open[i].stamp)
		}
	}
	return at
}

// skipped is how many bytes were left out.
func (l *dockerLines) skipped() int64 {
	n := l.cut
	for i := range l.open {
		n += l.open[i].skipped
	}
	return n
}

// drop forgets what has no end.
func (l *dockerLines) drop() {
	for i := range l.open {
		l.open[i].drop()
	}
}
