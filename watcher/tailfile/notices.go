package tailfile

import (
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// notices tells when names in a directory have changed. It is a help only: whoever
// listens looks by itself now and then as well, since a notice may be missing for many
// reasons (inotify is not to be had, the directory was replaced, the file system is a
// remote one).
type notices struct {
	watcher *fsnotify.Watcher // nil when inotify is not to be had
	ended   chan struct{}

	mu        sync.Mutex
	listeners map[*listener]struct{}
}

// listener is told about directories.
type listener struct {
	dirs []string
	// wake holds one notice: several before it is taken are one.
	wake chan struct{}
}

// newNotices starts listening, which close ends.
func newNotices(inotify bool) *notices {
	n := &notices{ended: make(chan struct{}), listeners: map[*listener]struct{}{}}
	if inotify {
		n.watcher, _ = fsnotify.NewWatcher()
	}
	if n.watcher == nil {
		close(n.ended)
	} else {
		go n.run()
	}
	return n
}

func (n *notices) close() {
	if n.watcher != nil {
		n.watcher.Close()
	}
	<-n.ended
}

// listen makes a listener to names coming and going in dirs.
func (n *notices) listen(dirs ...string) *listener {
	l := &listener{dirs: dirs, wake: make(chan struct{}, 1)}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[l] = struct{}{}
	return l
}

// forget ends a listener.
func (n *notices) forget(l *listener) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.listeners, l)
}

// renew watches the listener's directories, and reports whether that could be
// done. It is called again and again, as a directory may come to exist, or be
// replaced by another.
func (n *notices) renew(l *listener) bool {
	if n.watcher == nil {
		return false
	}
	all := true
	for _, dir := range l.dirs {
		all = n.watcher.Add(dir) == nil && all
	}
	return all
}

func (n *notices) run() {
	defer close(n.ended)
	for {
		select {
		case event, ok := <-n.watcher.Events:
			if !ok {
				return
			}
			n.tell(event)
		case _, ok := <-n.watcher.Errors:
			if !ok {
				return
			}
		}
	}
}

func (n *notices) tell(event fsnotify.Event) {
	if !event.Has(fsnotify.Create | fsnotify.Rename | fsnotify.Remove) {
		return // what is written is for the tail to tell
	}
	dir := filepath.Dir(event.Name)
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range n.listeners {
		if !slices.Contains(l.dirs, dir) {
			continue
		}
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// wakeups are when a follower looks at its file without its tail: when names in its
// directory have changed, and now and then.
type wakeups struct {
	dir *notices
	// own says that dir is shared with nobody.
	own      bool
	listener *listener
	listens  bool
	look     *time.Timer
}

// newWakeups listens to names beside path, by shared unless that is nil.
func newWakeups(path string, shared *notices, inotify bool) wakeups {
	w := wakeups{dir: shared, own: shared == nil, look: time.NewTimer(0)}
	if w.own {
		w.dir = newNotices(inotify)
	}
	w.listener = w.dir.listen(filepath.Dir(path))
	return w
}

// names is told when names have changed.
func (w *wakeups) names() <-chan struct{} { return w.listener.wake }

// renew listens to the directory that there is now.
func (w *wakeups) renew() { w.listens = w.dir.renew(w.listener) }

func (w *wakeups) close() {
	w.look.Stop()
	w.dir.forget(w.listener)
	if w.own {
		w.dir.close()
	}
}
