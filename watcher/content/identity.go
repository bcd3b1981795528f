package content

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Identity tells one generation of a file from every other. Inode numbers are
// used again as soon as a file is deleted, often by its very successor, so the
// birth time belongs to it.
type Identity struct {
	Dev, Ino uint64
	// Born is in nanoseconds since 1970; zero where the file system does not
	// keep it.
	Born int64
}

// IdentifyPath identifies what path names now, through symbolic links.
func IdentifyPath(path string) (Identity, error) {
	return statx(unix.AT_FDCWD, path, 0)
}

// IdentifyFile identifies what was opened.
func IdentifyFile(f *os.File) (Identity, error) {
	return statx(int(f.Fd()), "", unix.AT_EMPTY_PATH)
}

func statx(fd int, path string, flags int) (Identity, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, path, flags, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return Identity{}, err
	}
	id := Identity{Dev: unix.Mkdev(st.Dev_major, st.Dev_minor), Ino: st.Ino}
	if st.Mask&unix.STATX_BTIME != 0 {
		id.Born = st.Btime.Sec*int64(time.Second) + int64(st.Btime.Nsec)
	}
	return id, nil
}

// BornAt is when the file was created; the zero time where that is not known.
func (id Identity) BornAt() time.Time {
	if id.Born == 0 {
		return time.Time{}
	}
	return time.Unix(0, id.Born)
}

var errNotFile = errors.New("not a file")

// Open opens a file that is one. Opening does not wait for the other
// end if it turns out to be a pipe.
func Open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: errNotFile}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Explain says to people why path cannot be read, and what to do.
func Explain(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read %s: %w yet; it is read as soon as it does (or correct the path)", path, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("read %s: %w; add the service's user to the group that may read it", path, fs.ErrPermission)
	case errors.Is(err, errNotFile):
		return fmt.Errorf("read %s: %w; name the log file itself", path, errNotFile)
	}
	return fmt.Errorf("read %s: %w", path, err)
}
