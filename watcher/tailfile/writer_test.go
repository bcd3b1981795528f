package tailfile

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// logFile writes numbered lines to a file that is being rotated. It knows
// nothing of tests, so that it can torture other readers too.
type logFile struct {
	path string
	file *os.File
	next int
	// check takes what went wrong; nil is nothing.
	check func(error)
}

func newLogFile(t testing.TB) *logFile {
	t.Helper()
	l := &logFile{path: filepath.Join(t.TempDir(), "odoo.log"), check: func(err error) {
		if err != nil {
			t.Helper()
			t.Error(err)
		}
	}}
	l.create()
	t.Cleanup(func() { l.file.Close() })
	return l
}

// rotation is one way of going over to a new file.
type rotation struct {
	name string
	// rotate does it. all waits until everything that was written has been
	// read; without it nothing is waited for.
	rotate func(l *logFile, all func())
	// mixed says that lines of two files may come in any order.
	mixed bool
	// live says that lines are lost unless somebody has the file open.
	live bool
}

var rotations = []rotation{
	{name: "rename and create", rotate: func(l *logFile, _ func()) {
		l.rename()
		l.create()
	}},
	{name: "two in a row", rotate: func(l *logFile, _ func()) {
		l.rename()
		l.create()
		l.write(300)
		l.rename()
		l.create()
	}},
	{name: "WatchedFileHandler", rotate: func(l *logFile, _ func()) {
		l.writeWatching()
		l.rename()
		l.writeWatching()
	}},
	{name: "late writes", mixed: true, rotate: func(l *logFile, _ func()) {
		late := l.file
		l.file = nil
		l.rename()
		l.writeTo(late, 100)
		l.create()
		for range 100 {
			l.write(1)
			l.writeTo(late, 1)
		}
		late.Close()
	}},
	{name: "half lines", rotate: func(l *logFile, _ func()) {
		l.writeInParts(20)
		l.rename()
		l.writeInParts(20)
		l.create()
		l.writeInParts(20)
	}},
	{name: "gap without a file", rotate: func(l *logFile, all func()) {
		l.rename()
		l.write(200)
		all()
		l.write(200)
		l.create()
	}},
	{name: "compression of the file before", rotate: func(l *logFile, _ func()) {
		l.compress(".1")
		l.rename()
		l.create()
	}},
	{name: "delete and create", live: true, rotate: func(l *logFile, all func()) {
		all()
		l.write(200)
		l.check(os.Remove(l.path))
		l.write(200)
		l.create()
	}},
	{name: "copytruncate", rotate: func(l *logFile, all func()) {
		all()
		l.write(300)
		l.copyAway()
		l.check(os.Truncate(l.path, 0))
	}},
	{name: "truncate and write more", rotate: func(l *logFile, all func()) {
		all()
		size, err := l.file.Seek(0, io.SeekCurrent)
		l.check(err)
		l.check(os.Truncate(l.path, 0))
		for end := int64(0); end <= size && err == nil; end, err = l.file.Seek(0, io.SeekCurrent) {
			l.write(200)
		}
		l.check(err)
	}},
	{name: "renamed and renamed back", rotate: func(l *logFile, _ func()) {
		l.check(os.Rename(l.path, l.path+".old"))
		l.write(100)
		l.check(os.Rename(l.path+".old", l.path))
	}},
}

// create opens a new file at the path, for appending, as a log writer does.
func (l *logFile) create() {
	if l.file != nil {
		l.file.Close()
	}
	f, err := openToAppend(l.path)
	l.check(err)
	l.file = f
}

func openToAppend(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
}

// line is the next line.
func (l *logFile) line() string {
	n := l.next
	l.next++
	return fmt.Sprintf("2026-11-23 10:00:00,000 17 INFO db odoo: line %06d %s\n", n, strings.Repeat("x", n%80))
}

// write writes the next n lines, a write each.
func (l *logFile) write(n int) { l.writeTo(l.file, n) }

func (l *logFile) writeTo(f *os.File, n int) {
	for range n {
		_, err := f.WriteString(l.line())
		l.check(err)
	}
}

// writeInParts writes the next n lines, each in several writes.
func (l *logFile) writeInParts(n int) {
	for range n {
		line := l.line()
		for _, at := range []int{1, 10, 11} {
			_, err := l.file.WriteString(line[:at])
			l.check(err)
			line = line[at:]
		}
		_, err := l.file.WriteString(line)
		l.check(err)
	}
}

// writeWatching writes as Python's WatchedFileHandler, which Odoo uses: before
// every line it looks whether the path still names its file.
func (l *logFile) writeWatching() {
	for range 100 {
		var own, named syscall.Stat_t
		err := errors.Join(syscall.Fstat(int(l.file.Fd()), &own), syscall.Stat(l.path, &named))
		if err != nil || own.Ino != named.Ino || own.Dev != named.Dev {
			l.create()
		}
		l.write(1)
	}
}

// rename shifts odoo.log.1 to odoo.log.2 and so on, and the log to odoo.log.1.
func (l *logFile) rename() {
	old, err := filepath.Glob(l.path + ".[0-9]*")
	l.check(err)
	number := func(path string) (n int) {
		fmt.Sscanf(strings.TrimPrefix(path, l.path), ".%d", &n)
		return n
	}
	slices.SortFunc(old, func(a, b string) int { return number(b) - number(a) })
	for _, from := range old {
		ending := strings.TrimLeft(strings.TrimPrefix(from, l.path), ".0123456789")
		if ending != "" {
			ending = "." + ending
		}
		l.check(os.Rename(from, fmt.Sprintf("%s.%d%s", l.path, number(from)+1, ending)))
	}
	l.check(os.Rename(l.path, l.path+".1"))
}

// compress does with the log called path and ending, if there is one, what
// gzip does: the new file has the old one's times.
func (l *logFile) compress(ending string) {
	from := l.path + ending
	text, err := os.ReadFile(from)
	if err != nil {
		return
	}
	info, err := os.Stat(from)
	l.check(err)
	to, err := os.Create(from + ".gz")
	l.check(err)
	z := gzip.NewWriter(to)
	_, err = z.Write(text)
	l.check(errors.Join(err, z.Close(), to.Close()))
	l.check(os.Chtimes(from+".gz", info.ModTime(), info.ModTime()))
	l.check(os.Remove(from))
}

// copyAway copies the log to odoo.log.1, as logrotate's copytruncate does.
func (l *logFile) copyAway() {
	text, err := os.ReadFile(l.path)
	l.check(err)
	_ = os.Remove(l.path + ".1")
	l.check(os.WriteFile(l.path+".1", text, 0o644))
}

// compare tells how many of the numbers up to n are missing in got, and how
// many are there too often.
func compare(got []int, n int) (lost, doubled int) {
	times := make([]int, n)
	for _, g := range got {
		times[g]++
	}
	for _, k := range times {
		if k == 0 {
			lost++
		} else {
			doubled += k - 1
		}
	}
	return lost, doubled
}
