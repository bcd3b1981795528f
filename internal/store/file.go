package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A damaged file's name says when it was set aside; maxAside of them are kept.
const (
	asideInfix = ".damaged-"
	asideTime  = "20060102T150405.000"
	maxAside   = 3
)

// open opens the file to write, setting a damaged one aside. After an error
// nothing more is open than before.
func (j *Journal) open() error {
	if j.folder == nil {
		folder, err := lockFolder(filepath.Dir(j.path))
		if err != nil {
			return err
		}
		j.folder = folder
	}
	err := j.openFile()
	if damaged(err) {
		j.replace(err)
		err = j.openFile()
	}
	if err != nil {
		return fmt.Errorf("open journal %s: %w", j.path, err)
	}
	return nil
}

func (j *Journal) openFile() error {
	if err := claimFile(j.path); err != nil {
		return err
	}
	// SQLite lets both share what is beside the file, as the first one has opened it.
	j.closeFile()
	db, err := openDatabase(j.path)
	if err == nil {
		j.db = db
	}
	return err
}

// lockFolder makes the folder if need be, and takes it for this process. The
// lock is not on the file because SQLite's own locks there would be lost as soon
// as this process closes any descriptor of it.
func lockFolder(path string) (*os.File, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make folder for the journal: %w", err)
	}
	folder, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open folder of the journal: %w", err)
	}
	if err := checkFolder(folder); err != nil {
		folder.Close()
		return nil, err
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		folder.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("folder %s is in use by another odooban: ask that one (odooban status), "+
				"let it read its configuration again (systemctl reload odooban), or try beside it: odooban run --dry-run", path)
		}
		return nil, fmt.Errorf("lock folder %s: %w", path, err)
	}
	return folder, nil
}

// checkFolder refuses a folder in which others could replace our file.
func checkFolder(folder *os.File) error {
	info, err := folder.Stat()
	if err != nil {
		return fmt.Errorf("look at folder of the journal: %w", err)
	}
	owner := ownerOf(info)
	if owner != 0 && owner != os.Geteuid() {
		return fmt.Errorf("folder %[1]s belongs to user %[2]d, who could replace the journal: chown %[3]d %[1]s",
			folder.Name(), owner, os.Geteuid())
	}
	return checkMode(folder.Name(), info)
}

// CheckFolder says, without opening it, whether the journal at path has a folder
// that its owner alone may write to, as Open demands. Open makes one that is
// missing, so that is no error.
func CheckFolder(path string) error {
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	if err != nil {
		return nil //nolint:nilerr // what cannot be seen is not taken for wrong
	}
	return checkMode(folder, info)
}

// checkMode refuses a folder that others than its owner may write to.
func checkMode(folder string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others may write to folder %[1]s and could replace the journal: "+
			"chmod go-w %[1]s, or give the journal a folder of its own", folder)
	}
	return nil
}

// claimFile makes an empty file if there is none, and refuses one that is not
// ours alone.
func claimFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return file.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is no regular file: move it away, or give the journal another path")
	case ownerOf(info) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d: chown %d %s", ownerOf(info), os.Geteuid(), path)
	case info.Mode().Perm() != 0o600:
		return os.Chmod(path, 0o600)
	}
	return unix.Access(path, unix.W_OK) // else SQLite opens it all the same, to read
}

func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// setAside renames a damaged file, with what SQLite keeps beside it, and returns
// its new path. Of earlier ones it leaves the newest.
func setAside(path string, now time.Time) (string, error) {
	aside := path + asideInfix + now.UTC().Format(asideTime)
	// The file itself is last: until then the next start does it again.
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("set damaged journal aside: %w", err)
		}
	}
	removeOldest(path)
	return aside, nil
}

// removeOldest leaves the newest of the damaged files. One that cannot be
// removed only costs room.
func removeOldest(path string) {
	aside := damagedFiles(path)
	for _, old := range aside[:max(0, len(aside)-maxAside)] {
		for _, suffix := range []string{"-wal", "-shm", ""} {
			_ = os.Remove(old + suffix)
		}
	}
}

// damagedFiles lists what was set aside, oldest first.
func damagedFiles(path string) []string {
	prefix := filepath.Base(path) + asideInfix
	entries, _ := os.ReadDir(filepath.Dir(path)) // sorted by name
	var files []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && len(e.Name()) == len(prefix)+len(asideTime) {
			files = append(files, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	return files
}
