package doctor

import (
	"context"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"odooban/internal/checkup"
	"odooban/internal/finding"
)

// checkJournal looks whether the journal would survive a restart of the host or
// the container.
func checkJournal(x *facts, r *checkup.Report) {
	if dir, kind := x.volatile[0], x.volatile[1]; kind != "" {
		r.Find(finding.JournalVolatile, x.Config.Journal.Path, fmt.Sprintf("%s is on %s", dir, kind), "")
	}
}

// gatherJournal looks what the journal's folder is on.
func gatherJournal(_ context.Context, x *facts, _ *checkup.Report) error {
	dir := filepath.Dir(x.path(x.Config.Journal.Path))
	var fs unix.Statfs_t
	for unix.Statfs(dir, &fs) != nil && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir) // the daemon makes what is missing
	}
	x.volatile = [2]string{dir, volatile(fs.Type)}
	return nil
}

// volatile names a file system that is lost at a restart.
func volatile(kind int64) string {
	switch kind {
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		return "a file system in memory"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "the container's own layer, which goes with the container"
	}
	return ""
}
