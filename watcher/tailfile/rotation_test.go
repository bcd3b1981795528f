package tailfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"odooban/internal/sinktest"
	"odooban/internal/testrequire"
	"odooban/watcher/content"
)

// TestRotation rotates a log again and again while it is written to as fast as
// can be, and wants every line once.
func TestRotation(t *testing.T) {
	for _, tt := range rotations {
		for _, way := range ways {
			t.Run(tt.name+", "+way.name, func(t *testing.T) {
				t.Parallel()
				l, c := newLogFile(t), sinktest.New()
				f := NewFile(l.path, c.Alarm)
				f.probe = way.probe
				l.write(1000)
				sinktest.Follow(t, f, c)
				c.AwaitLines(t, 1)
				for range 4 {
					l.write(500)
					tt.rotate(l, func() { c.AwaitLines(t, l.next) })
					l.write(500)
				}
				c.Await(t, "the end", func() bool { return slices.Contains(c.SettledAt, l.next) })
				got := numbers(t, c.All())
				if tt.mixed {
					slices.Sort(got)
				}
				lost, doubled := compare(got, l.next)
				if lost+doubled > 0 {
					t.Errorf("lost %d and doubled %d of %d lines", lost, doubled, l.next)
				}
				if !slices.IsSorted(got) {
					t.Error("lines are out of order")
				}
			})
		}
	}
}

// TestLogrotate lets the program that Debian rotates with do it, in the ways
// that are in use, while it is followed and between two processes.
func TestLogrotate(t *testing.T) {
	logrotate := testrequire.Command(t, "logrotate")
	for _, how := range []string{
		"create", "create\ncompress", "create\ncompress\ndelaycompress", "create\ndateext\ndateformat -%s",
		"copytruncate", "copytruncate\ncompress",
	} {
		t.Run(strings.ReplaceAll(how, "\n", ", "), func(t *testing.T) {
			t.Parallel()
			l, j := newLogFile(t), newJournal()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "conf"), fmt.Sprintf("%q {\nrotate 100\n%s\n}\n", l.path, how))
			l.check(os.Chmod(filepath.Dir(l.path), 0o755))
			rotate := func() {
				// Dated names have seconds.
				for now := time.Now().Unix(); strings.Contains(how, "%s") && time.Now().Add(-clockSlack).Unix() == now; {
					runtime.Gosched()
				}
				out, err := exec.Command(logrotate, "-f", "-s", filepath.Join(dir, "state"), filepath.Join(dir, "conf")).CombinedOutput()
				if err != nil {
					t.Errorf("logrotate: %v\n%s", err, out)
				}
			}
			for range 3 {
				l.writeWatching()
				stop, ended := j.run(t, l.path, j.last())
				j.AwaitLines(t, l.next)
				rotate()
				l.writeWatching()
				j.AwaitLines(t, l.next)
				stop()
				ended()
				l.writeWatching()
				rotate()
			}
			l.writeWatching()
			stop, ended := j.run(t, l.path, j.last())
			defer ended()
			defer stop()
			j.AwaitLines(t, l.next)
			if lost, doubled := compare(numbers(t, j.All()), l.next); lost+doubled+len(j.wrong) > 0 {
				t.Errorf("lost %d, doubled %d; %q", lost, doubled, j.wrong)
			}
		})
	}
}

// TestOldFileIsLetGo wants a file that was rotated away closed after the grace
// time, and what is written to it then ignored.
func TestOldFileIsLetGo(t *testing.T) {
	l, c := newLogFile(t), sinktest.New()
	l.write(3)
	f := NewFile(l.path, c.Alarm)
	f.grace = 0
	w := newFollower(f, c)
	defer w.close()
	look := func() {
		t.Helper()
		if err := w.lookAround(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	l.rename()
	l.create()
	look()
	if len(w.old) != 1 {
		t.Fatalf("%d old files are open while nothing stands in the new one, want 1", len(w.old))
	}
	l.write(1)
	if err := w.catchUp(t.Context(), w.current); err != nil {
		t.Fatal(err)
	}
	look()
	if len(w.old) != 1 {
		t.Fatalf("%d old files are open while it has a name, want 1", len(w.old))
	}
	l.check(os.Remove(l.path + ".1"))
	look()
	if len(w.old) != 0 {
		t.Errorf("%d old files are open after the grace time, want none", len(w.old))
	}
	if lost, doubled := compare(numbers(t, c.All()), 4); lost+doubled > 0 {
		t.Errorf("lost %d, doubled %d", lost, doubled)
	}
}

// TestBackupIsNoGeneration wants a copy that somebody made just before a
// rotation left alone.
func TestBackupIsNoGeneration(t *testing.T) {
	l, c := newLogFile(t), sinktest.New()
	l.write(30)
	f := NewFile(l.path, c.Alarm)
	sinktest.Follow(t, f, c)
	c.AwaitLines(t, 30)
	l.copyAway()
	l.check(os.Rename(l.path+".1", l.path+".bak"))
	l.rename()
	l.create()
	l.write(1)
	c.Await(t, "the end", func() bool { return slices.Contains(c.SettledAt, 31) })
	if lost, doubled := compare(numbers(t, c.All()), 31); lost+doubled > 0 {
		t.Errorf("lost %d, doubled %d", lost, doubled)
	}
}

// TestIdentityTellsARecreatedFile deletes and creates a file until it gets the
// same inode again, in another tick of the kernel's clock.
func TestIdentityTellsARecreatedFile(t *testing.T) {
	l := newLogFile(t)
	first, err := content.IdentifyPath(l.path)
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(first.BornAt()); d < -time.Second || d > time.Minute {
		testrequire.Skip(t, "needs a file system that keeps birth times")
	}
	for time.Since(first.BornAt()) < 2*clockSlack {
		l.check(os.Remove(l.path))
		l.create()
	}
	if later, err := content.IdentifyPath(l.path); err != nil || later == first {
		t.Errorf("recreated file is %v, %v; it was %v before", later, err, first)
	}
}
