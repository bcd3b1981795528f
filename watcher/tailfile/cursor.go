package tailfile

import (
	"bytes"

	"odooban/watcher/content"
	"odooban/watcher/lines"
)

// cursor is how far a file has been read, and what stood there.
type cursor struct {
	// pos is how many bytes have been read, the open line's among them.
	pos int64
	// start is what stands at the start, anchor before pos and before before
	// the open line: at most content.HeadSize of each.
	start, anchor, before []byte
	lines                 lines.Splitter
	// fed is what stands behind pos while its lines are being handed on, and
	// used how much of it has been.
	fed  []byte
	used int
}

// offset is where the first line stands that has not been handed on.
func (c *cursor) offset() int64 {
	if c.fed != nil {
		return c.pos + int64(c.used)
	}
	return c.pos - c.lines.Open
}

// feed hands the lines of data, which stands at the position, to emit with the
// offset of each, and moves the position behind it. Where skim is not nil, it gets
// all whole lines behind the first at once.
func (c *cursor) feed(data []byte, emit, skim func(text []byte, offset int64) error) error {
	begin := c.offset() - c.pos
	c.fed, c.used = data, 0
	line := func(text []byte) error {
		start := c.pos + begin
		begin += c.lines.Size
		c.used = int(begin)
		return emit(text, start)
	}
	err := c.cut(data, line, skim)
	c.passed(data)
	return err
}

// cut cuts data into its lines.
func (c *cursor) cut(data []byte, line func(text []byte) error, skim func(lines []byte, offset int64) error) error {
	first, last := bytes.IndexByte(data, '\n')+1, bytes.LastIndexByte(data, '\n')+1
	if skim == nil || first == last {
		return c.lines.Feed(data, line)
	}
	if err := c.lines.Feed(data[:first], line); err != nil {
		return err
	}
	c.used = last
	if err := skim(data[first:last], c.pos+int64(first)); err != nil {
		return err
	}
	c.lines.Keep(data[last:])
	return nil
}

// passed moves the position behind data, which stands there.
func (c *cursor) passed(data []byte) {
	if c.used > 0 {
		c.before = lastBytes(c.before[:0], c.anchor, data[:c.used])
	}
	if n := content.HeadSize - len(c.start); n > 0 {
		c.start = append(c.start, data[:min(n, len(data))]...)
	}
	c.anchor = lastBytes(c.anchor[:0], c.anchor, data)
	c.pos += int64(len(data))
	c.fed, c.used = nil, 0
}

// lastBytes appends to dst the last bytes of a and b together, at most
// content.HeadSize of them. dst may be the start of a.
func lastBytes(dst, a, b []byte) []byte {
	b = b[max(0, len(b)-content.HeadSize):]
	a = a[max(0, len(a)+len(b)-content.HeadSize):]
	return append(append(dst, a...), b...)
}

// restart goes back to the start of a file that has other lines by now.
func (c *cursor) restart() {
	c.pos = 0
	c.start, c.anchor, c.before = c.start[:0], c.anchor[:0], c.before[:0]
	c.lines.Drop()
}

// rewind goes back to the start of the open line.
func (c *cursor) rewind() {
	c.pos = c.offset()
	c.anchor = append(c.anchor[:0], c.before...)
	c.lines.Drop()
}
