package watcher

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// journalFollower is one run of Journal.Follow, over as many runs of
// journalctl as it takes. Everything in it belongs to the goroutine of that
// run.
type journalFollower struct {
	*Journal
	sink  Sink
	lines splitter // of what journalctl writes

	numbering numbering
	trail     trail
	last      journalPosition
	newest    journalPosition // that journalctl has brought, line or not
	// encode is position, as a function that is made once.
	encode func() []byte
	// until, if not nil, has been handed on, and so has what comes before it;
	// again says that this process did that.
	until *journalPosition
	again bool

	stuck     bool      // it knows of more than it brings
	asked     time.Time // when that was last asked
	came      bool      // this journalctl has brought an entry
	latest    time.Time // when something last came
	checked   time.Time // when it was last looked whether something has
	stamp     time.Time // of the last line
	unsettled bool      // a line has come since Settled was called
	complaint string    // what journalctl wrote to its standard error
	trouble   trouble
	refused   error // what sink said
}

func newJournalFollower(j *Journal, sink Sink) *journalFollower {
	f := &journalFollower{Journal: j, sink: sink, newest: journalPosition{Time: j.since.UnixMicro()}}
	f.trouble = trouble{source: j.Name(), alarm: j.alarm}
	f.encode = f.position
	if j.resume != nil {
		f.last = *j.resume
	}
	return f
}

// run lets journalctl run until it ends, and says why it did.
func (f *journalFollower) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := f.journalctl(ctx, "--follow", "--no-tail", f.begin())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return explainJournal(err, "")
	}
	f.follow(ctx, stdout, stderr)
	cancel()
	return explainJournal(cmd.Wait(), f.complaint)
}

// begin says from where journalctl is to read.
func (f *journalFollower) begin() string {
	f.numbering = numbering{}
	f.lines.drop()
	if f.last.Cursor == "" {
		return fmt.Sprintf("--since=@%d.%06d", f.since.Unix(), f.since.Nanosecond()/1000)
	}
	until := f.last
	f.until, f.again = &until, len(f.trail.marks) > 0
	if f.again {
		return "--cursor=" + f.trail.marks[len(f.trail.marks)-1].cursor
	}
	return "--cursor=" + f.last.Cursor
}

// follow hands on what journalctl writes until it ends, sink refuses a line, or
// ctx ends.
func (f *journalFollower) follow(ctx context.Context, stdout, stderr io.Reader) {
	const least = 4 << 10
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	entries, buffers := pump(ctx, stdout, blockSize)
	complaints, small := pump(ctx, stderr, least)
	settle := time.NewTimer(journalSettle)
	defer settle.Stop()
	f.complaint, f.came, f.stuck = "", false, false
	f.turn()
	for f.refused == nil && !f.stuck && (entries != nil || complaints != nil) {
		select {
		case <-ctx.Done():
			return
		case <-settle.C:
			f.complain()
			f.refused = f.checkEnd(ctx)
		case p := <-complaints:
			f.complaint += string(p.data[:min(len(p.data), least-len(f.complaint))])
			small <- p.data[:least]
			if p.err != nil {
				complaints = nil
			}
			continue
		case p := <-entries:
			f.refused = f.lines.feed(p.data, f.entry)
			buffers <- p.data[:blockSize]
			f.latest = time.Now()
			f.checked = f.latest
			if p.err != nil {
				entries = nil
			}
		}
		f.turn()
		settle.Reset(journalSettle)
	}
}

// complain tells what journalctl complains of while it goes on.
func (f *journalFollower) complain() {
	if f.complaint != "" {
		f.trouble.lasts(explainJournal(nil, f.complaint))
		f.complaint = ""
	}
}

// pump reads from in a goroutine that ends with ctx, when a Read ends.
func pump(ctx context.Context, from io.Reader, size int) (<-chan piece, chan<- []byte) {
	pieces, buffers := make(chan piece), make(chan []byte, 2)
	buffers <- make([]byte, size)
	buffers <- make([]byte, size)
	go readPieces(ctx, from, buffers, pieces)
	return pieces, buffers
}

