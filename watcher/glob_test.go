package watcher

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// group runs a glob and follows every file of it into one collector each.
type group struct {
	mu    sync.Mutex
	sinks map[string]*collector
	came  *collector // its lines are the names of the sources
	ended *collector // and here, when they have ended
	// busy, while true, refuses sources, whose names are lines of refused.
	busy    atomic.Bool
	refused *collector
}

func runGroup(t *testing.T, g Group, came *collector) *group {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &group{sinks: map[string]*collector{}, came: came, ended: newCollector(), refused: newCollector()}
	var wg sync.WaitGroup
	wg.Go(func() {
		err := g.Run(ctx, func(s Source) bool {
			if r.busy.Load() {
				_ = r.refused.Line(Line{Text: []byte(s.Name())})
				return false
			}
			c := newCollector()
			r.mu.Lock()
			r.sinks[filepath.Base(s.Name())] = c
			r.mu.Unlock()
			_ = came.Line(Line{Text: []byte(filepath.Base(s.Name()))})
			wg.Go(func() {
				if err := s.Follow(ctx, c); err != nil {
					t.Error(err)
				}
				_ = r.ended.Line(Line{Text: []byte(filepath.Base(s.Name()))})
			})
			return true
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return r
}

func (g *group) sink(name string) *collector {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sinks[name]
}

func TestGlob(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			in := func(name string) string { return filepath.Join(dir, name) }
			for _, name := range []string{"odoo.log", "odoo.log.1", "odoo.log.2.gz", "odoo.log-20261122", "odoo-8069.log", "other.txt"} {
				writeFile(t, in(name), "in "+name+"\n")
			}
			if err := os.Mkdir(in("odoo.log.d"), 0o755); err != nil {
				t.Fatal(err)
			}
			came := newCollector()
			g, err := NewGlob([]string{in("odoo*.log*")}, came.alarm)
			if err != nil {
				t.Fatal(err)
			}
			g.probe = way.probe
			files := runGroup(t, g, came)
			came.awaitLines(t, 2)
			files.sink("odoo.log").awaitLines(t, 1)

			// A rotation that stays within the pattern, and a new member.
			if err := os.Rename(in("odoo.log"), in("odoo.log.3")); err != nil {
				t.Fatal(err)
			}
			writeFile(t, in("odoo.log"), "rotated\n")
			if err := os.Rename(in("odoo-8069.log"), in("odoo-8069-away.log")); err != nil {
				t.Fatal(err)
			}
			writeFile(t, in("odoo-new.log"), "new\n")
			came.awaitLines(t, 3)
			files.sink("odoo.log").awaitLines(t, 2)
			files.sink("odoo-new.log").awaitLines(t, 1)
			if seen := files.sink("odoo-new.log").seen[0]; time.Since(seen) > time.Minute {
				t.Errorf("line in a new file was seen %v", seen)
			}
			got := came.all()
			slices.Sort(got)
			if want := []string{"odoo-8069.log", "odoo-new.log", "odoo.log"}; !slices.Equal(got, want) {
				t.Errorf("followed %q, want %q", got, want)
			}
		})
	}
}

func TestGlobWaitsForItsDirectory(t *testing.T) {
	dir, came := filepath.Join(t.TempDir(), "odoo"), newCollector()
	g, err := NewGlob([]string{filepath.Join(dir, "*.log")}, came.alarm)
	if err != nil {
		t.Fatal(err)
	}
	files := runGroup(t, g, came)
	came.awaitAlarm(t, "no file matches yet")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "a.log"), "a\n")
	came.awaitLines(t, 1)
	files.sink("a.log").awaitLines(t, 1)
	came.await(t, "the end of the trouble", func() bool { return !came.blocked[g.Name()] })
}

