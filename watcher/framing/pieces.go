package framing

import (
	"bytes"
	"slices"
)

// pieces joins the pieces of lines. A line of more than 16 KiB comes in several: of Docker's json-file driver all but
// the last lack the line end, the kubelet marks them P. Pieces of the two streams, and of several containers, come in
// any order.
type pieces struct {
	open   []unfinished
	passed int64 // bytes of the log before the line at hand
}

// unfinished is the beginning of a line.
type unfinished struct {
	container string
	stream    uint8
	form      Form
	text      []byte
	latest    int64 // where in the log the latest piece ended, nearly
}

const (
	// longestLine bounds what is kept of a line in pieces.
	longestLine = 1 << 20
	// horizon is after how many bytes of the log the rest of a line is no longer expected.
	horizon = 1 << 20
	// mostOpen bounds how many lines are unfinished at once.
	mostOpen = 8
)

// any reports whether a line is unfinished.
func (p *pieces) any() bool {
	p.expire()
	return len(p.open) > 0
}

// expire gives up what was not finished in time.
func (p *pieces) expire() {
	p.open = slices.DeleteFunc(p.open, func(one unfinished) bool { return p.passed-one.latest > horizon })
}

// join takes the piece f.Text of a line, which ends it or not, and reports whether f.Text is the whole line now.
func (p *pieces) join(f *Frame, ends bool) (whole bool) {
	if len(p.open) > 0 {
		p.expire()
	}
	i := p.find(f)
	switch {
	case !ends:
		p.keep(i, f)
		return false
	case i >= 0:
		f.Text, f.Joined = cutMiddle(append(p.open[i].text, f.Text...)), true
		p.remove(i)
	}
	f.Text = bytes.TrimSuffix(f.Text, []byte("\r"))
	return true
}

// find returns the place of the line that f goes on with, -1 where it begins one.
func (p *pieces) find(f *Frame) int {
	return slices.IndexFunc(p.open, func(one unfinished) bool {
		return one.stream == f.Stream && one.form == f.Form && one.container == string(f.Container)
	})
}

// keep notes a piece of the line at i, or of a new one.
func (p *pieces) keep(i int, f *Frame) {
	if i < 0 {
		if len(p.open) == mostOpen {
			p.remove(0)
		}
		i = len(p.open)
		p.open = append(p.open, unfinished{container: string(f.Container), stream: f.Stream, form: f.Form})
	}
	one := &p.open[i]
	one.latest = p.passed + int64(len(f.Text))
	one.text = append(one.text, f.Text...)
	// To leave out more than has to be makes it a copy of as many bytes as came, however small the pieces.
	if len(one.text) > longestLine+longestLine/2 {
		one.text = cutMiddle(one.text)
	}
}

func (p *pieces) remove(i int) { p.open = slices.Delete(p.open, i, i+1) }

// cutMiddle leaves the middle of what is too long out: a record's header stands at its start, the address at its end.
func cutMiddle(b []byte) []byte {
	const half = longestLine / 2
	if len(b) <= longestLine {
		return b
	}
	return append(b[:half], b[len(b)-half:]...)
}
