package tailfile

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/sinktest"
	"odooban/watcher"
)

// journal is a sink that outlives the processes that feed it: what it knows
// already it drops by its Place. It stops the process after some lines.
type journal struct {
	*sinktest.Collector
	texts map[watcher.Place]string
	// positions are those of some of the latest lines, the last one last.
	positions [][]byte
	asked     int
	// again counts the bytes that came again since the process was started.
	again int
	// after is after how many more new lines stop is called.
	after int
	stop  func()
	wrong []string
}

func newJournal() *journal {
	return &journal{Collector: sinktest.New(), texts: map[watcher.Place]string{}}
}

func (j *journal) Line(l watcher.Line) error {
	j.Mu.Lock()
	if j.asked%7 == 0 {
		j.positions = append(j.positions, bytes.Clone(l.Position()))
		j.positions = j.positions[max(0, len(j.positions)-4):]
	}
	j.asked++
	known, ok := j.texts[l.Place]
	j.texts[l.Place] = string(l.Text)
	j.after--
	if j.after == 0 {
		j.stop()
		j.Changed.Broadcast()
	}
	if ok {
		j.again += len(l.Text) + 1
		if known != string(l.Text) {
			j.wrong = append(j.wrong, fmt.Sprintf("%+v was %q and is %q", l.Place, known, l.Text))
		}
	}
	j.Mu.Unlock()
	if ok {
		return nil
	}
	return j.Collector.Line(l)
}

// run follows path from where position says, with the journal as its sink.
func (j *journal) run(t *testing.T, path string, position []byte) (stop, ended func()) {
	t.Helper()
	f := NewFile(path, j.Alarm)
	f.grace = 500 * time.Millisecond
	if err := f.Resume(position); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	j.Mu.Lock()
	j.again, j.after, j.stop = 0, 0, cancel
	j.Mu.Unlock()
	go func() { done <- f.Follow(ctx, j) }()
	return cancel, func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
		if limit := watcher.WarmUp + 30*150; j.again > limit {
			t.Errorf("%d bytes came again, want at most %d", j.again, limit)
		}
	}
}

func (j *journal) last() []byte {
	if len(j.positions) == 0 {
		return nil
	}
	return j.positions[len(j.positions)-1]
}

// TestResume stops and starts following at random moments of every kind of
// rotation, sometimes at a position of some lines ago as after SIGKILL, and
// wants every line once.
func TestResume(t *testing.T) {
	for _, tt := range slices.Concat(rotations, downtimeRotations) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 0))
			l, j := newLogFile(t), newJournal()
			l.write(1)
			stop, ended := j.run(t, l.path, nil)
			j.AwaitLines(t, 1)
			stop()
			ended()
			for range 6 {
				restart(t, l, j, tt, random)
			}
			stop, ended = j.run(t, l.path, j.last())
			j.AwaitLines(t, l.next)
			stop()
			ended()
			if lost, doubled := compare(numbers(t, j.All()), l.next); lost+doubled+len(j.wrong) > 0 {
				t.Errorf("seed %d: lost %d and doubled %d of %d lines; %q; alarms %q", seed, lost, doubled, l.next, j.wrong, j.Alarms)
			}
		})
	}
}

// restart is one life of a process, and the time until the next.
func restart(t *testing.T, l *logFile, j *journal, r rotation, random *rand.Rand) {
	l.write(random.IntN(100))
	position := j.last()
	if random.IntN(2) == 0 {
		position = j.positions[random.IntN(len(j.positions))]
	}
	stop, ended := j.run(t, l.path, position)
	all := func() { j.AwaitLines(t, l.next) }
	if r.live {
		l.write(1)
		all()
	}
	if random.IntN(2) == 0 {
		r.rotate(l, all)
	}
	if r.live {
		all()
	}
	l.write(random.IntN(100))
	j.Mu.Lock()
	j.after = 1 + random.IntN(100)
	j.Mu.Unlock()
	l.write(120)
	j.Await(t, "end", func() bool { return j.after <= 0 })
	stop()
	ended()
	if r.live {
		return
	}
	for range random.IntN(3) {
		r.rotate(l, func() {
			stop, ended := j.run(t, l.path, j.last())
			all()
			stop()
			ended()
		})
		l.write(random.IntN(100))
	}
}