// TestGlobLetsGo wants a file that is gone given up, and followed as a new one
// when it comes back.
func TestGlobLetsGo(t *testing.T) {
	dir, came := t.TempDir(), newCollector()
	path := filepath.Join(dir, "a.log")
	writeFile(t, path, "one\n")
	g, err := NewGlob([]string{filepath.Join(dir, "*.log")}, came.alarm)
	if err != nil {
		t.Fatal(err)
	}
	g.forget = time.Millisecond
	files := runGroup(t, g, came)
	came.awaitLines(t, 1)
	first := files.sink("a.log")
	first.awaitLines(t, 1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	files.ended.awaitLines(t, 1)
	writeFile(t, path, "two\n")
	came.awaitLines(t, 2)
	files.sink("a.log").awaitLines(t, 1)
	if got := first.all(); len(got) != 1 {
		t.Errorf("the first got %q, too", got)
	}
}

// TestGlobOffersAgain wants a file that is back offered until it is followed: the
// end of what was there before may take a while.
func TestGlobOffersAgain(t *testing.T) {
	dir, came := t.TempDir(), newCollector()
	g, err := NewGlob([]string{filepath.Join(dir, "*.log")}, came.alarm)
	if err != nil {
		t.Fatal(err)
	}
	files := runGroup(t, g, came)
	came.awaitAlarm(t, "no file matches yet")
	files.busy.Store(true)
	writeFile(t, filepath.Join(dir, "a.log"), "one\n")
	files.refused.awaitLines(t, 1)
	files.busy.Store(false)
	came.awaitLines(t, 1)
	files.sink("a.log").awaitLines(t, 1)
}

// TestGlobSecondLink wants a log that has two names read under one, through its
// rotation; under the one that it was read under before; and under the other when
// that is gone.
func TestGlobSecondLink(t *testing.T) {
	tests := []struct {
		name, link, real string
		// known is which of them has a position, followed which is followed.
		known, followed string
	}{
		{"of one pattern", "log/a.log", "log/b.log", "", "a.log"},
		{"of two patterns", "a.log", "log/b.log", "", "a.log"},
		{"followed before", "a.log", "log/b.log", "log/b.log", "b.log"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, came := t.TempDir(), newCollector()
			in := func(name string) string { return filepath.Join(dir, name) }
			g, err := NewGlob([]string{in("*.log"), in("log/*.log")}, came.alarm)
			if err != nil {
				t.Fatal(err)
			}
			g.Resume(func(name string) []byte {
				if tt.known != "" && name == in(tt.known) {
					return []byte(`{"version":1}`)
				}
				return nil
			})
			file := in(tt.real)
			if err := errors.Join(os.Mkdir(in("log"), 0o755), os.Symlink(file, in(tt.link))); err != nil {
				t.Fatal(err)
			}
			m := newMembers(g, nil)
			find := func() (names []string) {
				for _, f := range m.find() {
					names = append(names, filepath.Base(f.path))
				}
				return names
			}
			if got := find(); got != nil {
				t.Fatalf("follows %q, of a link to nothing", got)
			}
			writeFile(t, file, "one\n")
			if got := find(); !slices.Equal(got, []string{tt.followed}) {
				t.Fatalf("follows %q, want %q", got, tt.followed)
			}
			for range 3 {
				if err := os.Rename(file, file+".1"); err != nil {
					t.Fatal(err)
				}
				writeFile(t, file, "two\n")
				if got := find(); got != nil {
					t.Fatalf("follows %q, too, after a rotation", got)
				}
			}
			m.files[0].ended.Store(true)
			if got := find(); len(got) != 1 {
				t.Errorf("follows %q after the end of what it followed, want one", got)
			}
		})
	}
}

func TestGlobResumes(t *testing.T) {
	l, came := newLogFile(t), newCollector()
	l.write(10)
	j := newJournal()
	stop, ended := j.run(t, l.path, nil)
	j.awaitLines(t, 10)
	stop()
	ended()
	l.rename()
	l.write(10)
	l.create()
	l.write(10)
	broken := filepath.Join(filepath.Dir(l.path), "broken.log")
	writeFile(t, broken, "here\n")
	g, err := NewGlob([]string{filepath.Join(filepath.Dir(l.path), "*.log")}, came.alarm)
	if err != nil {
		t.Fatal(err)
	}
	g.Resume(func(name string) []byte { return map[string][]byte{l.path: j.last(), broken: []byte("x")}[name] })
	files := runGroup(t, g, came)
	came.awaitLines(t, 2)
	files.sink("odoo.log").awaitLines(t, 30)
	files.sink("broken.log").awaitLines(t, 1)
	came.awaitAlarm(t, "resume "+broken)
	came.await(t, "no trouble", func() bool { return !came.blocked[broken] })
	if got := numbers(t, files.sink("odoo.log").all()); len(got) != 30 || !slices.IsSorted(got) {
		t.Errorf("got lines %v", got)
	}
}

func TestGlobPattern(t *testing.T) {
	if _, err := NewGlob([]string{"/var/log/[odoo.log"}, nil); err == nil {
		t.Error("a pattern with an open bracket was taken")
	}
}

// What will never be read as a file is not said to be waited for.
func TestGlobOfNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, pattern, want string
	}{
		{"a directory", dir + "/", dir + ": it is a directory; name the files in it: " + dir + "/*.log"},
		{"a pipe", pipe, "it is no regular file"},
		{"a pattern that only a pipe matches", dir + "/*", "no file matches yet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			told := newCollector()
			g, err := NewGlob([]string{tt.pattern}, told.alarm)
			if err != nil {
				t.Fatal(err)
			}
			runGroup(t, g, told)
			told.awaitAlarm(t, tt.want)
		})
	}
}
