// Package groupsocket listens at unix sockets that root, this process's user and
// the group odooban may open, and nobody else.
//
// It promises that there is no moment in which others could open one, and that
// only a socket nobody listens at is replaced.
package groupsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// group may open the socket, besides root and the daemon's own user.
const group = "odooban"

// LongestPath is how long the path of a socket can be, in bytes: what sun_path of
// unix(7) holds, without the zero at its end. LongestFolder is how long that of its
// folder can be, as it is made in a folder of our own in there.
const (
	LongestPath   = 107
	LongestFolder = LongestPath - len("/"+private+"4294967295/"+inside)
)

// private is what our own folder is called, before a number of 32 bits, and inside
// what the socket in it is.
const (
	private = ".o"
	inside  = "s"
)

// socket is a listener, and the name it can be found by until it is closed.
type socket struct {
	*net.UnixListener
	path string
	made fs.FileInfo
	lock *os.File
}

// ErrTaken says that somebody listens at the path.
var ErrTaken = errors.New("somebody else listens there")

// Listen makes the socket at path, and its folder if need be. It is given to the
// group odooban if there is one and we may give it away; else it is our own
// group's. A socket that a dead process left is replaced, that of a living one
// (ErrTaken) and other files are not.
func Listen(path string) (net.Listener, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // others must get to the socket
		return nil, err
	}
	lock, err := claim(path)
	if err != nil {
		return nil, err
	}
	s := &socket{path: path, lock: lock}
	// It has its name only once it has its rights.
	if err := s.open(dir); err != nil {
		lock.Close()
		return nil, err
	}
	return s, nil
}

// claim makes sure that path is ours: it holds a lock as long as the process
// lives, and nobody listens there.
func claim(path string) (*os.File, error) {
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || err == nil && alive(path) {
		err = fmt.Errorf("%s: %w", path, ErrTaken)
	}
	if err == nil {
		err = stale(path)
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// Held reports whether a living process has claimed path, whether or not the socket
// is still there; false where that cannot be seen.
func Held(path string) bool {
	lock, err := os.OpenFile(path+".lock", os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer lock.Close()
	return errors.Is(unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// alive reports whether somebody listens at path.
func alive(path string) bool {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return true
	}
	return !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist)
}

// stale checks that nothing but a socket would be replaced.
func stale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.Mode().Type() != fs.ModeSocket {
		err = fmt.Errorf("%s is there and is no socket", path)
	}
	return err
}

// open makes the socket in a folder of our own and moves it to its place.
func (s *socket) open(dir string) error {
	ours, err := os.MkdirTemp(dir, private)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(ours) }()
	made := filepath.Join(ours, inside)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return err
	}
	listener.SetUnlinkOnClose(false)
	if err := s.place(made); err != nil {
		_ = listener.Close()
		return err
	}
	s.UnixListener = listener
	return nil
}

func (s *socket) place(made string) error {
	if gid, ok := groupID(); ok {
		// Without the right to give it away it stays our own group's.
		_ = os.Chown(made, -1, gid)
	}
	if err := os.Chmod(made, 0o660); err != nil { //nolint:gosec // the group may open it
		return err
	}
	info, err := os.Lstat(made)
	if err != nil {
		return err
	}
	s.made = info
	return os.Rename(made, s.path)
}

func groupID() (int, bool) {
	g, err := user.LookupGroup(group)
	if err != nil {
		return 0, false
	}
	gid, err := strconv.Atoi(g.Gid)
	return gid, err == nil
}

// Close ends listening, and takes the socket away if it is still ours.
func (s *socket) Close() error {
	if info, err := os.Lstat(s.path); err == nil && os.SameFile(info, s.made) {
		_ = os.Remove(s.path)
	}
	err := s.UnixListener.Close()
	s.lock.Close()
	return err
}