// TestResumeBehindALink wants what came and went while nobody read found where it
// is: beside the file that the link leads to.
func TestResumeBehindALink(t *testing.T) {
	twice := func(l *logFile, ending string) {
		for range 2 {
			l.rename()
			l.compress(ending)
			l.create()
			l.write(50)
		}
	}
	tests := []struct {
		name, link string
		rotate     func(l *logFile)
	}{
		{"another folder", "../link/odoo.log", func(l *logFile) { twice(l, ".none") }},
		{"another folder and name", "../link/log", func(l *logFile) { twice(l, ".none") }},
		{"another name", "current.log", func(l *logFile) { twice(l, ".none") }},
		{"compressed", "../link/odoo.log", func(l *logFile) { twice(l, ".1") }},
		{"copied", "../link/odoo.log", func(l *logFile) {
			l.copyAway()
			l.check(os.Truncate(l.path, 0))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, j := newLogFile(t), newJournal()
			link := filepath.Join(filepath.Dir(l.path), tt.link)
			l.check(os.MkdirAll(filepath.Dir(link), 0o755))
			l.check(os.Symlink(l.path, link))
			l.write(50)
			stop, ended := j.run(t, link, nil)
			j.AwaitLines(t, 50)
			stop()
			ended()
			l.write(50)
			tt.rotate(l)
			l.write(50)
			stop, ended = j.run(t, link, j.last())
			j.AwaitLines(t, l.next)
			stop()
			ended()
			if lost, doubled := compare(numbers(t, j.All()), l.next); lost+doubled+len(j.wrong) > 0 {
				t.Errorf("lost %d and doubled %d of %d lines; %q; alarms %q", lost, doubled, l.next, j.wrong, j.Alarms)
			}
		})
	}
}

// downtimeRotations happen between two processes only.
var downtimeRotations = []rotation{}

func TestResumeWarmUp(t *testing.T) {
	tests := []struct {
		name          string
		before, after int // lines in the old and the new file
		want          int // bytes of warm-up, at most
	}{
		{"all of a small file", 0, 100, 20_000},
		{"the end of a large file", 0, 25000, watcher.WarmUp},
		{"the end of the file before, too", 25000, 100, watcher.WarmUp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, j := newLogFile(t), newJournal()
			l.write(tt.before)
			stop, ended := j.run(t, l.path, nil)
			j.AwaitLines(t, tt.before)
			if tt.before > 0 {
				l.rename()
				l.create()
			}
			l.write(tt.after)
			j.AwaitLines(t, l.next)
			stop()
			ended()
			l.write(10)
			stop, ended = j.run(t, l.path, j.last())
			j.AwaitLines(t, l.next)
			stop()
			ended()
			if j.again > tt.want+7*150 || j.again < tt.want-200 && tt.want == watcher.WarmUp || j.again == 0 {
				t.Errorf("%d bytes came again, want %d", j.again, tt.want)
			}
			for i, seen := range j.Seen[l.next-10:] {
				if !seen.IsZero() {
					t.Errorf("line %d from the downtime was seen %v", i, seen)
				}
			}
		})
	}
}

