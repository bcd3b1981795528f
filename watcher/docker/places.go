package docker

import (
	"fmt"

	"odooban/watcher"
)

// places numbers the lines of one container. The number of a line is its
// stamp in nanoseconds; but one more than that of the line before where that is
// greater, as stamps are not unique, and clocks are set back. So a line keeps
// its number, and they rise, whenever reading begins at a mark: a line later
// than all before it.
type places struct {
	last  int64 // the number of the last line
	size  int64 // bytes of text so far
	marks []mark
	// clean is the last line later than all before it.
	clean mark
}

// mark is where reading may begin again.
type mark struct {
	// From is the stamp of the line, Low the earliest of that and all behind.
	From int64 `json:"from"`
	Low  int64 `json:"low"`
	// at is how many bytes of text stand before it.
	at int64
}

// number gives the next line its number.
func (p *places) number(stamp int64) int64 {
	p.last = max(stamp, p.last+1)
	return p.last
}

// pass notes that the line of a number was handed on. Marks are kept so that
// the oldest lies watcher.WarmUp bytes of text back, or at the first line.
func (p *places) pass(number, stamp int64, size int) {
	const apart = watcher.WarmUp / 8
	for i := range p.marks {
		p.marks[i].Low = min(p.marks[i].Low, stamp)
	}
	p.clean.Low = min(p.clean.Low, stamp)
	if number == stamp {
		p.clean = mark{From: stamp, Low: stamp, at: p.size}
		if n := len(p.marks); n == 0 || p.size-p.marks[n-1].at >= apart {
			p.marks = append(p.marks, p.clean)
		}
	}
	for len(p.marks) > 1 && p.size-p.marks[1].at >= watcher.WarmUp {
		p.marks = p.marks[1:]
	}
	p.size += int64(size)
}

// position says where reading a container's log goes on.
type position struct {
	Version   int    `json:"version"`
	Container string `json:"container"`
	mark
	// Last is the number of the last line that was handed on.
	Last int64 `json:"last"`
}

// parsePosition reads the position of a container.
func parsePosition(text []byte, container string) (position, error) {
	var p position
	if err := watcher.DecodePosition(text, &p); err != nil {
		return p, err
	}
	if p.Version != 1 || p.Container != container || p.Low <= int64(setBack) || p.Low > p.From || p.From > p.Last {
		return p, fmt.Errorf("read position: %w", watcher.ErrPosition)
	}
	return p, nil
}
