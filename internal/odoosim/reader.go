package odoosim

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"time"
)

// Reader is somebody who follows a log, or reads it afterwards.
type Reader struct {
	Name string
	kind source
	// Latency is how long after something was written a follower looks, give or take a half; Poll looks so often instead.
	Latency, Poll time.Duration
	// Rate is how many bytes a second a collector takes.
	Rate float64
}

type source uint8

const (
	replayed source = iota
	replayedObjects
	followed
	collected
	journaled
	piped
)

// Replay reads the log afterwards.
func Replay() Reader { return Reader{Name: "replay", kind: replayed} }

// ReplayObjects reads the file that Docker's json-file driver wrote, afterwards.
func ReplayObjects() Reader {
	return Reader{Name: "replay of json-file", kind: replayedObjects, Rate: pipeRate}
}

// File follows a file, told of changes by the kernel.
func File(latency time.Duration) Reader {
	return Reader{Name: "file read after " + latency.String(), kind: followed, Latency: latency}
}

// Polled follows a file by looking at it now and then.
func Polled(every time.Duration) Reader {
	return Reader{Name: "file read every " + every.String(), kind: followed, Poll: every}
}

// Container follows a container: the engine stamps each line, to the nanosecond.
func Container() Reader {
	return Reader{Name: "container", kind: collected, Latency: 500 * us, Rate: pipeRate}
}

// Journal follows systemd's journal: it stamps each line, to the microsecond.
func Journal() Reader { return Reader{Name: "journal", kind: journaled, Latency: 2 * ms, Rate: 50e6} }

// Stdin reads a pipe: 64 KiB at most wait in it.
func Stdin() Reader { return Reader{Name: "standard input", kind: piped, Latency: 200 * us} }

// pipeRate is how many bytes a second Docker's engine takes from a container; the container writes no faster.
const pipeRate = 100e6

// Live reports whether the reader follows the log while it is written.
func (r Reader) Live() bool { return r.kind != replayed && r.kind != replayedObjects }

// WriteRate is how fast a server writes to what this reader reads; 0 for a file.
func (r Reader) WriteRate() float64 { return r.Rate }

// sink takes what a reader reads.
type sink interface {
	line(Line)
	settle(now time.Time)
	flush()
	open() bool
}

// read hands a log to the sink, line by line, as the reader would.
func (r Reader) read(log *Log, to sink) {
	f := &follower{Reader: r, log: log, to: to, rng: rand.New(rand.NewPCG(log.Config.Seed, 3))} //nolint:gosec // a model
	switch r.kind {
	case replayed:
		for i := range log.Writes {
			for line := range bytes.Lines(log.Writes[i].Text) {
				f.hand(line, Line{})
			}
		}
	case replayedObjects:
		f.objects()
	case followed, piped:
		f.follow()
	case collected, journaled:
		f.collect()
	}
	to.flush()
}

// follower is a reader at work.
type follower struct {
	Reader
	log    *Log
	to     sink
	rng    *rand.Rand
	offset int64
}

// hand gives one line on.
func (f *follower) hand(line []byte, l Line) {
	l.Offset, l.Size = f.offset, int64(len(line))
	f.offset += l.Size
	l.Text = bytes.TrimRight(line, "\r\n")
	f.to.line(l)
}

// late is how long after a change the follower looks.
func (f *follower) late() time.Duration {
	return time.Duration(float64(f.Latency) * (0.5 + f.rng.Float64()))
}

// quiet settles what can be while nothing comes between last and next: after 10 ms, and again every second if need be.
func (f *follower) quiet(last, next time.Time) {
	for at, again := last.Add(10*ms), false; at.Before(next); at = at.Add(time.Second) {
		if again && !f.to.open() {
			return
		}
		f.to.settle(at)
		again = true
	}
}

// end is long after everything.
func (f *follower) end(last time.Time) { f.quiet(last, last.Add(time.Minute)) }

