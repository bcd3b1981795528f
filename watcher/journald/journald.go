// Package journald follows units of systemd in the journal, through journalctl.
package journald

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"odooban/internal/backoff"
	"odooban/watcher"
)

const (
	// settleTime is watcher.SettleTime for a journal. Records do not come in one
	// piece there: journald takes up to 48 KiB at a time, writes line by line,
	// and wakes its readers four times a second.
	settleTime = 500 * time.Millisecond
	// historySettle is the same behind lines that are older than that: a disk
	// may hold up history.
	historySettle = 10 * time.Second
	// doubtAfter is how long nothing must have come for it to be asked whether
	// there is something all the same.
	doubtAfter = 10 * time.Second
)

// Unit follows what a unit of systemd writes to its standard output and
// error, as journald keeps it, through the program journalctl. A line was seen
// when journald took it, which nobody else can say, and so was history: pauses
// are told by these stamps, as if it was live.
//
// A line is what journald takes for one: it leaves out empty ones, and cuts
// those longer than its LineMax (48 KiB) into several. One that is not over
// where journald ends it ends in a NUL, so that half an address is none.
type Unit struct {
	watcher.Heartbeat
	unit   string
	since  time.Time
	alarm  watcher.Alarm
	resume *position
}

// New follows unit, a whole name like odoo.service, which need not
// exist yet. Unless it is resumed, lines from before since are left out: a
// journal goes back for weeks. alarm is told why it cannot be read for the
// time being, and when journald says that it has left out lines.
func New(unit string, since time.Time, alarm watcher.Alarm) *Unit {
	return &Unit{unit: unit, since: since, alarm: alarm}
}

// Name is the unit behind "journal:".
func (j *Unit) Name() string { return "journal:" + j.unit }

// Resume lets Follow, which must not have been called yet, go on at position,
// which a Line of this unit gave to this or a former process. Empty means the
// start. If it cannot be read, Follow begins at the start too.
//
// Lines from before the position come again, about 2 MiB of them, with the
// same Place as then: who reads lines needs to know what came before.
func (j *Unit) Resume(position []byte) error {
	if len(position) == 0 {
		return nil
	}
	p, err := parsePosition(position)
	if err != nil {
		return fmt.Errorf("resume %s: %w", j.Name(), err)
	}
	j.resume = &p
	return nil
}

// Follow hands on the unit's lines until ctx ends. Only sink can make it fail:
// whatever happens to the journal is reported, and tried again.
func (j *Unit) Follow(ctx context.Context, sink watcher.Sink) error {
	f := newFollower(j, sink)
	if j.resume == nil {
		f.lookFor(ctx)
	}
	f.repeat(ctx)
	if ctx.Err() == nil {
		return f.out.Refused()
	}
	return nil
}

// repeat lets journalctl run again and again, until sink refuses a line or ctx
// ends.
func (f *follower) repeat(ctx context.Context) {
	var retry backoff.Backoff
	for {
		began := time.Now()
		err := f.run(ctx)
		if f.out.Refused() != nil || ctx.Err() != nil {
			return
		}
		if time.Since(began) > backoff.Most {
			retry.Reset()
		}
		// Once is none: it goes on where it was.
		if !f.came || retry.Again() {
			f.trouble.Lasts(err)
		}
		if !f.PauseFor(ctx, retry.Next(), nil) {
			return
		}
	}
}

// matches are the entries of the journal that are read: what the unit's
// processes wrote, and what journald says it has left out of that. Nobody but
// journald can write fields that begin with "_", and OBJECT_SYSTEMD_UNIT is
// its own behind _TRANSPORT=driver.
func (j *Unit) matches() []string {
	return []string{
		"_TRANSPORT=stdout", "_SYSTEMD_UNIT=" + j.unit, "+",
		"_TRANSPORT=driver", "OBJECT_SYSTEMD_UNIT=" + j.unit, "MESSAGE_ID=" + messagesDropped,
	}
}

// messagesDropped is SD_MESSAGE_JOURNAL_DROPPED of sd-messages.h: the unit
// wrote more than its rate limit lets it.
const messagesDropped = "a596d6fe7bfa4994828e72309e95d61e"

// journalctl is the program, with args and what is the same in every call.
func (j *Unit) journalctl(ctx context.Context, args ...string) *exec.Cmd {
	same := []string{"--output=json", "--all", "--no-pager", "--output-fields=MESSAGE,_LINE_BREAK,N_DROPPED"}
	cmd := exec.CommandContext(ctx, "journalctl", slices.Concat(same, args, j.matches())...)
	cmd.Env = []string{"LC_ALL=C"}
	return cmd
}

// lookFor says so when nothing of the unit is in the journal, as its name may
// be wrong.
func (f *follower) lookFor(ctx context.Context) {
	found, err := f.journalctl(ctx, "--lines=1").Output()
	if err == nil && !bytes.HasPrefix(found, []byte{'{'}) {
		f.trouble.Lasts(fmt.Errorf("find unit %s: nothing of it is in systemd's journal yet; its lines are read as they "+
			"come (or correct the name: systemctl list-units shows it)", f.unit))
	}
}

// explain says what to do about an error of journalctl, which wrote
// complaint.
func explain(err error, complaint string) error {
	complaint = strings.Join(strings.Fields(complaint), " ")
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("read systemd's journal: %w; where there is no systemd, name the log's file as source instead", err)
	case strings.Contains(complaint, "not seeing messages"), strings.Contains(complaint, "ermission"):
		return fmt.Errorf("read systemd's journal: %s; add odooban's user to the group systemd-journal and start it again",
			complaint)
	case err == nil:
		return fmt.Errorf("read systemd's journal: %s", complaint)
	}
	return fmt.Errorf("read systemd's journal: journalctl ended: %w: %s; it is started again", err, complaint)
}
