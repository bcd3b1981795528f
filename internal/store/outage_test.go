package store

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"odooban/banner"
	"odooban/internal/testrequire"
)

// smallDisk mounts a disk of 2 MB, and returns its folder.
func smallDisk(t *testing.T) string {
	t.Helper()
	testrequire.Root(t)
	folder := t.TempDir()
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=2m,mode=700"); err != nil {
		testrequire.Skip(t, "cannot mount a tmpfs: "+err.Error())
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// fill takes all room of a disk, and returns what gives it back.
func fill(t *testing.T, folder string) (free func()) {
	t.Helper()
	path := filepath.Join(folder, "full")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, size := range []int{64 << 10, 4 << 10, 1} {
		for err == nil {
			_, err = file.Write(make([]byte, size))
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAFullDiskStopsNothing fills the disk while failures and bans come, and
// gives room again. Meanwhile and after it nothing is missing, nor twice.
func TestAFullDiskStopsNothing(t *testing.T) {
	folder := smallDisk(t)
	path := filepath.Join(folder, "odooban.db")
	var told codes
	j := open(t, path, Options{Tell: told.tell})
	record(j, "odoo.log", "before", failures(0, 10)...)
	j.Update(func(tx *Tx) { tx.Ban(ban("203.0.113.1/32", 0)) })

	free := fill(t, folder)
	// The WAL has room of its own for a while.
	n := 10
	for ; len(told) == 0 && n < 100_000; n += 100 {
		if fresh := record(j, "odoo.log", fmt.Sprint(n), failures(n, n+100)...); len(fresh) != 100 {
			t.Fatalf("%d of 100 failures are new", len(fresh))
		}
	}
	if diff := cmp.Diff(codes{OutageBegan}, told); diff != "" {
		t.Fatalf("told (-want +got):\n%s", diff)
	}
	j.Update(func(tx *Tx) {
		tx.Ban(ban("203.0.113.2/32", 1))
		tx.Lift(netip.MustParsePrefix("203.0.113.1/32"), noon.Add(time.Minute))
	})
	if fresh := record(j, "odoo.log", fmt.Sprint(n), failures(0, n)...); len(fresh) != 0 {
		t.Errorf("%d known failures are new on a full disk", len(fresh))
	}
	check := func(t *testing.T) {
		t.Helper()
		if got := len(all(t, j)); got != n {
			t.Errorf("%d failures, want %d", got, n)
		}
		if got := position(t, j, "odoo.log"); got != fmt.Sprint(n) {
			t.Errorf("position is %s, want %d", got, n)
		}
		bans, err := j.Bans(noon)
		if diff := cmp.Diff([]banner.Ban{ban("203.0.113.2/32", 1)}, bans, equal); err != nil || diff != "" {
			t.Errorf("bans: %v (-want +got):\n%s", err, diff)
		}
		history, err := j.History(netip.MustParsePrefix("203.0.113.1/32"))
		if err != nil || len(history.Bans) != 1 || history.Bans[0].Lifted.IsZero() || len(history.Failures) < n/256 {
			t.Errorf("history of the lifted ban: %v %v", history.Bans, err)
		}
	}
	check(t)
	if err := j.Prune(t.Context(), noon, turn); err == nil && len(told) != 1 {
		t.Errorf("told on a full disk: %v", told)
	}

	free()
	if err := j.Prune(t.Context(), noon, turn); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(codes{OutageBegan, OutageEnded}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	check(t)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{})
	check(t)
}

// TestAJournalBeginsOnAFullDisk: the daemon starts all the same.
func TestAJournalBeginsOnAFullDisk(t *testing.T) {
	folder := smallDisk(t)
	free := fill(t, folder)
	var told codes
	j := open(t, filepath.Join(folder, "odooban", "odooban.db"), Options{Tell: told.tell})
	record(j, "odoo.log", "1", failures(0, 5)...)
	if fresh := record(j, "odoo.log", "1", failures(0, 5)...); len(fresh) != 0 {
		t.Errorf("%d known failures are new", len(fresh))
	}
	free()
	j.outage.next = time.Time{}
	record(j, "odoo.log", "2", failures(5, 6)...)
	if diff := cmp.Diff(codes{OutageBegan, OutageEnded}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := len(all(t, j)); got != 6 || position(t, j, "odoo.log") != "2" {
		t.Errorf("%d failures, want 6", got)
	}
}

// TestAReadOnlyDisk remounts the disk under the journal.
func TestAReadOnlyDisk(t *testing.T) {
	folder := smallDisk(t)
	path := filepath.Join(folder, "odooban.db")
	if err := open(t, path, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", folder, "", unix.MS_REMOUNT|unix.MS_RDONLY, "mode=700"); err != nil {
		t.Fatal(err)
	}
	var told codes
	j := open(t, path, Options{Tell: told.tell})
	record(j, "odoo.log", "1", failure(1))
	if err := unix.Mount("", folder, "", unix.MS_REMOUNT, "mode=700"); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if diff := cmp.Diff(codes{OutageBegan, OutageEnded}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := len(all(t, open(t, path, Options{}))); got != 1 {
		t.Errorf("%d failures, want 1", got)
	}
}

// TestMemoryIsBoundedInAnOutage: the oldest failures give way, and are counted.
func TestMemoryIsBoundedInAnOutage(t *testing.T) {
	var ended Event
	j := open(t, tempPath(t), Options{Tell: func(e Event) { ended = e }})
	j.maxStaged = 100
	j.locked(func() { j.fail(errors.New("the disk is full")) })
	j.outage.next = time.Now().Add(time.Hour)
	record(j, "odoo.log", "1", failures(0, 100)...)
	record(j, "odoo.log", "2", failures(100, 110)...)
	if got := all(t, j); len(got) != 100 || got[0].Place != failure(10).Place {
		t.Errorf("%d failures from %v on are kept, want 100", len(got), got[0].Place)
	}
	if len(j.staged.known) != 100 {
		t.Errorf("%d failures are known, want 100", len(j.staged.known))
	}
	j.outage.next = time.Time{}
	record(j, "odoo.log", "3")
	want := "everything is written to " + j.path + " again, but for the 10 oldest records, which memory could not hold"
	if ended.Code != OutageEnded || ended.Text != want {
		t.Errorf("told %+v", ended)
	}
}

// TestTheFirstLiftOfAnOutageIsRecorded: the ban that it ended may have run out
// before the second.
func TestTheFirstLiftOfAnOutageIsRecorded(t *testing.T) {
	j := open(t, tempPath(t), Options{})
	j.Update(func(tx *Tx) { tx.Ban(ban("203.0.113.1/32", 0)) })
	j.locked(func() { j.fail(errors.New("the disk is full")) })
	j.outage.next = time.Now().Add(time.Hour)
	first := noon.Add(time.Minute)
	for _, at := range []time.Time{first, noon.Add(time.Hour)} {
		j.Update(func(tx *Tx) { tx.Lift(netip.MustParsePrefix("203.0.113.1/32"), at) })
	}
	for _, state := range []string{"in it", "after it"} {
		h, err := j.History(netip.MustParsePrefix("203.0.113.1/32"))
		if err != nil || len(h.Bans) != 1 || !h.Bans[0].Lifted.Equal(first) {
			t.Errorf("%s: %+v, %v", state, h.Bans, err)
		}
		j.outage.next = time.Time{}
		j.Update(func(*Tx) {})
	}
}

// TestWhatWasRecordedInAnOutageIsKnownAfterIt, also if the file was asked for the
// first time while it was not in it.
func TestWhatWasRecordedInAnOutageIsKnownAfterIt(t *testing.T) {
	path := tempPath(t)
	first := open(t, path, Options{})
	record(first, "odoo.log", "1", failure(1))
	_ = first.Close()
	j := open(t, path, Options{})
	j.locked(func() {
		j.fail(errors.New("the disk is broken"))
		j.db.close()
		j.db = nil
	})
	j.outage.next = time.Now().Add(time.Hour)
	record(j, "odoo.log", "2", failures(2, 5)...) // the file cannot be asked
	j.locked(func() {
		if err := j.open(); err != nil {
			t.Fatal(err)
		}
	})
	record(j, "odoo.log", "3", failure(2)) // it can, and has only the first one
	j.outage.next = time.Time{}
	record(j, "odoo.log", "4")
	if err := j.Outage(); err != nil {
		t.Fatal(err)
	}
	if fresh := record(j, "odoo.log", "5", failures(1, 6)...); len(fresh) != 1 {
		t.Errorf("%d of 5 failures are new, want 1", len(fresh))
	}
}

// TestAnotherProgramsLockDelaysNothingForLong holds the write lock as a shell
// with an open transaction would.
func TestAnotherProgramsLockDelaysNothingForLong(t *testing.T) {
	path := tempPath(t)
	var told codes
	j := open(t, path, Options{Tell: told.tell})
	record(j, "odoo.log", "1", failure(1))
	shell, err := openDatabase(path)
	if err != nil {
		t.Fatal(err)
	}
	defer shell.close()
	tx, err := shell.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if fresh := record(j, "odoo.log", "2", failures(1, 3)...); len(fresh) != 1 {
		t.Errorf("%d of 2 failures are new, want 1", len(fresh))
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(codes{OutageBegan, OutageEnded}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// TestADamagedFileIsSetAside before it is opened, each in its own way.
func TestADamagedFileIsSetAside(t *testing.T) {
	tests := []struct {
		name   string
		damage func(content []byte) []byte
	}{
		{"no database", func([]byte) []byte { return []byte("2025-06-01 12:00:00,000 this is a log, not a database\n") }},
		{"cut off", func(content []byte) []byte { return content[:len(content)/2] }},
		{"pages of zeros", func(content []byte) []byte {
			clear(content[8192:])
			return content
		}},
		{"pages of garbage", func(content []byte) []byte {
			for i := 5000; i < len(content); i += 3 {
				content[i] ^= 0x5a
			}
			return content
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := tempPath(t)
			j := open(t, path, Options{})
			record(j, "odoo.log", "1", failures(0, 500)...)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := test.damage(content)
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			var told codes
			j = open(t, path, Options{Tell: told.tell})
			if fresh := record(j, "odoo.log", "1", failures(0, 500)...); len(fresh) != 500 {
				t.Errorf("%d of 500 failures are new", len(fresh))
			}
			if diff := cmp.Diff(codes{Damaged}, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			aside := damagedFiles(path)
			if len(aside) != 1 {
				t.Fatalf("set aside are %v", aside)
			}
			if kept, err := os.ReadFile(aside[0]); err != nil || !slices.Equal(kept, damaged) {
				t.Errorf("what was set aside is not the damaged file: %v", err)
			}
		})
	}
}

// TestDamageWhileRunning overwrites the file below the open journal.
func TestDamageWhileRunning(t *testing.T) {
	path := tempPath(t)
	var told codes
	j := open(t, path, Options{Tell: told.tell})
	record(j, "odoo.log", "1", failures(0, 3000)...)
	if _, err := j.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory`); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	garbage := make([]byte, info.Size()-8192)
	for i := range garbage {
		garbage[i] = 0xa5
	}
	if _, err := file.WriteAt(garbage, 8192); err != nil {
		t.Fatal(err)
	}
	// Not closed before the journal: that would end SQLite's own locks.
	defer file.Close()

	if fresh := record(j, "odoo.log", "2", failures(2000, 3010)...); len(fresh) != 1010 {
		t.Errorf("%d failures are new, want all of 1010", len(fresh))
	}
	if diff := cmp.Diff(codes{Damaged}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := len(all(t, j)); got != 1010 || position(t, j, "odoo.log") != "2" {
		t.Errorf("the new file has %d failures", got)
	}
	if len(damagedFiles(path)) != 1 {
		t.Errorf("set aside are %v", damagedFiles(path))
	}
}

func TestFewDamagedFilesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odooban.db")
	var last string
	for i := range 2 * maxAside {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.WriteFile(path+suffix, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if last, err = setAside(path, noon.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := fs.Glob(os.DirFS(filepath.Dir(path)), "*")
	if err != nil || len(files) != 3*maxAside {
		t.Errorf("left are %v, %v", files, err)
	}
	if aside := damagedFiles(path); len(aside) != maxAside || aside[maxAside-1] != last {
		t.Errorf("kept are %v", aside)
	}
}
