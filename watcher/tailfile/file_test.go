package tailfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/sinktest"
	"odooban/watcher"
	"odooban/watcher/content"
	"odooban/watcher/lines"
)

func TestFileHistoryThenLive(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			c, path := sinktest.New(), filepath.Join(t.TempDir(), "odoo.log")
			writeFile(t, path, "one\ntwo\r\nhal")
			f := NewFile(path, c.Alarm)
			f.probe = way.probe
			sinktest.Follow(t, f, c)
			c.Await(t, "settling", func() bool { return slices.Contains(c.SettledAt, 2) })
			before := time.Now()
			log := openAppend(t, path)
			defer log.Close()
			log.WriteString("f\n\x00\xff\r\r\n\n")
			c.AwaitLines(t, 5)
			c.Await(t, "settling again", func() bool { return slices.Contains(c.SettledAt, 5) })
			if diff := cmp.Diff([]string{"one", "two", "half", "\x00\xff\r", ""}, c.All()); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			for i, seen := range c.Seen {
				if live := i >= 2; seen.IsZero() == live || live && seen.Before(before) {
					t.Errorf("line %d was seen %v", i, seen)
				}
			}
		})
	}
}

// TestFileHalfLine wants a half line kept back, and the record before it
// settled all the same, once.
func TestFileHalfLine(t *testing.T) {
	l, c := newLogFile(t), sinktest.New()
	sinktest.Follow(t, NewFile(l.path, c.Alarm), c)
	l.file.WriteString("record\nha")
	c.Await(t, "settling", func() bool { return slices.Contains(c.SettledAt, 1) })
	l.file.WriteString("lf\n")
	c.Await(t, "settling", func() bool { return slices.Contains(c.SettledAt, 2) })
	if diff := cmp.Diff([]string{"record", "half"}, c.All()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{1, 2}, c.SettledAt); diff != "" {
		t.Errorf("settled after line (-want +got):\n%s", diff)
	}
}

// TestFileSettledReadsFirst plays a process that was paused between the two
// lines of a record: its timer has run out, and the second line stands there.
func TestFileSettledReadsFirst(t *testing.T) {
	l, c := newLogFile(t), sinktest.New()
	w := newFollower(NewFile(l.path, c.Alarm), c)
	defer w.close()
	check := func() {
		t.Helper()
		w.latest = time.Now().Add(-time.Second)
		if err := w.checkEnd(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.lookAround(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.tail.stop()
	steps := []struct {
		name, write string
		lines       int
		settled     []int
	}{
		{"first line comes", "first\n", 1, nil},
		{"second line stood there", "second\n", 2, nil},
		{"half a line comes", "thi", 2, nil},
		{"it grows", "r", 2, nil},
		{"it does not grow", "", 2, []int{2}},
		{"nothing more", "", 2, []int{2}},
		{"it is whole", "d\n", 3, []int{2}},
		{"the end", "", 3, []int{2, 3}},
	}
	for _, s := range steps {
		l.file.WriteString(s.write)
		check()
		if len(c.Lines) != s.lines || !slices.Equal(c.SettledAt, s.settled) {
			t.Fatalf("%s: %d lines, settled %v; want %d, %v", s.name, len(c.Lines), c.SettledAt, s.lines, s.settled)
		}
	}
}

// TestFileReadsAtOnce wants what a notice tells of read without waiting for the
// tail, and not once more when that brings it.
func TestFileReadsAtOnce(t *testing.T) {
	l, c := newLogFile(t), sinktest.New()
	w := newFollower(NewFile(l.path, c.Alarm), c)
	defer w.close()
	look := func(want int) {
		t.Helper()
		if err := w.lookAround(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(c.Lines) != want {
			t.Fatalf("%d lines were handed on, want %d", len(c.Lines), want)
		}
	}
	look(0)
	l.write(3)
	look(3)
	for range 3 {
		if err := w.takeTailed(t.Context(), <-w.tail.lines()); err != nil {
			t.Fatal(err)
		}
	}
	look(3)
}

// patient is a collector that notes how long after it was read the last line was
// said to be settled.
type patient struct {
	*sinktest.Collector
	waited []time.Duration
}

func (p *patient) Settled(now time.Time) error {
	p.Mu.Lock()
	p.waited = append(p.waited, now.Sub(p.Seen[len(p.Seen)-1]))
	p.Mu.Unlock()
	return p.Collector.Settled(now)
}

// TestFileSettlesNotBefore wants the whole settling time given to each line, however
// long it takes to hand it on.
func TestFileSettlesNotBefore(t *testing.T) {
	l, p := newLogFile(t), &patient{Collector: sinktest.New()}
	sinktest.Follow(t, NewFile(l.path, p.Alarm), p)
	for n := 1; n <= 20; n++ {
		l.write(1)
		p.Await(t, "settling", func() bool { return slices.Contains(p.SettledAt, n) })
	}
	p.Mu.Lock()
	defer p.Mu.Unlock()
	if least := slices.Min(p.waited); least < watcher.SettleTime {
		t.Errorf("settled after %v, want %v at least", least, watcher.SettleTime)
	}
}

func TestFileLongLines(t *testing.T) {
	l, c := newLogFile(t), sinktest.New()
	f := NewFile(l.path, c.Alarm)
	sinktest.Follow(t, f, c)
	text := append(sinktest.Long(3*lines.Longest), '\n')
	for part := range slices.Chunk(text, 100_000) {
		l.file.Write(part)
	}
	l.file.WriteString("next\n")
	l.file.Write(text)
	c.AwaitLines(t, 3)
	want, _ := sinktest.Cut(slices.Concat(text, []byte("next\n"), text))
	if diff := cmp.Diff(want, c.All()); diff != "" {
		t.Errorf("lines (-want +got):\n%.500s", diff)
	}
	c.Await(t, "settling", func() bool { return slices.Contains(c.SettledAt, 3) })
}

// TestFileWaits wants whatever cannot be read reported once, with what to do,
// and read when it can be.
func TestFileWaits(t *testing.T) {
	tests := []struct {
		name  string
		block func(path string) error
		free  func(path string) error
		alarm string
	}{
		{
			"no directory",
			func(path string) error { return os.Remove(filepath.Dir(path)) },
			func(path string) error { return os.Mkdir(filepath.Dir(path), 0o755) },
			"it is read as soon as it does",
		},
		{
			"a directory in its place",
			func(path string) error { return os.Mkdir(path, 0o755) },
			os.Remove,
			"not a file; name the log file itself",
		},
		{
			"a link to itself",
			func(path string) error { return os.Symlink(path, path) },
			os.Remove,
			"too many levels of symbolic links",
		},
	}
	for _, tt := range tests {
		for _, way := range ways {
			t.Run(tt.name+", "+way.name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "log", "odoo.log")
				if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), tt.block(path)); err != nil {
					t.Fatal(err)
				}
				c := sinktest.New()
				f := NewFile(path, c.Alarm)
				f.probe = way.probe
				sinktest.Follow(t, f, c)
				c.AwaitAlarm(t, tt.alarm)
				if err := tt.free(path); err != nil {
					t.Fatal(err)
				}
				writeFile(t, path, "here\n")
				c.AwaitLines(t, 1)
				c.Await(t, "the end of the trouble", func() bool { return !c.Blocked[path] })
				c.Mu.Lock()
				defer c.Mu.Unlock()
				if slices.Sort(c.Alarms); len(slices.Compact(c.Alarms)) != len(c.Alarms) {
					t.Errorf("alarms came twice: %q", c.Alarms)
				}
			})
		}
	}
}

