package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"odooban/internal/backoff"
)

// Event is something about the journal that people should know, with its cure.
type Event struct {
	// Code names the kind of event, for good.
	Code string
	// Text says what happened, and Cure what to do about it, if anything.
	Text, Cure string
}

// The codes of events.
const (
	// Damaged: the file was set aside, and a new one begun.
	Damaged = "journal-damaged"
	// OutageBegan: the file cannot be written.
	OutageBegan = "journal-outage"
	// OutageEnded: everything is in the file again. That is no alarm.
	OutageEnded = "journal-recovered"
)

// outage is the time during which the file cannot be written.
type outage struct {
	err     error // nil when there is no outage
	again   backoff.Backoff
	next    time.Time
	dropped int
}

// due says whether it is time to write.
func (o *outage) due() bool {
	return o.err == nil || !time.Now().Before(o.next)
}

// Outage says why the file cannot be written now, or nothing where it can.
func (j *Journal) Outage() error {
	var err error
	j.locked(func() { err = j.outage.err })
	return err
}

// flush writes what is staged, or keeps it for later.
func (j *Journal) flush() {
	err := j.write()
	if damaged(err) {
		j.replace(err)
		err = j.write()
	}
	if err != nil {
		j.fail(err)
		return
	}
	j.recover()
}

// write writes what is staged, all of it or nothing.
func (j *Journal) write() error {
	if err := j.reopen(); err != nil {
		return err
	}
	if j.staged.empty() {
		return nil
	}
	if err := j.db.write(&j.staged); err != nil {
		return fmt.Errorf("write journal %s: %w", j.path, err)
	}
	j.staged = newStaged()
	return nil
}

// reopen opens the file to write if it is not. As long as that cannot be done it
// is read.
func (j *Journal) reopen() error {
	if j.db != nil && !j.db.readOnly {
		return nil
	}
	if err := j.open(); err != nil {
		if j.db == nil {
			_ = j.standIn()
		}
		return err
	}
	if j.late != nil {
		close(j.late)
		j.late = nil
	}
	return nil
}

// beginWithout begins with an outage.
func (j *Journal) beginWithout(err error) {
	if info, missing := os.Stat(j.path); j.standIn() != nil && missing == nil && info.Size() > 0 {
		j.late = make(chan struct{})
		err = fmt.Errorf("%w; what it has of before is not known until then", err)
	}
	j.fail(err)
}

// fail notes that the file cannot be used for the time being.
func (j *Journal) fail(err error) {
	if j.outage.err == nil {
		j.outage.again.Reset()
		j.events = append(j.events, Event{
			Code: OutageBegan,
			Text: "nothing that happens now would survive a restart, while bans go on: " + err.Error(),
			Cure: "make the file system of " + j.path + " writable and give it room; then all is written",
		})
	}
	j.outage.err = err
	j.outage.dropped += j.staged.trim(j.maxStaged)
	j.outage.next = time.Now().Add(j.outage.again.Next())
}

// recover notes that everything is written.
func (j *Journal) recover() {
	if j.outage.err == nil {
		return
	}
	text := "everything is written to " + j.path + " again"
	if n := j.outage.dropped; n > 0 {
		text += fmt.Sprintf(", but for the %d oldest records, which memory could not hold", n)
	}
	j.events = append(j.events, Event{Code: OutageEnded, Text: text})
	j.outage = outage{}
}

// suspect looks at the error of a read whose caller has no use for it.
func (j *Journal) suspect(err error) {
	if err != nil && !damaged(err) {
		j.fail(err)
	}
}

// replace sets the damaged file aside; the next write begins a new one.
func (j *Journal) replace(cause error) {
	j.closeFile()
	aside, err := setAside(j.path, time.Now())
	if err != nil {
		j.fail(err)
		return
	}
	j.events = append(j.events, Event{
		Code: Damaged,
		Text: fmt.Sprintf("the journal was damaged (%v): a new one is begun, the old one is %s", cause, aside),
		Cure: "check the disk; sqlite3 " + aside + " .recover shows what can still be read",
	})
}

// damaged says whether an error means that the file is no sound database.
func damaged(err error) bool {
	code := resultCode(err)
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB || errors.Is(err, errUnsound)
}

// passing says whether an error is about the disk or a lock, and may pass.
func passing(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return resultCode(err) != sqlite3.SQLITE_OK
}

// resultCode is SQLite's primary result code, or SQLITE_OK for other errors.
func resultCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return sqlite3.SQLITE_OK
}
