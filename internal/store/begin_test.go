package store

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	sqlite3 "modernc.org/sqlite/lib"

	"odooban/banner"
)

// readOnly makes a disk read-only, and returns what undoes that.
func readOnly(t *testing.T, folder string) (undo func()) {
	t.Helper()
	if err := unix.Mount("", folder, "", unix.MS_REMOUNT|unix.MS_RDONLY, "mode=700"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Mount("", folder, "", unix.MS_REMOUNT, "mode=700"); err != nil {
			t.Fatal(err)
		}
	}
}

// filled makes a journal at path with something of everything, as a stop leaves
// it, or a crash, after which these files are beside it.
func filled(t *testing.T, path string, crash ...string) {
	t.Helper()
	from := path
	if len(crash) > 0 {
		from = tempPath(t)
	}
	j := open(t, from, Options{})
	record(j, "odoo.log", "1", failures(0, 5)...)
	j.Update(func(tx *Tx) {
		tx.Ban(ban("203.0.113.1/32", 0))
		tx.Pardon(netip.MustParsePrefix("203.0.113.2/32"), noon)
	})
	for _, suffix := range crash {
		content, err := os.ReadFile(from + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestAJournalIsKnownWhereItCannotBeWritten from the start: its bans, pardons and
// positions hold, and what comes is added to them when the disk is better.
func TestAJournalIsKnownWhereItCannotBeWritten(t *testing.T) {
	for _, tt := range []struct {
		name  string
		crash []string
		spoil func(*testing.T, string) func()
	}{
		{"full", nil, fill},
		{"read-only", nil, readOnly},
		{"full, after a crash", []string{"", "-wal", "-shm"}, fill},
		{"read-only, after a crash", []string{"", "-wal", "-shm"}, readOnly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := smallDisk(t)
			path := filepath.Join(folder, "odooban.db")
			filled(t, path, tt.crash...)
			mend := tt.spoil(t, folder)
			var told codes
			j := open(t, path, Options{Tell: told.tell})
			if j.Late() != nil {
				t.Error("it could not be read")
			}
			check := func(want int) {
				t.Helper()
				bans, err := j.Bans(noon)
				if diff := cmp.Diff([]banner.Ban{ban("203.0.113.1/32", 0)}, bans, equal); err != nil || diff != "" {
					t.Errorf("bans: %v (-want +got):\n%s", err, diff)
				}
				if got := all(t, j); len(got) != want {
					t.Errorf("%d failures count, want %d", len(got), want)
				}
			}
			check(4)
			if got := position(t, j, "odoo.log"); got != "1" {
				t.Errorf("position is %q", got)
			}
			if err := j.Prune(t.Context(), noon, turn); err != nil && resultCode(err) != sqlite3.SQLITE_FULL {
				t.Errorf("prune: %v", err)
			}
			if fresh := record(j, "odoo.log", "2", failures(0, 300)...); len(fresh) != 295 {
				t.Errorf("%d of 300 failures are new", len(fresh))
			}
			j.outage.next = time.Time{}
			record(j, "odoo.log", "3", failures(300, 301)...)
			check(300)
			mend()
			j.outage.next = time.Time{}
			record(j, "odoo.log", "4", failures(300, 302)...)
			if diff := cmp.Diff(codes{OutageBegan, OutageEnded}, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			for _, state := range []string{"mended", "opened again"} {
				if check(301); position(t, j, "odoo.log") != "4" {
					t.Errorf("%s: position is %q", state, position(t, j, "odoo.log"))
				}
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = open(t, path, Options{})
			}
		})
	}
}

// TestAJournalThatCannotEvenBeRead: on a read-only disk SQLite cannot have what
// only the WAL has, unless the index to it is there. That is said, and when it
// is open.
func TestAJournalThatCannotEvenBeRead(t *testing.T) {
	folder := smallDisk(t)
	path := filepath.Join(folder, "odooban.db")
	filled(t, path, "", "-wal")
	mend := readOnly(t, folder)
	var told codes
	j := open(t, path, Options{Tell: told.tell})
	late := j.Late()
	if late == nil {
		t.Fatal("it was read")
	}
	if bans, err := j.Bans(noon); err != nil || len(bans) != 0 {
		t.Errorf("bans: %v, %v", bans, err)
	}
	mend()
	j.outage.next = time.Time{}
	record(j, "odoo.log", "2")
	<-late
	if j.Late() != nil {
		t.Error("it is said to be late again")
	}
	if bans, err := j.Bans(noon); err != nil || len(bans) != 1 {
		t.Errorf("bans: %v, %v", bans, err)
	}
	if diff := cmp.Diff(codes{OutageBegan, OutageEnded}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
