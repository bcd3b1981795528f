// Package tailing lets nxadm/tail follow an open file without ever ending the process, which
// that does in four places.
package tailing

import (
	"fmt"
	"os"

	"github.com/nxadm/tail"
	"github.com/nxadm/tail/watch"
	"golang.org/x/sys/unix"
)

// Tail is nxadm/tail on one open generation. It brings a line within
// microseconds of its writing; whether the line counts is not for it to say.
//
// It gets the descriptor by its name in /proc, so that it knows nothing of
// paths and rotation: it opens the very file we hold, ends when that file is
// renamed, and goes on as if nothing was when it is deleted.
type Tail struct {
	tail *tail.Tail
	name string
	poll bool
}

// Start follows f from offset. With poll it looks every 250 ms instead
// of using inotify.
func Start(f *os.File, offset int64, poll bool) (*Tail, error) {
	return tailName(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), offset, poll)
}

func tailName(name string, offset int64, poll bool) (*Tail, error) {
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
	return &Tail{tail: t, name: name, poll: poll}, nil
}

// Lines is where the lines come from. It is closed when the tail has ended by
// itself, and never has anything for a nil Tail.
func (t *Tail) Lines() <-chan *tail.Line {
	if t == nil {
		return nil
	}
	return t.tail.Lines
}

// Stop ends the tail, and gives the error that it had ended with before.
//
// The tail gives its inotify watch back some time after it has ended, by the
// name of the descriptor. Another one started on that name in between would
// lose its own watch, so Stop waits until that is done; the channel of the
// watch is closed then. (Its Cleanup would give the watch back twice, after
// which that name is never watched again.)
func (t *Tail) Stop() error {
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

// LineStart is where line began in its file: the offset that tail gives is
// the one behind its end, and it takes off one byte.
func LineStart(line *tail.Line) int64 {
	return line.SeekInfo.Offset - int64(len(line.Text)) - 1
}

// Probe reports whether inotify can be used. It has to be known before
// tail finds out: that can be too late, see guard. Two instances are asked for:
// one is for tail, the other for somebody who comes between.
func Probe() error {
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
