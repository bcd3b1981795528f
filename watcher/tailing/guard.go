package tailing

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"sync"

	"github.com/nxadm/tail/util"
	"github.com/nxadm/tail/watch"
)

// nxadm/tail ends the process in four places, all through util.Fatal, which
// writes a message to util.LOGGER and then calls os.Exit:
//
//  1. InotifyTracker.run, when the first tail of the process wants inotify and
//     no instance is to be had (too many of the user's are open, or too many
//     files). Probing beforehand narrows the gap and cannot close it.
//  2. InotifyFileWatcher.ChangeEvents, when a stat after a write fails with
//     anything but "not exist": ESTALE, EIO.
//  3. PollingFileWatcher.ChangeEvents, when a stat fails likewise.
//  4. TailFile with ReOpen and without Follow, which is not how it is called.
//
// The message is the one thing between the first three and os.Exit, and each
// stands in a goroutine of tail's own, with nothing after it. So the message
// is written to a guard that ends the goroutine, and no more: os.Exit is never
// reached. What the goroutine leaves behind is put in order here.
//
// Its fifth and last end, a nil dereference where a watch is asked for before
// the tracker was made, is closed by tracker.

// guard takes the last words of tail's goroutines.
type guard struct {
	// dead is closed when the tracker of watches could not be made.
	dead chan struct{}
	once sync.Once
}

// Write ends the goroutine that calls it.
func (g *guard) Write(message []byte) (int, error) {
	const stat = "Failed to stat file "
	_, rest, ok := strings.Cut(string(message), stat)
	switch {
	case bytes.Contains(message, []byte("failed to create Watcher")):
		g.once.Do(func() { close(g.dead) })
	case ok:
		name, _, _ := strings.Cut(rest, ": ")
		go abandon(name)
	}
	runtime.Goexit()
	return len(message), nil
}

// abandon gives back the watch of a goroutine that ended without doing so. The
// tracker would wait for it for ever otherwise, and all tails with it. A name
// that was polled has no watch.
func abandon(name string) {
	if tracker() == nil && watch.Events(name) != nil {
		_ = watch.RemoveWatch(name)
	}
}

// fatal guards the process, once and for all: tail's logger is one for the
// whole process, and so is its tracker.
var fatal = sync.OnceValue(func() *guard {
	g := &guard{dead: make(chan struct{})}
	util.LOGGER.SetOutput(g)
	return g
})

var errNoTracker = errors.New("use inotify: none was to be had when it was first needed; " +
	"files are looked at four times a second instead (raise fs.inotify.max_user_instances and restart)")

// tracker makes tail's tracker of watches, and reports whether there is one.
// Taking back a watch that nobody has makes it and does nothing else. When it
// cannot be made that call never returns, and whoever asks it for a watch
// waits for ever; so tails have to poll, as long as the process lives.
var tracker = sync.OnceValue(func() error {
	g := fatal()
	made := make(chan struct{})
	go func() {
		_ = watch.RemoveWatch(".")
		close(made)
	}()
	select {
	case <-made:
		return nil
	case <-g.dead:
		return errNoTracker
	}
})
