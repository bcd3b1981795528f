package groupsocket

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPermissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("mode is %v", info.Mode())
	}
	want := os.Getegid()
	if gid, ok := groupID(); ok && os.Geteuid() == 0 {
		want = gid
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Gid) != want {
		t.Errorf("group is %v, want %d", stat, want)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 { // and the lock
		t.Errorf("beside it: %v, %v", entries, err)
	}
	listener.Close()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
}

// The socket of a dead daemon is replaced, that of a living one and other files
// are not.
func TestListen(t *testing.T) {
	for _, tt := range []struct {
		name  string
		there func(t *testing.T, path string)
		want  string
	}{
		{"nothing", func(*testing.T, string) {}, ""},
		{"left by a dead daemon", func(t *testing.T, path string) {
			t.Helper()
			dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err != nil {
				t.Fatal(err)
			}
			dead.SetUnlinkOnClose(false)
			dead.Close()
		}, ""},
		{"a living daemon's", func(t *testing.T, path string) {
			t.Helper()
			alive, err := Listen(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { alive.Close() })
		}, ErrTaken.Error()},
		{"another program's", func(t *testing.T, path string) {
			t.Helper()
			alive, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { alive.Close() })
		}, ErrTaken.Error()},
		{"a file", func(t *testing.T, path string) {
			t.Helper()
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is no socket"},
		{"a link", func(t *testing.T, path string) {
			t.Helper()
			if err := os.Symlink("/nonexistent", path); err != nil {
				t.Fatal(err)
			}
		}, "is no socket"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			tt.there(t, path)
			before, _ := os.Lstat(path)
			listener, err := Listen(path)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				listener.Close()
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v", err)
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
				t.Errorf("it was replaced: %v", err)
			}
		})
	}
	if _, err := Listen("/proc/odooban/s"); err == nil {
		t.Error("it listens in a folder that cannot be made")
	}
}

// A folder, and a path, as long as they can be are long enough for the longest
// name that ours can have.
func TestLongestPath(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder) // the limit is of the path as it is given
	pad := strings.Repeat("d", LongestFolder-len("d/"))
	path := filepath.Join("d", pad, strings.Repeat("s", LongestPath-LongestFolder-1))
	if len(filepath.Dir(path)) != LongestFolder || len(path) != LongestPath {
		t.Fatalf("%d, %d", len(filepath.Dir(path)), len(path))
	}
	made, err := net.ListenUnix("unix", &net.UnixAddr{Name: strings.Repeat("x", LongestPath), Net: "unix"})
	if err != nil {
		t.Fatalf("the limit is not the kernel's: %v", err)
	}
	made.Close()
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
