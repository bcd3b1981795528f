package tailfile

import (
	"fmt"
	"os"
	"time"

	"github.com/nxadm/tail"
	"github.com/nxadm/tail/watch"
	"golang.org/x/sys/unix"

	"odooban/watcher/lines"
)

// tailing is nxadm/tail on one open generation. It brings a line within
// microseconds of its writing; whether the line counts is not for it to say.
//
// It gets the descriptor by its name in /proc, so that it knows nothing of
// paths and rotation: it opens the very file we hold, ends when that file is
// renamed, and goes on as if nothing was when it is deleted.
type tailing struct {
	tail *tail.Tail
	name string
	poll bool
}

// startTailing follows f from offset. With poll it looks every 250 ms instead
// of using inotify.
func startTailing(f *os.File, offset int64, poll bool) (*tailing, error) {
	return tailName(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), offset, poll)
}

func tailName(name string, offset int64, poll bool) (*tailing, error) {
	fatal()
	if !poll {
		if err := tracker(); err != nil {
			return nil, err
		}
	}
	t, err := tail.TailFile(name, tail.Config{
		Location:      &tail.SeekInfo{Offset: offset},
		MustExist:     true,
		Follow:        true,
		CompleteLines: true,
		Poll:          poll,
		Logger:        tail.DiscardingLogger,
	})
	if err != nil {
		return nil, fmt.Errorf("tail %s: %w", name, err)
	}
	return &tailing{tail: t, name: name, poll: poll}, nil
}

// tailer lets tails, one after the other, follow the current file.
type tailer struct {
	*tailing // nil if there is none
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
	if t.tailing != nil || time.Since(t.began) < quickPace || g.lines.Open > lines.Longest {
		return nil
	}
	t.began = time.Now()
	err := t.check()
	one, failed := startTailing(g.File.File, g.offset(), t.poll)
	if failed != nil {
		t.poll = true
		return failed
	}
	t.tailing = one
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
	if err := t.tailing.stop(); err != nil {
		t.poll = true
	}
	t.tailing = nil
}

// lines is where the lines come from. It is closed when the tail has ended by
// itself, and never has anything for a nil tailing.
func (t *tailing) lines() <-chan *tail.Line {
	if t == nil {
		return nil
	}
	return t.tail.Lines
}

// stop ends the tail, and gives the error that it had ended with before.
//
// The tail gives its inotify watch back some time after it has ended, by the
// name of the descriptor. Another one started on that name in between would
// lose its own watch, so stop waits until that is done; the channel of the
// watch is closed then. (Its Cleanup would give the watch back twice, after
// which that name is never watched again.)
func (t *tailing) stop() error {
	if t == nil {
		return nil
	}
	err := t.tail.Stop()
	if t.poll || err != nil {
		// One that could not watch has a channel that nobody closes.
		return err
	}
	if events := watch.Events(t.name); events != nil {
		for range events {
		}
	}
	return err
}

// lineStart is where line began in its file: the offset that tail gives is
// the one behind its end, and it takes off one byte.
func lineStart(line *tail.Line) int64 {
	return line.SeekInfo.Offset - int64(len(line.Text)) - 1
}

// probeInotify reports whether inotify can be used. It has to be known before
// tail finds out: that can be too late, see guard. Two instances are asked for:
// one is for tail, the other for somebody who comes between.
func probeInotify() error {
	var held []int
	defer func() {
		for _, fd := range held {
			unix.Close(fd)
		}
	}()
	for range 2 {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if err != nil {
			return fmt.Errorf("use inotify: %w; files are looked at four times a second instead "+
				"(raise fs.inotify.max_user_instances and reload odooban to have lines at once)", err)
		}
		held = append(held, fd)
	}
	return nil
}