// TestFileMoves moves what stands at the path, and wants every line.
func TestFileMoves(t *testing.T) {
	tests := []struct {
		name string
		// before sets up path and gives the file behind it; after moves on.
		before, after func(l *logFile, dir string)
	}{
		{
			name:   "a directory that vanishes and comes back",
			before: func(l *logFile, dir string) { l.check(os.MkdirAll(dir, 0o755)); l.create() },
			after: func(l *logFile, dir string) {
				l.check(os.RemoveAll(dir))
				l.check(os.Mkdir(dir, 0o755))
				l.create()
			},
		},
		{
			name:   "a directory that is renamed, and another in its place",
			before: func(l *logFile, dir string) { l.check(os.MkdirAll(dir, 0o755)); l.create() },
			after: func(l *logFile, dir string) {
				l.check(os.Rename(dir, dir+".old"))
				l.write(50)
				l.check(os.Mkdir(dir, 0o755))
				l.create()
			},
		},
		{
			name: "a link that is moved to another file",
			before: func(l *logFile, dir string) {
				l.check(os.MkdirAll(dir, 0o755))
				l.check(os.Symlink("odoo-1.log", l.path))
				l.create()
			},
			after: func(l *logFile, _ string) {
				l.write(50)
				l.check(os.Symlink("odoo-2.log", l.path+".new"))
				l.check(os.Rename(l.path+".new", l.path))
				l.write(50)
				l.create()
			},
		},
		{
			name: "a link into another directory",
			before: func(l *logFile, dir string) {
				l.check(errors.Join(os.MkdirAll(dir, 0o755), os.Mkdir(dir+"1", 0o755), os.Mkdir(dir+"2", 0o755)))
				l.check(os.Symlink("../log1/odoo.log", l.path))
				l.create()
			},
			after: func(l *logFile, _ string) {
				l.check(os.Remove(l.path))
				l.check(os.Symlink("../log2/odoo.log", l.path))
				l.create()
			},
		},
	}
	for _, tt := range tests {
		for _, way := range ways {
			t.Run(tt.name+", "+way.name, func(t *testing.T) {
				t.Parallel()
				l, c := newLogFile(t), sinktest.New()
				dir := filepath.Join(filepath.Dir(l.path), "log")
				l.path = filepath.Join(dir, "odoo.log")
				tt.before(l, dir)
				f := NewFile(l.path, c.Alarm)
				f.probe = way.probe
				l.write(100)
				sinktest.Follow(t, f, c)
				c.AwaitLines(t, 100)
				tt.after(l, dir)
				l.write(100)
				c.Await(t, "the end", func() bool { return slices.Contains(c.SettledAt, l.next) })
				if lost, doubled := compare(numbers(t, c.All()), l.next); lost+doubled > 0 {
					t.Errorf("lost %d, doubled %d", lost, doubled)
				}
			})
		}
	}
}

