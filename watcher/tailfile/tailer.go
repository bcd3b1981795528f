package tailfile

import (
	"time"

	"github.com/nxadm/tail"

	"odooban/watcher/lines"
	"odooban/watcher/tailing"
)

// tailer lets tails, one after the other, follow the current file.
type tailer struct {
	tail *tailing.Tail // nil if there is none
	// probe reports whether inotify can be used, poll that it is not to be had.
	probe func() error
	poll  bool
	began time.Time // when a tail of the current file was last started
}

// start lets a tail follow g from where it has been read to. It is not started twice
// within quickPace, nor inside a line that is too long for it (it keeps all of it); the
// file is read at every look then. An error says that inotify cannot be used: the next
// one polls.
func (t *tailer) start(g *generation) error {
	if t.tail != nil || time.Since(t.began) < quickPace || g.lines.Open > lines.Longest {
		return nil
	}
	t.began = time.Now()
	err := t.check()
	one, failed := tailing.Start(g.File.File, g.offset(), t.poll)
	if failed != nil {
		t.poll = true
		return failed
	}
	t.tail = one
	return err
}

// check finds out whether inotify can be used, unless it could not before.
func (t *tailer) check() error {
	if t.poll {
		return nil
	}
	err := t.probe()
	t.poll = err != nil
	return err
}

// stop ends the tail, if there is one. One that ended with an error could not watch the
// file: the next one polls.
func (t *tailer) stop() {
	if err := t.tail.Stop(); err != nil {
		t.poll = true
	}
	t.tail = nil
}

// lines is where the lines come from, closed when the tail has ended by itself.
func (t *tailer) lines() <-chan *tail.Line { return t.tail.Lines() }
