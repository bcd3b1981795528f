// Package window counts failures in a sliding window, exactly, and in bounded
// memory.
//
// A key is full when maxretry of its failures lie within findtime, both ends
// included, as in fail2ban: a failure exactly findtime before another still
// counts, one a millisecond earlier does not. Times are those of the events, in
// whole milliseconds; no clock is asked. Failures with equal times all count.
//
// Failures may come in any order. As long as none is more than findtime older
// than the newest that came, the answer is the same as for a window that
// remembers everything. A single failure that comes later than that takes no
// other's place. Several are the sign of a clock that was set back, and the
// window follows them: it gives up the times farthest away, and takes no more
// memory. A failure far ahead of a key's others is the first of its next run.
package window

import (
	"slices"
	"time"
)

// Key is what failures are counted by: an address, or the first address of a
// network, as netip.Addr.As16 gives it.
type Key [16]byte

// Window counts the failures of many keys. It is not safe for concurrent use.
type Window struct {
	maxretry int
	findtime int64 // milliseconds
	maxKeys  int

	index     index
	entries   []entry // entries[root] is the root of the ring
	free      uint32  // first of the unused entries, root if there are none
	forgotten uint64
}

// entry is one key with its failures, an element of a ring in the order in
// which the keys were last heard of. That order is the order of arrival: by
// event time, one stamp from the future would outlive every honest key.
type entry struct {
	key            Key
	fresher, older uint32  // neighbours in the ring
	next           uint32  // in the chain of the index, or of the unused entries
	times          []int64 // milliseconds, ascending, never empty
}

// root stands between the freshest key, its older neighbour, and the key that
// was silent longest, its fresher one.
const root = 0

// New returns a window that is full at maxretry failures within findtime. It
// keeps at most maxKeys keys and at most 2*maxretry-1 times for each. All three
// must be positive, findtime at least a millisecond.
func New(maxretry int, findtime time.Duration, maxKeys int) *Window {
	return &Window{
		maxretry: maxretry,
		findtime: findtime.Milliseconds(),
		maxKeys:  maxKeys,
		index:    newIndex(),
		entries:  make([]entry, 1),
	}
}

// Add counts a failure of key at t. When that makes maxretry failures within
// findtime, it returns the time of the newest of them, in UTC, and true. Of
// several such runs it takes the earliest whose newest may allows: the one that
// would have been full first had the failures come in order. They count until
// Forget takes them away; where nobody does, as may refused, the window keeps
// them in the place of others.
func (w *Window) Add(key Key, t time.Time, may func(newest time.Time) bool) (newest time.Time, full bool) {
	ms := t.UnixMilli()
	w.expire(ms)
	i := w.touch(key) // first: it may move the entries
	e := &w.entries[i]
	at, _ := slices.BinarySearch(e.times, ms)
	e.times = slices.Insert(e.times, at, ms)
	newest, full = w.run(e.times, at, may)
	e.times = w.trim(e.times, ms)
	return newest, full
}

// Forget takes away the failures of key from from on and before until.
func (w *Window) Forget(key Key, from, until time.Time) {
	i := w.index.find(w.entries, &key)
	if i == root {
		return
	}
	e := &w.entries[i]
	first, _ := slices.BinarySearch(e.times, from.UnixMilli())
	end, _ := slices.BinarySearch(e.times, until.UnixMilli())
	if e.times = slices.Delete(e.times, first, max(first, end)); len(e.times) == 0 {
		w.drop(i)
	}
}

// ForgetAll takes away all failures of the keys that match.
func (w *Window) ForgetAll(match func(Key) bool) {
	for i := w.entries[root].fresher; i != root; {
		next := w.entries[i].fresher
		if match(w.entries[i].key) {
			w.drop(i)
		}
		i = next
	}
}

// Times returns the times of the failures of key that are kept, oldest first.
func (w *Window) Times(key Key) []time.Time {
	i := w.index.find(w.entries, &key)
	if i == root {
		return nil
	}
	var times []time.Time
	for _, ms := range w.entries[i].times {
		times = append(times, time.UnixMilli(ms).UTC())
	}
	return times
}

// Len returns the number of keys that have failures.
func (w *Window) Len() int { return w.index.len }

// Forgotten returns how many keys were given up because there were more than
// maxKeys. Keys that were silent for so long that they no longer matter do not
// count.
func (w *Window) Forgotten() uint64 { return w.forgotten }

// run returns the end of the earliest run of maxretry times within findtime
// that the time at position at belongs to, and that may allows.
func (w *Window) run(times []int64, at int, may func(newest time.Time) bool) (newest time.Time, ok bool) {
	first := max(0, at-w.maxretry+1)
	for ; first <= at && first+w.maxretry <= len(times); first++ {
		end := times[first+w.maxretry-1]
		if end-times[first] > w.findtime {
			continue
		}
		if newest = time.UnixMilli(end).UTC(); may(newest) {
			return newest, true
		}
	}
	return time.Time{}, false
}

// trim bounds the times of a key after ms was added. A failure findtime late
// can need what lies twice findtime back. So close together there are at most
// 2*maxretry-2 times, or a run of them would be full and mostly forgotten: one
// place is left for a stray, which therefore pushes nothing out.
func (w *Window) trim(times []int64, ms int64) []int64 {
	newest := times[len(times)-1]
	if ms == newest {
		stale, _ := slices.BinarySearch(times, ms-2*w.findtime)
		times = slices.Delete(times, 0, stale)
	}
	if len(times) < 2*w.maxretry {
		return times
	}
	if ms-times[0] >= newest-ms {
		return slices.Delete(times, 0, 1)
	}
	return times[:len(times)-1]
}

// expire drops keys that an event at ms leaves too far behind to matter. Two
// for each failure are enough for memory to follow the traffic, and so few that
// one stamp from the future does not empty the window.
func (w *Window) expire(ms int64) {
	for range 2 {
		i := w.entries[root].fresher
		if i == root {
			return
		}
		times := w.entries[i].times
		if times[len(times)-1] >= ms-2*w.findtime {
			return
		}
		w.drop(i)
	}
}
