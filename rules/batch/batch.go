// Package batch tells which lines of a log were written in one go, as far as
// anyone can tell, and when. It is the only place that knows whether a log is
// followed while it is written, was kept by a collector that stamps lines, or is
// history of which neither is known.
//
// A record is one write. So what was written apart belongs to different
// records; what was written in one go may be one record, whatever it looks like.
package batch

import "time"

const (
	// stampGap is how far apart the stamps of a collector are at most within one
	// write.
	stampGap = time.Millisecond
	// runGap is how far apart the stamps of lines are that a collector read at once,
	// unless it is held up.
	runGap = 150 * time.Microsecond
	// largeWrite is from how many bytes on, without a pause, a collector may still be
	// taking the same write after one, and writeGap how long such a pause is at most.
	largeWrite = 32 << 10
	writeGap   = 20 * time.Millisecond
	// slowestWrite is how many bytes a second the slowest disk takes: what a file grew
	// by that fast may be more of the same write.
	slowestWrite = 4e6
)

// Moment is when a line was written, as far as its source tells.
type Moment struct {
	// Seen is when the source was found to hold the line; zero for history.
	Seen time.Time
	// Stamp is when a collector took the line; zero where none did.
	Stamp time.Time
	// Found is how many bytes were found with it, the line's among them.
	Found int64
	// Continues says that a part of the line had been found with the line before.
	Continues bool
	// File names the file that holds the line. One write goes into one file.
	File string
}

// Batch is lines that were written in one go, as far as anyone can tell.
type Batch struct {
	known    bool
	over     bool
	from, to int64
	began    bool
	first    int64
}

// Known reports whether it is known what was written with what. It is not in the
// history of a file without stamps: there a batch is all of the log.
func (b *Batch) Known() bool { return b.known }

// Over reports whether nothing more can have been written with it.
func (b *Batch) Over() bool { return b.over }

// From and To are the moments between which the batch was written, in
// milliseconds since 1970. From is zero where that is not known.
func (b *Batch) From() int64 { return b.from }

// To is as From says.
func (b *Batch) To() int64 { return b.to }

// Begin takes the time of the first record in the batch, in milliseconds since 1970: that
// record begins where another one ended, so nobody has forged it.
func (b *Batch) Begin(time int64) {
	if b.known && !b.began {
		b.began, b.first = true, time
	}
}

// Bounds returns the times between which the records of the batch were made, give or take
// how far these run backwards: from the first one to when it was found, or as much later as
// the log's clock is ahead.
func (b *Batch) Bounds() (earliest, latest int64) {
	if !b.began {
		return b.from, b.to
	}
	if b.first <= b.to || b.from == 0 {
		return b.first, max(b.first, b.to)
	}
	return b.first, b.first + b.to - b.from
}

// Late reports whether the batch was found so long after it was written that being found
// together says nothing: old lines came through a pipe, or the log's clock is behind.
func (b *Batch) Late() bool {
	const late = 1000
	return b.began && b.to-b.first > late
}

// Tracker gives the lines of one source their batches. Its zero value is ready.
type Tracker struct {
	current *Batch
	latest  time.Time
	stretch int64 // bytes since the last pause
	run     uint64
	history Batch
	file    string
}

// Next returns the batch of the next line, which has size bytes, and a number that it
// shares with the lines that were found, or stamped, without any pause before it. A write
// that takes long may have several of these.
func (t *Tracker) Next(m Moment, size int64) (b *Batch, run uint64) {
	if m.File != t.file {
		t.Pause()
		t.file = m.File
	}
	at, gap := m.Seen, time.Duration(0)
	if !m.Stamp.IsZero() {
		at, gap = m.Stamp, stampGap
	}
	if at.IsZero() {
		t.Pause()
		return &t.history, t.run
	}
	pause := at.Sub(t.latest)
	if t.current == nil || pause > min(gap, runGap) && !m.Continues && !t.goesOn(m, pause) {
		t.run++
		if t.current == nil || pause > gap {
			t.begin(at)
		}
	}
	if pause > gap {
		t.stretch = 0
	}
	t.current.to = max(t.current.to, at.UnixMilli())
	t.stretch += size
	if at.After(t.latest) {
		t.latest = at
	}
	return t.current, t.run
}

// goesOn reports whether what comes after a pause may be more of the same write.
func (t *Tracker) goesOn(m Moment, pause time.Duration) bool {
	if !m.Stamp.IsZero() {
		return pause <= writeGap && t.stretch >= largeWrite
	}
	return float64(m.Found) >= slowestWrite*pause.Seconds()
}

// begin begins a batch.
func (t *Tracker) begin(at time.Time) {
	next := &Batch{known: true, to: at.UnixMilli()}
	if t.current != nil {
		t.current.over = true
	}
	if !t.latest.IsZero() {
		next.from = t.latest.UnixMilli()
	}
	t.current = next
}

// Pause says that everything written so far has been read, and nothing more came
// for a while.
func (t *Tracker) Pause() {
	if t.current != nil {
		t.current.over = true
		t.current = nil
	}
}
