package tailfile

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

	"odooban/internal/sinktest"
	"odooban/watcher"
)

// group runs a glob and follows every file of it into one collector each.
type group struct {
	mu    sync.Mutex
	sinks map[string]*sinktest.Collector
	came  *sinktest.Collector // its lines are the names of the sources
	ended *sinktest.Collector // and here, when they have ended
	// busy, while true, refuses sources, whose names are lines of refused.
	busy    atomic.Bool
	refused *sinktest.Collector
}

func runGroup(t *testing.T, g watcher.Group, came *sinktest.Collector) *group {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &group{sinks: map[string]*sinktest.Collector{}, came: came, ended: sinktest.New(), refused: sinktest.New()}
	var wg sync.WaitGroup
	wg.Go(func() {
		err := g.Run(ctx, func(s watcher.Source) bool {
			if r.busy.Load() {
				_ = r.refused.Line(watcher.Line{Text: []byte(s.Name())})
				return false
			}
			c := sinktest.New()
			r.mu.Lock()
			r.sinks[filepath.Base(s.Name())] = c
			r.mu.Unlock()
			_ = came.Line(watcher.Line{Text: []byte(filepath.Base(s.Name()))})
			wg.Go(func() {
				if err := s.Follow(ctx, c); err != nil {
					t.Error(err)
				}
				_ = r.ended.Line(watcher.Line{Text: []byte(filepath.Base(s.Name()))})
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

func (g *group) sink(name string) *sinktest.Collector {
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
			came := sinktest.New()
			g, err := NewGlob([]string{in("odoo*.log*")}, came.Alarm)
			if err != nil {
				t.Fatal(err)
			}
			g.probe = way.probe
			files := runGroup(t, g, came)
			came.AwaitLines(t, 2)
			files.sink("odoo.log").AwaitLines(t, 1)

			// A rotation that stays within the pattern, and a new member.
			if err := os.Rename(in("odoo.log"), in("odoo.log.3")); err != nil {
				t.Fatal(err)
			}
			writeFile(t, in("odoo.log"), "rotated\n")
			if err := os.Rename(in("odoo-8069.log"), in("odoo-8069-away.log")); err != nil {
				t.Fatal(err)
			}
			writeFile(t, in("odoo-new.log"), "new\n")
			came.AwaitLines(t, 3)
			files.sink("odoo.log").AwaitLines(t, 2)
			files.sink("odoo-new.log").AwaitLines(t, 1)
			if seen := files.sink("odoo-new.log").Seen[0]; time.Since(seen) > time.Minute {
				t.Errorf("line in a new file was seen %v", seen)
			}
			got := came.All()
			slices.Sort(got)
			if want := []string{"odoo-8069.log", "odoo-new.log", "odoo.log"}; !slices.Equal(got, want) {
				t.Errorf("followed %q, want %q", got, want)
			}
		})
	}
}

func TestGlobWaitsForItsDirectory(t *testing.T) {
	dir, came := filepath.Join(t.TempDir(), "odoo"), sinktest.New()
	g, err := NewGlob([]string{filepath.Join(dir, "*.log")}, came.Alarm)
	if err != nil {
		t.Fatal(err)
	}
	files := runGroup(t, g, came)
	came.AwaitAlarm(t, "no file matches yet")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "a.log"), "a\n")
	came.AwaitLines(t, 1)
	files.sink("a.log").AwaitLines(t, 1)
	came.Await(t, "the end of the trouble", func() bool { return !came.Blocked[g.Name()] })
}

// TestGlobLetsGo wants a file that is gone given up, and followed as a new one
// when it comes back.
func TestGlobLetsGo(t *testing.T) {
	dir, came := t.TempDir(), sinktest.New()
	path := filepath.Join(dir, "a.log")
	writeFile(t, path, "one\n")
	g, err := NewGlob([]string{filepath.Join(dir, "*.log")}, came.Alarm)
	if err != nil {
		t.Fatal(err)
	}
	g.forget = time.Millisecond
	files := runGroup(t, g, came)
	came.AwaitLines(t, 1)
	first := files.sink("a.log")
	first.AwaitLines(t, 1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	files.ended.AwaitLines(t, 1)
	writeFile(t, path, "two\n")
	came.AwaitLines(t, 2)
	files.sink("a.log").AwaitLines(t, 1)
	if got := first.All(); len(got) != 1 {
		t.Errorf("the first got %q, too", got)
	}
}

// TestGlobOffersAgain wants a file that is back offered until it is followed: the
// end of what was there before may take a while.
func TestGlobOffersAgain(t *testing.T) {
	dir, came := t.TempDir(), sinktest.New()
	g, err := NewGlob([]string{filepath.Join(dir, "*.log")}, came.Alarm)
	if err != nil {
		t.Fatal(err)
	}
	files := runGroup(t, g, came)
	came.AwaitAlarm(t, "no file matches yet")
	files.busy.Store(true)
	writeFile(t, filepath.Join(dir, "a.log"), "one\n")
	files.refused.AwaitLines(t, 1)
	files.busy.Store(false)
	came.AwaitLines(t, 1)
	files.sink("a.log").AwaitLines(t, 1)
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
			dir, came := t.TempDir(), sinktest.New()
			in := func(name string) string { return filepath.Join(dir, name) }
			g, err := NewGlob([]string{in("*.log"), in("log/*.log")}, came.Alarm)
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
	l, came := newLogFile(t), sinktest.New()
	l.write(10)
	j := newJournal()
	stop, ended := j.run(t, l.path, nil)
	j.AwaitLines(t, 10)
	stop()
	ended()
	l.rename()
	l.write(10)
	l.create()
	l.write(10)
	broken := filepath.Join(filepath.Dir(l.path), "broken.log")
	writeFile(t, broken, "here\n")
	g, err := NewGlob([]string{filepath.Join(filepath.Dir(l.path), "*.log")}, came.Alarm)
	if err != nil {
		t.Fatal(err)
	}
	g.Resume(func(name string) []byte { return map[string][]byte{l.path: j.last(), broken: []byte("x")}[name] })
	files := runGroup(t, g, came)
	came.AwaitLines(t, 2)
	files.sink("odoo.log").AwaitLines(t, 30)
	files.sink("broken.log").AwaitLines(t, 1)
	came.AwaitAlarm(t, "resume "+broken)
	came.Await(t, "no trouble", func() bool { return !came.Blocked[broken] })
	if got := numbers(t, files.sink("odoo.log").All()); len(got) != 30 || !slices.IsSorted(got) {
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
			told := sinktest.New()
			g, err := NewGlob([]string{tt.pattern}, told.Alarm)
			if err != nil {
				t.Fatal(err)
			}
			runGroup(t, g, told)
			told.AwaitAlarm(t, tt.want)
		})
	}
}
