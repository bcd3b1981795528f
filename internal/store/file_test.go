package store

import (
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odooban/internal/testrequire"
	"odooban/rules"
)

func TestPermissions(t *testing.T) {
	path := tempPath(t)
	j := open(t, path, Options{})
	record(j, "odoo.log", "1", failure(1))
	for name, want := range map[string]fs.FileMode{
		filepath.Dir(path): 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600,
	} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %o", name, info.Mode(), err, want)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, path, Options{})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("after it was opened again: %v %v", info.Mode(), err)
	}
}

// TestRefused has what is not opened; the error says what to do about it.
func TestRefused(t *testing.T) {
	exec := func(query string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			db, err := openDatabase(path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.close()
			if _, err := db.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    string
	}{
		{"a symlink", func(t *testing.T, path string) {
			if err := os.Symlink(t.TempDir()+"/elsewhere", path); err != nil {
				t.Fatal(err)
			}
		}, "it is no regular file: move it away, or give the journal another path"},
		{"a folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "it is no regular file"},
		{"a file of somebody else", func(t *testing.T, path string) {
			testrequire.Root(t)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(path, 12345, 12345); err != nil {
				t.Fatal(err)
			}
		}, "it belongs to user 12345: chown 0 /"},
		{"a folder of somebody else", func(t *testing.T, path string) {
			testrequire.Root(t)
			if err := os.Chown(filepath.Dir(path), 12345, 12345); err != nil {
				t.Fatal(err)
			}
		}, "belongs to user 12345, who could replace the journal: chown 0 /"},
		{"a folder for everybody", func(t *testing.T, path string) {
			if err := os.Chmod(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
		}, "could replace the journal: chmod go-w /"},
		{"a folder that is taken", func(t *testing.T, path string) {
			open(t, filepath.Join(filepath.Dir(path), "other.db"), Options{})
		}, "is in use by another odooban: ask that one"},
		{
			"a newer journal", exec(`PRAGMA user_version = 7`),
			"a newer odooban wrote it (version 7, known are up to 2): upgrade odooban",
		},
		{
			"another program's database", exec(`PRAGMA application_id = 1234`),
			"it is a database of another program: give the journal another path",
		},
		{
			"a database that says nothing", exec(`PRAGMA application_id = 0; PRAGMA user_version = 0`),
			"it is a database of another program",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := tempPath(t)
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			test.prepare(t, path)
			j, err := Open(path, Options{Tell: func(e Event) { t.Error(e.Text) }})
			if err == nil {
				_ = j.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %q, want %q in it", err, test.want)
			}
		})
	}
}

// TestBeginnings are files in which a start was interrupted.
func TestBeginnings(t *testing.T) {
	tests := []struct {
		name    string
		prepare string
	}{
		{"empty file", ""},
		{"no tables yet", `PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "odd name?#%41.db")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if test.prepare != "" {
				out, err := exec.CommandContext(t.Context(), testrequire.Command(t, "sqlite3"), path, test.prepare).CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			}
			j := open(t, path, Options{Tell: func(e Event) { t.Error(e.Text) }})
			record(j, "odoo.log", "1", failure(1))
			var mode, version int
			if err := j.db.QueryRow(`SELECT auto_vacuum, user_version FROM pragma_auto_vacuum, pragma_user_version`).
				Scan(&mode, &version); err != nil || mode != 2 || version != len(migrations()) {
				t.Errorf("auto_vacuum is %d, version %d: %v", mode, version, err)
			}
			if info, err := os.Stat(path); err != nil || info.Size() == 0 && len(all(t, j)) != 1 {
				t.Errorf("the file is not used: %v", err)
			}
		})
	}
}

// TestSQLite3ReadsWhileTheJournalIsOpen with the command that people have.
func TestSQLite3ReadsWhileTheJournalIsOpen(t *testing.T) {
	command := testrequire.Command(t, "sqlite3")
	path := tempPath(t)
	j := open(t, path, Options{})
	f := failure(61)
	f.User = "ad\x1b[2Jmin"
	j.Update(func(tx *Tx) {
		tx.Record("odoo.log", "12200", []rules.Failure{f})
		tx.Ban(ban("203.0.113.61/32", 2))
		tx.Lift(netip.MustParsePrefix("203.0.113.61/32"), noon.Add(3*time.Minute+5*time.Millisecond))
	})
	for query, want := range map[string]string{
		`SELECT * FROM failure_log`: `1|2025-06-01 12:01:01.000|odoo-login|203.0.113.61|ad\x1b[2Jmin|production|odoo.log|` + placeText(f.Place),
		`SELECT * FROM ban_log`: `1|2025-06-01 12:02:00.000|2025-06-01 12:17:00.000|203.0.113.61/32|odoo-login|10|` +
			`2025-06-01 12:03:00.005`,
		`SELECT name, position FROM sources`: `odoo.log|12200`,
	} {
		out, err := exec.CommandContext(t.Context(), command, "-readonly", path, query).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %v\n got %s\nwant %s", query, err, got, want)
		}
	}
}

// TestAReaderSeesWholeUpdates from a second connection, while the journal is
// written: the position is always the number of failures.
func TestAReaderSeesWholeUpdates(t *testing.T) {
	path := tempPath(t)
	j := open(t, path, Options{Tell: func(e Event) { t.Error(e.Text) }})
	record(j, "odoo.log", "0")
	reader, err := openDatabase(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; n < 2000; n += 10 {
			record(j, "odoo.log", fmt.Sprint(n+10), failures(n, n+10)...)
		}
	}()
	for last := 0; last < 2000; {
		var n, position int
		if err := reader.QueryRow(`SELECT count(*), (SELECT position FROM sources) FROM failures`).Scan(&n, &position); err != nil {
			t.Fatal(err)
		}
		if n != position || n < last {
			t.Fatalf("%d failures at position %d, and %d before", n, position, last)
		}
		last = n
	}
	<-done
}