// checkEnd calls Settled when nothing has come for a while, and journalctl has
// come to where it was when it ended the last time. A timer that is late says
// that this process was paused, and that the next lines may be waiting to be
// read; and it is asked whether journalctl, which is woken by chance, knows of
// more than it has brought.
func (f *journalFollower) checkEnd(ctx context.Context) error {
	now, settle := time.Now(), journalSettle
	if now.Sub(f.stamp).Abs() > historySettle {
		settle = historySettle
	}
	paused := now.Sub(f.checked) > 2*journalSettle
	quiet := now.Sub(f.latest)
	f.checked = now
	ended := f.unsettled && quiet >= settle
	if f.until != nil || paused || !ended && min(quiet, now.Sub(f.asked)) < journalDoubt {
		return nil
	}
	more := f.more(ctx)
	f.checked = time.Now()
	f.asked = f.checked
	f.stuck = more && quiet >= journalDoubt
	if more || !ended {
		return nil
	}
	return f.settled(now)
}

// more says whether the journal has lines that did not come yet.
func (f *journalFollower) more(ctx context.Context) bool {
	found, err := f.journalctl(ctx, "--lines=1").Output()
	if err != nil {
		return false
	}
	e, err := parseJournalEntry(found)
	return err == nil && f.newest.passed(Place{e.boot, e.monotonic << ordinalBits}, e.stamp)
}

// entry takes one line of journalctl.
func (f *journalFollower) entry(data []byte) error {
	e, err := parseJournalEntry(data)
	if err != nil {
		f.trouble.lasts(fmt.Errorf("read systemd's journal: take journalctl's output apart: %w; "+
			"an entry is left out (if there are many, report it with the version of systemd)", err))
		return nil
	}
	f.came = true
	place := f.numbering.place(&e)
	f.newest = journalPosition{Boot: place.Generation, Offset: place.Offset, Time: e.stamp.UnixMicro()}
	if f.known(place, e.stamp) {
		return nil
	}
	if f.numbering.ordinal == 0 {
		f.trail.pass(e.cursor)
	}
	f.trail.size += int64(len(e.text))
	if e.dropped > 0 {
		f.droppedLines(e.dropped)
		return nil
	}
	return f.line(&e, place)
}

// droppedLines tells of lines that are not in the journal. Those before the
// position have been told of.
func (f *journalFollower) droppedLines(n uint64) {
	if f.until == nil {
		f.trouble.loss(fmt.Errorf("read systemd's journal: journald has dropped %d lines of %s, which writes faster than it "+
			"may; failures in them were not seen (systemctl edit %s: LogRateLimitIntervalSec=0 in [Service])",
			n, f.unit, f.unit))
	}
}

// known says whether an entry was handed on by this process. When the one that
// was last is gone, what came behind it may be, too.
func (f *journalFollower) known(place Place, stamp time.Time) bool {
	if f.until == nil {
		return false
	}
	passed := f.until.passed(place, stamp)
	if passed {
		f.trouble.loss(fmt.Errorf("read systemd's journal: the line of %s that was read last is gone, and lines behind it "+
			"may be; reading goes on from %s (let journald keep more: SystemMaxUse= in journald.conf)",
			f.unit, stamp.UTC().Format(time.RFC3339)))
	}
	if passed || f.until.at(place) {
		f.until = nil
	}
	return f.again && !passed
}

// line hands a line on. By the stamps a pause before it is known, in history
// too, where all lines come at once.
func (f *journalFollower) line(e *journalEntry, place Place) error {
	if pause := e.stamp.Sub(f.stamp); f.unsettled && pause >= journalSettle {
		if err := f.settled(f.stamp.Add(journalSettle)); err != nil {
			return err
		}
	}
	f.last = journalPosition{
		Version: 1, Cursor: f.trail.marks[0].cursor, Boot: place.Generation, Offset: place.Offset, Time: e.stamp.UnixMicro(),
	}
	f.stamp = e.stamp
	f.unsettled = true
	f.trouble.over()
	text := bytes.TrimSuffix(e.text, []byte{'\r'})
	return f.sink.Line(Line{Text: text, Seen: e.stamp, Stamp: e.stamp, Place: place, Position: f.encode})
}

func (f *journalFollower) settled(now time.Time) error {
	f.unsettled = false
	return f.sink.Settled(now)
}

// position gives the position after the line that is being handed on.
func (f *journalFollower) position() []byte {
	text, _ := json.Marshal(f.last) // nothing in it can fail
	return text
}