// TestResumeAfter wants what happened during a downtime found out.
func TestResumeAfter(t *testing.T) {
	tests := []struct {
		name     string
		downtime func(l *logFile)
		alarm    string
		lost     int
	}{
		{name: "nothing", downtime: func(*logFile) {}},
		{name: "numbers and gzip", downtime: func(l *logFile) {
			for range 4 {
				l.compress(".1")
				l.rename()
				l.create()
				l.write(30)
			}
		}},
		{name: "everything compressed at once", downtime: func(l *logFile) {
			for range 3 {
				l.rename()
				l.compress(".1")
				l.create()
				l.write(30)
			}
		}},
		{name: "dates", downtime: func(l *logFile) {
			for _, date := range []string{"-20261123", "-20261124", "-20261125"} {
				l.check(os.Rename(l.path, l.path+date))
				l.compress(map[string]string{"-20261123": date, "-20261124": date}[date])
				l.create()
				l.write(30)
			}
		}},
		{name: "a gap that still is", downtime: func(l *logFile) {
			l.write(30)
			l.rename()
		}},
		{name: "moved to another file system and back", downtime: func(l *logFile) {
			text, err := os.ReadFile(l.path)
			l.check(err)
			l.check(os.Remove(l.path))
			l.check(os.WriteFile(l.path, text, 0o644))
			l.create()
			l.write(5)
		}},
		{name: "copytruncate, twice", downtime: func(l *logFile) {
			l.write(30)
			l.copyAway()
			l.check(os.Truncate(l.path, 0))
			l.write(30)
			l.check(os.Rename(l.path+".1", l.path+".2"))
			l.copyAway()
			l.check(os.Truncate(l.path, 0))
			l.write(30)
		}},
		{name: "copytruncate, compressed", downtime: func(l *logFile) {
			l.write(30)
			l.copyAway()
			l.check(os.Truncate(l.path, 0))
			l.compress(".1")
			l.write(30)
		}},
		{name: "a backup", downtime: func(l *logFile) {
			l.copyAway()
			l.write(30)
		}},
		{name: "deleted", alarm: "1 files that were read before", downtime: func(l *logFile) {
			l.check(os.Remove(l.path))
			l.create()
			l.write(30)
		}},
		{name: "emptied", alarm: "rotated away or truncated", downtime: func(l *logFile) {
			l.check(os.Truncate(l.path, 0))
			l.write(30)
		}},
		{name: "rotated away for good", alarm: "1 files that were read before", lost: 20, downtime: func(l *logFile) {
			l.write(20)
			l.check(os.Remove(l.path))
			l.create()
			l.write(30)
		}},
		{name: "compressed by xz", alarm: "compressed as .xz", lost: 30, downtime: func(l *logFile) {
			l.rename()
			l.create()
			l.write(30)
			l.rename()
			l.check(os.WriteFile(l.path+".1", []byte("\xfd7zXZ and so on"), 0o644))
			l.create()
			l.write(30)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, j := newLogFile(t), newJournal()
			l.write(30)
			// These were old before anybody looked.
			l.compress("")
			l.check(os.Rename(l.path+".gz", l.path+".7.gz"))
			l.check(os.Chtimes(l.path+".7.gz", time.Unix(0, 0), time.Unix(0, 0)))
			l.next = 0
			l.create()
			l.write(100)
			stop, ended := j.run(t, l.path, nil)
			j.AwaitLines(t, 100)
			stop()
			ended()
			tt.downtime(l)
			stop, ended = j.run(t, l.path, j.last())
			j.AwaitLines(t, l.next-tt.lost)
			j.Await(t, "settling", func() bool { return slices.Contains(j.SettledAt, l.next-tt.lost) })
			stop()
			ended()
			got := numbers(t, j.All())
			if lost, doubled := compare(got, l.next); lost != tt.lost || doubled > 0 {
				t.Errorf("lost %d, doubled %d of %d lines, want %d, 0", lost, doubled, l.next, tt.lost)
			}
			if !slices.IsSorted(got) {
				t.Errorf("lines are out of order: %v", got)
			}
			if alarms := strings.Join(j.Alarms, "\n"); !strings.Contains(alarms, tt.alarm) || tt.alarm == "" && alarms != "" {
				t.Errorf("alarms %q, want %q", alarms, tt.alarm)
			}
		})
	}
}

func TestResumeBroken(t *testing.T) {
	for _, text := range []string{
		"x", "{}", `{"version":2}`, `{"version":1,"files":[{"offset":5}]}`, `{"version":1,"files":[{"shift":-9223372036854775808}]}`,
		strings.Repeat(" ", watcher.MaxPosition+1),
	} {
		if err := NewFile("odoo.log", nil).Resume([]byte(text)); err == nil || !strings.Contains(err.Error(), "reading begins at the start") {
			t.Errorf("Resume(%.50q) gave %v", text, err)
		}
	}
}

// FuzzPosition wants any position read, or refused, and what was read written
// the same again; and following from there to hand on whole lines of the file.
func FuzzPosition(f *testing.F) {
	path := filepath.Join(f.TempDir(), "odoo.log")
	if err := os.WriteFile(path, []byte("one\ntwo\nthree\n"), 0o644); err != nil {
		f.Fatal(err)
	}
	j := newJournal()
	w := newFollower(NewFile(path, j.Alarm), j)
	if err := w.lookAround(f.Context()); err != nil {
		f.Fatal(err)
	}
	w.close()
	for _, p := range j.positions {
		f.Add(p)
	}
	f.Add([]byte(`{"version":1,"files":[{"inode":1,"shift":-7,"generation":"x"}]}`))
	f.Add([]byte(`{"version":1,"since":-1,"files":[{"inode":1,"offset":3,"generation":"x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := sinktest.New()
		file := NewFile(path, c.Alarm)
		if err := file.Resume(text); err != nil {
			return
		}
		w := newFollower(file, c)
		defer w.close()
		if err := w.lookAround(t.Context()); err != nil {
			t.Fatal(err)
		}
		again, err := parsePosition(w.position())
		if err != nil {
			t.Fatalf("%v in its own position %s", err, w.position())
		}
		if n := len(again.Files); n == 0 || again.Files[n-1].Offset != 14 {
			t.Errorf("position %s, want the end", w.position())
		}
		if whole := []string{"one", "two", "three"}; !cmp.Equal(c.All(), whole) {
			t.Errorf("got %q, want %q", c.All(), whole)
		}
	})
}
