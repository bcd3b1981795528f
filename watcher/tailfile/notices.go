package tailfile

import (
	"path/filepath"
	"slices"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// notices tells when names in a directory, or a file in it, have changed. It
// is a help only: whoever listens looks by itself now and then as well, since
// a notice may be missing for many reasons (inotify is not to be had, the
// directory was replaced, the file system is a remote one).
type notices struct {
	watcher *fsnotify.Watcher // nil when inotify is not to be had
	ended   chan struct{}

	mu        sync.Mutex
	listeners map[*listener]struct{}
}

// listener is told about directories and the file path.
type listener struct {
	path string
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

// listen makes a listener to names coming and going in dirs, and to writes to
// path, which may be empty.
func (n *notices) listen(path string, dirs ...string) *listener {
	l := &listener{path: path, dirs: dirs, wake: make(chan struct{}, 1)}
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
	names := event.Has(fsnotify.Create | fsnotify.Rename | fsnotify.Remove)
	dir := filepath.Dir(event.Name)
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range n.listeners {
		if l.path != event.Name && (!names || !slices.Contains(l.dirs, dir)) {
			continue
		}
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}