// TestFileWaitsForWhatIsThere wants only a file given up that is gone, however long
// another must not be read.
func TestFileWaitsForWhatIsThere(t *testing.T) {
	l, c := newLogFile(t), sinktest.New()
	f := NewFile(l.path, c.Alarm)
	f.forget = time.Hour
	w := newFollower(f, c)
	defer w.close()
	look := func(gone bool) {
		t.Helper()
		// Hours later.
		for _, at := range []*time.Time{&w.began, &w.named, &w.there, &w.current.grown} {
			*at = at.Add(-2 * time.Hour)
		}
		if err := w.lookAround(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.gone() != gone {
			t.Fatalf("given up: %v, want %v", w.gone(), gone)
		}
	}
	l.write(1)
	if err := w.lookAround(t.Context()); err != nil {
		t.Fatal(err)
	}
	look(false)
	l.check(os.Rename(l.path, l.path+".1"))
	l.check(os.Mkdir(l.path, 0o755)) // it can be seen, and not be read
	look(false)
	look(false)
	l.check(os.Remove(l.path))
	look(true)
}

func TestExplainPermission(t *testing.T) {
	err := content.Explain("/var/log/odoo.log", &os.PathError{Op: "open", Path: "x", Err: os.ErrPermission})
	const want = "read /var/log/odoo.log: permission denied; add the service's user to the group that may read it"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestFileEndsWithTheErrorOfItsSink(t *testing.T) {
	l, c := newLogFile(t), sinktest.New()
	l.write(10)
	c.Fail = errors.New("the store is full")
	if err := NewFile(l.path, c.Alarm).Follow(t.Context(), c); !errors.Is(err, c.Fail) {
		t.Errorf("Follow gave %v, want %v", err, c.Fail)
	}
	if len(c.Lines) != 1 {
		t.Errorf("%d lines were handed on", len(c.Lines))
	}
}

// TestFileStale wants lines that were written while nobody looked, as in a
// process that was suspended, to be history.
func TestFileStale(t *testing.T) {
	l, c := newLogFile(t), sinktest.New()
	w := newFollower(NewFile(l.path, c.Alarm), c)
	defer w.close()
	if err := w.lookAround(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.current.atEnd = time.Now().Add(-2 * liveWithin)
	l.write(1)
	w.checkEndNow(t)
	l.write(1)
	w.checkEndNow(t)
	if len(c.Seen) != 2 || !c.Seen[0].IsZero() || c.Seen[1].IsZero() {
		t.Errorf("seen %v, want the first zero and the second not", c.Seen)
	}
}

func (w *follower) checkEndNow(t *testing.T) {
	t.Helper()
	w.latest = time.Time{}
	if err := w.checkEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestFileLeavesNothingBehind follows and stops often, and wants no goroutine
// and no descriptor more than after the first time.
func TestFileLeavesNothingBehind(t *testing.T) {
	l := newLogFile(t)
	once := func() {
		c := sinktest.New()
		l.write(1)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- NewFile(l.path, c.Alarm).Follow(ctx, c) }()
		c.Await(t, "settling", func() bool { return len(c.SettledAt) > 0 })
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	once()
	files := openFiles(t)
	for range 10 {
		once()
	}
	if got := openFiles(t); got > files {
		t.Errorf("%d descriptors are open, %d before", got, files)
	}
	deadline, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for stacks := ours(); stacks != ""; stacks = ours() {
		if runtime.Gosched(); deadline.Err() != nil {
			t.Fatalf("still running:\n%s", stacks)
		}
	}
}

// ours gives the stacks of all goroutines if one of them follows a file.
func ours() string {
	buf := make([]byte, 1<<20)
	stacks := string(buf[:runtime.Stack(buf, true)])
	for _, left := range []string{"(*follower)", "(*notices).run", "tailFileSync"} {
		if strings.Contains(stacks, left) {
			return stacks
		}
	}
	return ""
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
