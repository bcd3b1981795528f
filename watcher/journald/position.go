package journald

import (
	"fmt"
	"time"

	"odooban/watcher"
)

// ordinalBits is how many bits of an Offset tell apart the lines that journald
// took at one moment. It takes at most 48 KiB then, so there are fewer.
const (
	ordinalBits = 15
	maxOrdinal  = 1<<ordinalBits - 1
)

// numbering gives the entries of a journal their places. The Generation is the
// boot and the Offset the microseconds since, with a number behind that counts
// the entries of one moment. journald writes in the order of that clock, which
// nobody can set, and all that it reads in one go has one stamp. So places are
// in the order of the lines, no two have the same, and an entry keeps its own
// when its file is rotated, copied from /run to /var, or read again: from the
// first entry of a moment, as others that were not counted would be missed.
// (A sequence number would do if journald did not count anew when it copies.)
type numbering struct {
	boot      string
	monotonic int64
	ordinal   int64
}

// place gives the place of the next entry.
func (n *numbering) place(e *entry) watcher.Place {
	if e.boot == n.boot && e.monotonic == n.monotonic {
		n.ordinal = min(n.ordinal+1, maxOrdinal)
	} else {
		*n = numbering{boot: e.boot, monotonic: e.monotonic}
	}
	return watcher.Place{Generation: e.boot, Offset: e.monotonic<<ordinalBits | n.ordinal}
}

// position says where reading a Unit goes on.
type position struct {
	Version int `json:"version"`
	// Cursor is that of an entry, the first of its moment, from which reading
	// begins again.
	Cursor string `json:"cursor"`
	// Boot, Offset and Time, in microseconds since 1970, are those of the last
	// entry that was handed on.
	Boot   string `json:"boot"`
	Offset int64  `json:"offset"`
	Time   int64  `json:"time"`
}

// parsePosition reads what follower.position wrote.
func parsePosition(text []byte) (position, error) {
	var p position
	if err := watcher.DecodePosition(text, &p); err != nil {
		return p, err
	}
	if p.Version != 1 || !isCursor(p.Cursor) || !isBoot(p.Boot) || p.Offset < 0 {
		return p, fmt.Errorf("read position: %w", watcher.ErrPosition)
	}
	return p, nil
}

// passed says whether an entry lies behind the position.
func (p *position) passed(place watcher.Place, stamp time.Time) bool {
	if place.Generation == p.Boot {
		return place.Offset > p.Offset
	}
	return stamp.UnixMicro() > p.Time
}

// at says whether an entry is the one that the position is about.
func (p *position) at(place watcher.Place) bool {
	return place == watcher.Place{Generation: p.Boot, Offset: p.Offset}
}

// trail remembers entries from which reading may begin again, so that the
// oldest lies watcher.WarmUp bytes of text back, or at the first entry.
type trail struct {
	size  int64
	marks []trailMark
}

type trailMark struct {
	cursor string
	at     int64
}

// pass notes the first entry of a moment.
func (t *trail) pass(cursor string) {
	const apart = watcher.WarmUp / 8
	if n := len(t.marks); n == 0 || t.size-t.marks[n-1].at >= apart {
		t.marks = append(t.marks, trailMark{cursor, t.size})
	}
	for len(t.marks) > 1 && t.size-t.marks[1].at >= watcher.WarmUp {
		t.marks = t.marks[1:]
	}
}
