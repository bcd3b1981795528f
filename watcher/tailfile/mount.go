package tailfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"odooban/watcher/rotated"
)

// A file may be mounted by itself, as Docker does with "-v ./odoo.log:/log/odoo.log".
// The mount stays with the file: when that is renamed outside, the path goes on to name
// it, and nobody inside ever sees the one that takes its place.

// mount is what a file that is mounted by itself was called outside.
type mount struct{ path, name string }

// rotated says so when the file is mounted by itself and was rotated outside.
func (m *mount) rotated() error {
	name := mountRoot(m.path)
	if name == "" {
		return nil
	}
	base := filepath.Base(name)
	removed := strings.HasSuffix(name, "//deleted") // as the kernel says it
	if !removed && (m.name == name || m.name == "" && !rotated.IsSibling(filepath.Base(m.path), base)) {
		m.name = name
		return nil
	}
	what := "renamed to " + base
	if removed {
		what = "removed"
	}
	return fmt.Errorf("read %s: it is mounted by itself, and was %s outside: lines that are written to the file in its "+
		"place cannot be seen here; mount its folder instead of the file, and start odooban again", m.path, what)
}

// mountRoot gives what the file at path is called in its own file system, if it is
// mounted by itself.
func mountRoot(path string) string {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_MNT_ID, &st)
	if err != nil || st.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0 || st.Mask&unix.STATX_MNT_ID == 0 {
		return ""
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	id := strconv.FormatUint(st.Mnt_id, 10)
	for line := range bytes.Lines(mounts) {
		// proc(5): the mount's number, its parent's, device, root, mount point...
		if fields := bytes.Fields(line); len(fields) > 4 && string(fields[0]) == id {
			return string(fields[3])
		}
	}
	return ""
}
