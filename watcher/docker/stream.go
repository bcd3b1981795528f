package docker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	// pieceSize is how much of a line Docker logs at a time, in bytes.
	pieceSize = 16 << 10
	// longestStamp is the longest stamp that is read, RFC 3339 with nanoseconds;
	// longestFault how much of an error of the engine's.
	longestStamp = 40
	longestFault = 1 << 10
	// faults is the stream that has errors of the engine's own; 1 and 2
	// are the container's standard output and error.
	faults = 3
)

// chunk is a part of a piece, which is a line with its end or up to
// pieceSize bytes of a longer one.
type chunk struct {
	stream byte
	// stamp is when the engine took the line, in nanoseconds since 1970.
	stamp int64
	// first says that the piece begins here.
	first bool
	// text is valid until the function that it is handed to returns.
	text []byte
}

// parser takes apart the stream of a container's log, with time stamps,
// whatever the borders of the blocks it comes in. Without a terminal it has a
// frame for each piece: 8 bytes (1 or 2, three zeros, the length of what
// follows, big-endian), then the stamp, a blank and the text. With one it has
// stamp, blank and text alone, and a long line's next piece begins behind
// pieceSize bytes with the very same stamp. (Where that is not so, other text
// stands there, and is left as it is.)
type parser struct {
	terminal bool
	state    func(*parser, []byte, func(chunk) error) (int, error)
	head     []byte // of the frame, as far as it was read
	mark     []byte // the stamp with its blank, as far as it was read
	left     int    // bytes of the piece that are still to come
	again    int    // bytes of mark that were met again
	chunk    chunk
}

func newParser(terminal bool) *parser {
	p := &parser{terminal: terminal}
	p.begin()
	return p
}

var errStream = errors.New("what the engine sends is no container's log")

// feed hands the chunks of block to take. An error leaves the parser unusable.
func (p *parser) feed(block []byte, take func(chunk) error) error {
	for len(block) > 0 {
		n, err := p.state(p, block, take)
		if err != nil {
			return err
		}
		block = block[n:]
	}
	return nil
}

// begin waits for the next piece.
func (p *parser) begin() {
	p.head, p.mark = p.head[:0], p.mark[:0]
	p.state, p.left = (*parser).header, 0
	if p.terminal {
		p.state, p.left = (*parser).stamp, pieceSize
	}
}

func (p *parser) header(block []byte, _ func(chunk) error) (int, error) {
	const size = 8
	n := min(size-len(p.head), len(block))
	p.head = append(p.head, block[:n]...)
	if len(p.head) < size {
		return n, nil
	}
	if p.head[0] > faults || !bytes.Equal(p.head[1:4], []byte{0, 0, 0}) {
		return n, errStream
	}
	p.chunk.stream = p.head[0]
	p.left = int(binary.BigEndian.Uint32(p.head[4:]))
	switch {
	case p.left == 0:
		p.begin()
	case p.chunk.stream == faults:
		p.state = (*parser).fault
	default:
		p.state = (*parser).stamp
	}
	return n, nil
}

// fault reads an error of the engine's.
func (p *parser) fault(block []byte, _ func(chunk) error) (int, error) {
	n := min(p.left, len(block))
	p.left -= n
	p.mark = append(p.mark, block[:min(n, longestFault-len(p.mark))]...)
	if p.left > 0 {
		return n, nil
	}
	return n, fmt.Errorf("the engine says: %s", bytes.TrimSpace(p.mark))
}

// stamp reads what stands before the text.
func (p *parser) stamp(block []byte, take func(chunk) error) (int, error) {
	end := bytes.IndexByte(block, ' ')
	n := min(end+1, len(block))
	if end < 0 {
		n = len(block)
	}
	if len(p.mark)+n > longestStamp || !p.terminal && n > p.left {
		return 0, errStream
	}
	p.mark = append(p.mark, block[:n]...)
	if !p.terminal {
		p.left -= n
	}
	if end < 0 && (p.terminal || p.left > 0) {
		return n, nil
	}
	at, err := time.Parse(time.RFC3339Nano, string(bytes.TrimSuffix(p.mark, []byte{' '})))
	if err != nil || at.Year() < 1971 || at.Year() > 2261 { // what nanoseconds since 1970 can say
		return n, errStream
	}
	p.chunk.stamp, p.chunk.first = at.UnixNano(), true
	p.state = (*parser).text
	if p.terminal {
		p.state = (*parser).typed
	}
	return n, p.hand(nil, take)
}

// text reads the text of a frame.
func (p *parser) text(block []byte, take func(chunk) error) (int, error) {
	n := min(p.left, len(block))
	p.left -= n
	err := p.hand(block[:n], take)
	if p.left == 0 {
		p.begin()
	}
	return n, err
}

// typed reads the text that came through a terminal.
func (p *parser) typed(block []byte, take func(chunk) error) (int, error) {
	n := min(p.left, len(block))
	if end := bytes.IndexByte(block[:n], '\n'); end >= 0 {
		err := p.hand(block[:end+1], take)
		p.begin()
		return end + 1, err
	}
	p.left -= n
	if p.left == 0 {
		p.state, p.again = (*parser).repeated, 0
	}
	return n, p.hand(block[:n], take)
}

// repeated passes over the stamp of a long line's next piece. Anything else is
// text, and its end is where the line ends.
func (p *parser) repeated(block []byte, take func(chunk) error) (int, error) {
	n := 0
	for n < len(block) && p.again < len(p.mark) && block[n] == p.mark[p.again] {
		n++
		p.again++
	}
	switch {
	case p.again == len(p.mark):
		p.state, p.left, p.chunk.first = (*parser).typed, pieceSize, true
	case n < len(block):
		p.state, p.left = (*parser).typed, math.MaxInt
		return n, p.hand(p.mark[:p.again], take)
	}
	return n, nil
}

func (p *parser) hand(text []byte, take func(chunk) error) error {
	p.chunk.text = text
	err := take(p.chunk)
	p.chunk.first = false
	return err
}
