// Package store keeps the daemon's state: the failures that were counted, the
// bans they led to, and the positions up to which the sources were read, in one
// SQLite file, the journal.
//
// What one Update records is written in one transaction. However the process
// ends, the file holds either all of an Update or nothing of it, so that a
// position is never ahead of its failures nor behind them; and a failure that is
// read again is known again, by its place or, where that has changed, by its
// content. Nothing is lost, and nothing counts twice.
//
// Bans are more urgent than their record: no trouble with the disk stops an
// Update. What cannot be written is kept in memory and written when that is
// possible again; a damaged file is set aside and a new one begun. Both are told,
// once each. Only what is more than memory takes is lost, oldest first: it was
// acted on, and its positions are kept, so it is not read again.
//
// docs/journal.md describes the file for people.
package store

import (
	"os"
	"sync"
	"time"

	"odooban/banner"
	"odooban/internal/once"
	"odooban/rules"
)

// Failure is a failure as the journal knows it. Source, Place and Rule identify
// it: a line has the same place when it is read again. Where it comes by another
// way, its content does; see package once.
type Failure struct {
	rules.Failure
	Source string
}

// Ban is a ban as the journal knows it.
type Ban struct {
	banner.Ban
	// Lifted is when people ended the ban early, or zero.
	Lifted time.Time
}

// Options are the choices for a Journal; the zero value is ready.
type Options struct {
	// MaxAge is how long failures, bans that are over, and sources that nothing
	// comes from are kept; 30 days if it is zero.
	MaxAge time.Duration
	// MaxRows is how many failures, and how many bans, are kept at most; a
	// million if it is zero. A failure takes about 200 bytes of disk.
	MaxRows int
	// Tell, if not nil, is called with each Event in the goroutine and before
	// the end of the method that met it. The Journal holds no lock then; the
	// caller of that method may.
	Tell func(Event)
}

func (o Options) withDefaults() Options {
	if o.MaxAge == 0 {
		o.MaxAge = 30 * 24 * time.Hour
	}
	if o.MaxRows == 0 {
		o.MaxRows = 1_000_000
	}
	if o.Tell == nil {
		o.Tell = func(Event) {}
	}
	return o
}

// Journal is an open journal. It is safe for concurrent use.
type Journal struct {
	path      string
	opts      Options
	maxStaged int
	reading   bool // and never writing

	mu     sync.Mutex
	folder *os.File  // the locked folder of the file; nil until it could be had
	db     *database // nil while the file cannot be opened, not even to read
	// late is closed when a file of which nothing was known is open; nil for none.
	late    chan struct{}
	staged  staged
	reached map[generation]reach
	counted counted
	outage  outage
	events  []Event
}

// Open opens the journal at path, or begins one: a file of mode 0600, in a
// folder of mode 0700 if that has to be made, too. The folder belongs to one
// Journal at a time.
//
// A damaged file is set aside. A disk that is full, read-only or broken is no
// error either: the Journal tells it, answers from the file if that can be read,
// see Late, and keeps in memory what comes until it can be written. It is an
// error when the file is not ours to write, or was written by a newer odooban.
func Open(path string, opts Options) (*Journal, error) {
	j := &Journal{
		path: path, opts: opts.withDefaults(), maxStaged: maxStaged, staged: newStaged(), reached: make(map[generation]reach),
		counted: counted{Set: once.New(once.Most)},
	}
	var err error
	j.locked(func() {
		if err = j.open(); passing(err) {
			j.beginWithout(err)
			err = nil
		}
	})
	if err != nil {
		j.release()
		return nil, err
	}
	return j, nil
}

// Late returns a channel that is closed when the file is open at last, if it
// could not even be read so far: until then a Journal answers as if nothing had
// been in it. It returns nil where all is known.
func (j *Journal) Late() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.late
}

// Close writes what is still to be written, and lets go of the file. The error
// says what could not be written. The Journal must not be used any more.
func (j *Journal) Close() error {
	var err error
	j.locked(func() {
		j.flush()
		err = j.outage.err
		j.release()
	})
	return err
}

// release closes what is open.
func (j *Journal) release() {
	j.closeFile()
	if j.folder != nil {
		j.folder.Close()
		j.folder = nil
	}
}

func (j *Journal) closeFile() {
	if j.db != nil {
		j.db.close()
		j.db = nil
	}
}

// locked runs f under the lock, and tells what f met after it.
func (j *Journal) locked(f func()) {
	var events []Event
	func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		f()
		events, j.events = j.events, nil
	}()
	for _, e := range events {
		j.opts.Tell(e)
	}
}