// follow reads a file as it grows: each look at its size finds what was written until then, be it half a record.
func (f *follower) follow() {
	const page, pipe = 4096, 64 << 10
	writes, i, read := f.log.Writes, 0, 0 // the write that is being read, and how much of it was
	var start int64                       // where it begins
	var rest []byte
	var last time.Time
	for now := f.wake(writes[0].At); i < len(writes); {
		var found [][]byte
		total := 0
		for i < len(writes) && !writes[i].At.After(now) && (f.kind != piped || total < pipe) {
			w, there := &writes[i], len(writes[i].Text)
			if done := now.Sub(w.At); done < w.Took {
				there = int(float64(there) * float64(done) / float64(w.Took))
				if f.kind != piped {
					there = max(read, int((start+int64(there))/page*page-start))
				}
			}
			if f.kind == piped {
				there = min(there, read+pipe-total)
			}
			if there > read {
				found = append(found, w.Text[read:there])
				total += there - read
				read = there
			}
			if read < len(w.Text) {
				break
			}
			start += int64(len(w.Text))
			i, read = i+1, 0
		}
		if len(found) == 0 {
			now = f.wait(writes, i, now, last)
			continue
		}
		last = now
		rest = f.pieces(found, rest, now)
		now = now.Add(20*us + time.Duration(float64(total)/1e9*1e9)) // reading takes a nanosecond a byte
	}
	f.end(last)
}

// pieces hands on the lines that found completes, and keeps what begins one.
func (f *follower) pieces(found [][]byte, rest []byte, now time.Time) []byte {
	begun, total := len(rest) > 0, 0
	for _, text := range found {
		total += len(text)
	}
	for _, text := range found {
		for line := range bytes.Lines(text) {
			if line[len(line)-1] != '\n' {
				rest = append(rest, line...)
				continue
			}
			if len(rest) > 0 {
				line = append(rest, line...)
				rest = nil
			}
			f.hand(line, Line{Seen: now, Found: int64(total), Continues: begun})
			begun = false
		}
	}
	return rest
}

// wake is when a follower looks that is told of a change at that time.
func (f *follower) wake(at time.Time) time.Time {
	if f.Poll > 0 {
		return at.Truncate(f.Poll).Add(f.Poll)
	}
	return at.Add(f.late())
}

// wait is when the follower looks next, now that there is nothing.
func (f *follower) wait(writes []Write, i int, now, last time.Time) time.Time {
	next := writes[i].At
	if !next.After(now) { // in the middle of a write
		next = now.Add(20 * us)
	}
	if f.Poll > 0 {
		next = now.Truncate(f.Poll).Add(f.Poll)
		for i < len(writes) && next.Before(writes[i].At) {
			next = next.Add(f.Poll)
		}
	} else {
		next = next.Add(f.late())
	}
	if !last.IsZero() {
		f.quiet(last, next)
	}
	return next
}

// stamped is a line that a collector took.
type stamped struct {
	text []byte
	at   time.Time
}

// stamps lets a collector take the lines from a pipe, one after the other.
func (f *follower) stamps() []stamped {
	var lines []stamped
	var free time.Time
	for i := range f.log.Writes {
		w := &f.log.Writes[i]
		if free.Before(w.At.Add(30 * us)) {
			free = w.At.Add(30 * us)
		}
		for line := range bytes.Lines(w.Text) {
			free = free.Add(time.Microsecond + time.Duration(float64(len(line))/f.Rate*1e9))
			lines = append(lines, stamped{line, free})
		}
	}
	return lines
}

// collect follows what a collector stamped.
func (f *follower) collect() {
	lines := f.stamps()
	var last time.Time
	for i := 0; i < len(lines); {
		now := lines[i].at.Add(f.late())
		if !last.IsZero() {
			if now.Before(last) {
				now = last
			}
			f.quiet(last, now)
		}
		for ; i < len(lines) && !lines[i].at.After(now); i++ {
			at := lines[i].at
			if f.kind == journaled {
				at = at.Truncate(time.Microsecond)
			}
			f.hand(lines[i].text, Line{Seen: now, Stamp: at})
		}
		last = now
	}
	f.end(last)
}

// objects reads what Docker's json-file driver wrote: one object for each line, or for 16 KiB of it.
func (f *follower) objects() {
	const most = 16 << 10
	type object struct {
		Log    string `json:"log"`
		Stream string `json:"stream"`
		Time   string `json:"time"`
	}
	for _, line := range f.stamps() {
		for text := line.text; len(text) > 0; {
			piece := text[:min(len(text), most)]
			text = text[len(piece):]
			b, err := json.Marshal(object{string(piece), "stderr", line.at.Format(time.RFC3339Nano)})
			if err != nil {
				panic(err) // strings only
			}
			f.hand(append(b, '\n'), Line{})
		}
	}
}
