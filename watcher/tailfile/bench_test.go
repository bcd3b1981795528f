package tailfile

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"odooban/internal/sinktest"
	"odooban/watcher"
)

// arrivals tells when a line has come.
type arrivals struct {
	lines chan time.Time
}

func (a *arrivals) Line(watcher.Line) error { a.lines <- time.Now(); return nil }
func (a *arrivals) Settled(time.Time) error { return nil }

// BenchmarkLive measures from the writing of a line until it is handed on.
func BenchmarkLive(b *testing.B) {
	path := filepath.Join(b.TempDir(), "odoo.log")
	log, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	a := &arrivals{lines: make(chan time.Time, 1)}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	f := NewFile(path, func(_ string, err error) { b.Error(err) })
	go func() { done <- f.Follow(ctx, a) }()
	defer func() {
		cancel()
		<-done
	}()
	var took []time.Duration
	for b.Loop() {
		wrote := time.Now()
		if _, err := log.WriteString("2026-11-23 10:00:00,123 4711 INFO db odoo: a line\n"); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-a.lines).Sub(wrote))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}

// last keeps the position of the last line, and ends after want lines.
type last struct {
	want, lines int
	position    []byte
	end         func()
}

func (l *last) Line(line watcher.Line) error {
	l.lines++
	if l.lines == l.want {
		l.position = bytes.Clone(line.Position())
		l.end()
	}
	return nil
}
func (l *last) Settled(time.Time) error { return nil }

// BenchmarkResume measures from the start of following a file of 100 MB at its
// end until the first line that is new: warm-up, verification, and that line.
// With gzip the file was compressed meanwhile.
func BenchmarkResume(b *testing.B) {
	const size = 100 << 20
	line := []byte("2026-11-23 10:00:00,123 4711 INFO db odoo: a line of a log that is long already\n")
	for _, packed := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "gzip"}[packed], func(b *testing.B) {
			l := newLogFile(b)
			if _, err := l.file.Write(bytes.Repeat(line, size/len(line))); err != nil {
				b.Fatal(err)
			}
			run := func(position []byte, lines int) []byte {
				ctx, cancel := context.WithCancel(b.Context())
				s := &last{want: lines, end: cancel}
				f := NewFile(l.path, func(_ string, err error) { b.Error(err) })
				if err := f.Resume(position); err != nil {
					b.Fatal(err)
				}
				if err := f.Follow(ctx, s); err != nil {
					b.Fatal(err)
				}
				return s.position
			}
			position := run(nil, size/len(line))
			l.write(1)
			if packed {
				l.rename()
				l.compress(".1")
				l.create()
			}
			b.ReportAllocs()
			for b.Loop() {
				run(position, watcher.WarmUp/len(line)+1)
			}
		})
	}
}

// BenchmarkPosition measures what a line's position costs who asks for it.
func BenchmarkPosition(b *testing.B) {
	l := newLogFile(b)
	l.write(100)
	c := sinktest.New()
	w := newFollower(NewFile(l.path, c.Alarm), c)
	defer w.close()
	if err := w.lookAround(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		w.position()
	}
}
