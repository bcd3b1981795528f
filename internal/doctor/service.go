package doctor

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// serviceUser is the user whom the service runs as.
type serviceUser struct {
	name     string
	uid, gid int
	groups   []uint32
}

// serviceUser returns whom the service runs as, if it is not root and may not
// read everything.
func (x *facts) serviceUser() (serviceUser, bool) {
	unit := x.unit
	if unit["User"] == "" || strings.Contains(unit["AmbientCapabilities"], "CAP_DAC") {
		return serviceUser{}, false
	}
	u := serviceUser{name: unit["User"]}
	fields := x.root().entry("/etc/passwd", u.name, 7)
	if fields == nil {
		return u, false
	}
	u.uid, _ = strconv.Atoi(fields[2])
	u.gid, _ = strconv.Atoi(fields[3])
	u.groups = x.root().groupsOf(u.name, strings.Fields(unit["SupplementaryGroups"]))
	return u, u.uid != 0
}

// entry returns the fields of a line of a file like /etc/passwd.
func (x root) entry(file, name string, fields int) []string {
	text, err := readSmall(x.path(file))
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(text) {
		all := strings.Split(strings.TrimSpace(string(line)), ":")
		if all[0] == name && len(all) == fields {
			return all
		}
	}
	return nil
}

// groupsOf returns the groups that a user is in, and those named.
func (x root) groupsOf(user string, named []string) (ids []uint32) {
	text, err := readSmall(x.path("/etc/group"))
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(text) {
		all := strings.Split(strings.TrimSpace(string(line)), ":")
		if len(all) != 4 {
			continue
		}
		id, err := strconv.ParseUint(all[2], 10, 32)
		if err == nil && (slices.Contains(named, all[0]) || slices.Contains(strings.Split(all[3], ","), user)) {
			ids = append(ids, uint32(id))
		}
	}
	return ids
}

// open reports whether the user may open a file to read: it tries. Only root can
// find out.
func (u serviceUser) open(path string) error {
	done := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and who it was for
		// the file system with it.
		runtime.LockOSThread()
		if err := u.become(); err != nil {
			done <- nil
			return
		}
		file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			file.Close()
		}
		done <- err
	}()
	return <-done
}

// become makes the calling thread, and no other, the user for the file system.
func (u serviceUser) become() error {
	ids := append([]uint32{uint32(u.gid)}, u.groups...)
	// The standard library does this for all threads or none.
	pointer := uintptr(unsafe.Pointer(&ids[0])) //nolint:gosec // the kernel reads the groups there
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETGROUPS, uintptr(len(ids)), pointer, 0); errno != 0 {
		return fmt.Errorf("set groups: %w", errno)
	}
	runtime.KeepAlive(ids)
	const ask = -1
	for _, set := range []struct {
		id   int
		call func(int) (int, error)
	}{{u.gid, unix.SetfsgidRetGid}, {u.uid, unix.SetfsuidRetUid}} {
		if _, err := set.call(set.id); err != nil {
			return err
		}
		if now, err := set.call(ask); now != set.id || err != nil {
			return fmt.Errorf("become user %s: %w", u.name, syscall.EPERM)
		}
	}
	return nil
}
