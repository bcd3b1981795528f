package tailfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"odooban/internal/sinktest"
	"odooban/internal/testrequire"
	"odooban/watcher"
)

// replaceBy puts a file with that text in the place of the log, and goes on writing to it.
func (l *logFile) replaceBy(text string) {
	l.check(os.WriteFile(l.path+".new", []byte(text), 0o644))
	l.check(os.Rename(l.path+".new", l.path))
	l.create()
}

// bookmark is a sink that knows up to where each generation was read, as the engine
// does, and drops what comes from before.
type bookmark struct {
	*sinktest.Collector
	read     map[string]int64
	position []byte
}

func (b *bookmark) Line(l watcher.Line) error {
	b.Mu.Lock()
	last, known := b.read[l.Place.Generation]
	known = known && l.Place.Offset <= last
	if !known {
		b.read[l.Place.Generation] = l.Place.Offset
	}
	b.position = bytes.Clone(l.Position())
	b.Mu.Unlock()
	if known {
		return nil
	}
	return b.Collector.Line(l)
}

// run follows path from where it was followed up to.
func (b *bookmark) run(t *testing.T, path string) (stop func()) {
	t.Helper()
	f := NewFile(path, b.Alarm)
	f.grace = 500 * time.Millisecond
	if err := f.Resume(b.position); err != nil {
		t.Fatal(err)
	}
	return sinktest.Follow(t, f, b)
}

// TestRewritten rewrites a log in ways that leave its end as it was, at random moments
// and between two processes, and wants every line once.
func TestRewritten(t *testing.T) {
	ways := []struct {
		name    string
		rewrite func(l *logFile, text string, random *rand.Rand)
	}{
		{"trimmed", func(l *logFile, text string, random *rand.Rand) {
			l.replaceBy(text[strings.IndexByte(text[:1+random.IntN(len(text)/2)], '\n')+1:])
		}},
		{"trimmed in place", func(l *logFile, text string, random *rand.Rand) {
			l.check(os.WriteFile(l.path, []byte(text[strings.IndexByte(text[:1+random.IntN(len(text)/2)], '\n')+1:]), 0o644))
		}},
		{"without some lines", func(l *logFile, text string, _ *rand.Rand) {
			lines := strings.SplitAfter(text, "\n")
			l.replaceBy(strings.Join(slices.Delete(lines, 5, 9), ""))
		}},
		{"copied and moved back", func(l *logFile, text string, _ *rand.Rand) { l.replaceBy(text) }},
		{"with more before it", func(l *logFile, text string, _ *rand.Rand) {
			l.replaceBy("2026-11-23 10:00:00,000 17 INFO db odoo: line 0\n" + text)
		}},
	}
	for _, tt := range ways {
		for _, live := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, live %v", tt.name, live), func(t *testing.T) {
				t.Parallel()
				seed := rand.Uint64()
				random := rand.New(rand.NewPCG(seed, 0))
				l, b := newLogFile(t), &bookmark{sinktest.New(), make(map[string]int64), nil}
				l.write(100)
				stop := b.run(t, l.path)
				for range 5 {
					l.write(20 + random.IntN(50))
					b.AwaitLines(t, l.next)
					if !live {
						stop()
						l.write(random.IntN(10))
					}
					text, err := os.ReadFile(l.path)
					l.check(err)
					tt.rewrite(l, string(text), random)
					if !live {
						stop = b.run(t, l.path)
					}
				}
				l.write(1)
				b.AwaitLines(t, l.next)
				stop()
				if lost, doubled := compare(numbers(t, b.All()), l.next); lost+doubled > 0 {
					t.Errorf("seed %d: lost %d and doubled %d of %d lines", seed, lost, doubled, l.next)
				}
				if len(b.Alarms) > 0 {
					t.Errorf("seed %d: alarms %q", seed, b.Alarms)
				}
			})
		}
	}
}

// TestLateWriter is about a worker of a server that rotates by itself: it goes on to
// write to the old file, hours later and after a restart.
func TestLateWriter(t *testing.T) {
	l, b := newLogFile(t), &bookmark{sinktest.New(), make(map[string]int64), nil}
	l.write(10)
	stop := b.run(t, l.path)
	b.AwaitLines(t, 10)
	late := l.file
	l.file = nil
	defer late.Close()
	l.check(os.Rename(l.path, l.path+".2026-11-29"))
	l.create()
	for range 2 {
		l.write(1)
		b.AwaitLines(t, l.next)
		past := time.Now().Add(-20 * time.Hour)
		l.check(os.Chtimes(l.path+".2026-11-29", past, past))
		stop()
		stop = b.run(t, l.path)
		l.write(1)
		b.AwaitLines(t, l.next)
		l.writeTo(late, 1)
		b.AwaitLines(t, l.next)
	}
	stop()
	if lost, doubled := compare(numbers(t, b.All()), l.next); lost+doubled > 0 {
		t.Errorf("lost %d and doubled %d of %d lines", lost, doubled, l.next)
	}
}

// TestMountedFile rotates a file that is mounted by itself: only outside it is seen.
func TestMountedFile(t *testing.T) {
	testrequire.Root(t)
	for _, how := range []string{"renamed to odoo.log.1", "removed"} {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s before the start %v", how, before), func(t *testing.T) {
				l, c := newLogFile(t), sinktest.New()
				l.write(3)
				inside := filepath.Join(t.TempDir(), "odoo.log")
				writeFile(t, inside, "")
				if err := unix.Mount(l.path, inside, "", unix.MS_BIND, ""); err != nil {
					testrequire.Skip(t, fmt.Sprintf("mount a file: %v", err))
				}
				t.Cleanup(func() { l.check(unix.Unmount(inside, 0)) })
				rotate := func() {
					if l.rename(); how == "removed" {
						l.check(os.Remove(l.path + ".1"))
					}
					l.create()
					l.write(1)
				}
				if before {
					rotate()
				}
				stop := sinktest.Follow(t, NewFile(inside, c.Alarm), c)
				c.AwaitLines(t, 3)
				if !before {
					if len(c.Alarms) > 0 {
						t.Errorf("alarms %q before it was rotated", c.Alarms)
					}
					rotate()
				}
				c.AwaitAlarm(t, "it is mounted by itself, and was "+how+" outside")
				stop()
			})
		}
	}
}
