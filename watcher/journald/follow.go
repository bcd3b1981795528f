package journald

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"odooban/watcher"
	"odooban/watcher/lines"
)

// follower is one run of Unit.Follow, over as many runs of
// journalctl as it takes. Everything in it belongs to the goroutine of that
// run.
type follower struct {
	*Unit
	out   watcher.Outlet
	pulse pulse
	lines lines.Splitter // of what journalctl writes

	numbering numbering
	trail     trail
	last      position
	newest    position // that journalctl has brought, line or not
	// encode is position, as a function that is made once.
	encode func() []byte
	// until, if not nil, has been handed on, and so has what comes before it;
	// again says that this process did that.
	until *position
	again bool

	came      bool      // this journalctl has brought an entry
	stamp     time.Time // of the last line
	complaint string    // what journalctl wrote to its standard error
	trouble   watcher.Trouble
}

// pulse is whether journalctl brings what there is.
type pulse struct {
	latest  time.Time // when something last came
	checked time.Time // when it was last looked whether something has
	asked   time.Time // when it was last asked whether there is more
	stuck   bool      // it knows of more than it brings
}

func newFollower(j *Unit, sink watcher.Sink) *follower {
	f := &follower{Unit: j, out: watcher.NewOutlet(sink), newest: position{Time: j.since.UnixMicro()}}
	f.trouble = watcher.NewTrouble(j.Name(), j.alarm)
	f.encode = f.position
	if j.resume != nil {
		f.last = *j.resume
	}
	return f
}

// run lets journalctl run until it ends, and says why it did.
func (f *follower) run(ctx context.Context) error {
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
		return explain(err, "")
	}
	f.follow(ctx, stdout, stderr)
	cancel()
	return explain(cmd.Wait(), f.complaint)
}

// begin says from where journalctl is to read.
func (f *follower) begin() string {
	f.numbering = numbering{}
	f.lines.Drop()
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
func (f *follower) follow(ctx context.Context, stdout, stderr io.Reader) {
	const least = 4 << 10
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	entries, buffers := lines.Pump(ctx, stdout, lines.BlockSize)
	complaints, small := lines.Pump(ctx, stderr, least)
	settle := time.NewTimer(settleTime)
	defer settle.Stop()
	f.complaint, f.came, f.pulse.stuck = "", false, false
	f.Turn()
	for f.out.Refused() == nil && !f.pulse.stuck && (entries != nil || complaints != nil) {
		select {
		case <-ctx.Done():
			return
		case <-settle.C:
			f.complain()
			f.checkEnd(ctx)
		case p := <-complaints:
			f.complaint += string(p.Data[:min(len(p.Data), least-len(f.complaint))])
			small <- p.Data[:least]
			if p.Err != nil {
				complaints = nil
			}
			continue
		case p := <-entries:
			_ = f.lines.Feed(p.Data, f.entry) // what the sink refuses ends the loop
			buffers <- p.Data[:lines.BlockSize]
			f.pulse.latest = time.Now()
			f.pulse.checked = f.pulse.latest
			if p.Err != nil {
				entries = nil
			}
		}
		f.Turn()
		settle.Reset(settleTime)
	}
}

// complain tells what journalctl complains of while it goes on.
func (f *follower) complain() {
	if f.complaint != "" {
		f.trouble.Lasts(explain(nil, f.complaint))
		f.complaint = ""
	}
}

// checkEnd calls Settled when nothing has come for a while, and journalctl has
// come to where it was when it ended the last time. A timer that is late says
// that this process was paused, and that the next lines may be waiting to be
// read; and it is asked whether journalctl, which is woken by chance, knows of
// more than it has brought.
func (f *follower) checkEnd(ctx context.Context) {
	now, settle := time.Now(), settleTime
	if now.Sub(f.stamp).Abs() > historySettle {
		settle = historySettle
	}
	paused := now.Sub(f.pulse.checked) > 2*settleTime
	quiet := now.Sub(f.pulse.latest)
	f.pulse.checked = now
	ended := f.out.Unsettled() && quiet >= settle
	if f.until != nil || paused || !ended && min(quiet, now.Sub(f.pulse.asked)) < doubtAfter {
		return
	}
	more := f.more(ctx)
	f.pulse.checked = time.Now()
	f.pulse.asked = f.pulse.checked
	f.pulse.stuck = more && quiet >= doubtAfter
	if more || !ended {
		return
	}
	_ = f.out.Settle(now) // what the sink refuses ends the loop
}

// more says whether the journal has lines that did not come yet.
func (f *follower) more(ctx context.Context) bool {
	found, err := f.journalctl(ctx, "--lines=1").Output()
	if err != nil {
		return false
	}
	e, err := parseEntry(found)
	return err == nil && f.newest.passed(watcher.Place{Generation: e.boot, Offset: e.monotonic << ordinalBits}, e.stamp)
}

// entry takes one line of journalctl.
func (f *follower) entry(data []byte) error {
	e, err := parseEntry(data)
	if err != nil {
		f.trouble.Lasts(fmt.Errorf("read systemd's journal: take journalctl's output apart: %w; "+
			"an entry is left out (if there are many, report it with the version of systemd)", err))
		return nil
	}
	f.came = true
	place := f.numbering.place(&e)
	f.newest = position{Boot: place.Generation, Offset: place.Offset, Time: e.stamp.UnixMicro()}
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
func (f *follower) droppedLines(n uint64) {
	if f.until == nil {
		f.trouble.Loss(fmt.Errorf("read systemd's journal: journald has dropped %d lines of %s, which writes faster than it "+
			"may; failures in them were not seen (systemctl edit %s: LogRateLimitIntervalSec=0 in [Service])",
			n, f.unit, f.unit))
	}
}

// known says whether an entry was handed on by this process. When the one that
// was last is gone, what came behind it may be, too.
func (f *follower) known(place watcher.Place, stamp time.Time) bool {
	if f.until == nil {
		return false
	}
	passed := f.until.passed(place, stamp)
	if passed {
		f.trouble.Loss(fmt.Errorf("read systemd's journal: the line of %s that was read last is gone, and lines behind it "+
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
func (f *follower) line(e *entry, place watcher.Place) error {
	if pause := e.stamp.Sub(f.stamp); f.out.Unsettled() && pause >= settleTime {
		if err := f.out.Settle(f.stamp.Add(settleTime)); err != nil {
			return err
		}
	}
	f.last = position{
		Version: 1, Cursor: f.trail.marks[0].cursor, Boot: place.Generation, Offset: place.Offset, Time: e.stamp.UnixMicro(),
	}
	f.stamp = e.stamp
	f.trouble.Over()
	text := bytes.TrimSuffix(e.text, []byte{'\r'})
	return f.out.Line(watcher.Line{Text: text, Seen: e.stamp, Stamp: e.stamp, Place: place, Position: f.encode})
}

// position gives the position after the line that is being handed on.
func (f *follower) position() []byte {
	text, _ := json.Marshal(f.last) // nothing in it can fail
	return text
}
