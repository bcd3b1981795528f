package torture

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"odooban/internal/testrequire"
)

// keptFiles is how many rotated files are kept.
const keptFiles = 14

// rotation is one way of going over to a new file.
type rotation struct {
	name string
	// handler says how the server writes; nil is into the file it has open.
	handler func(w *writer) (put func(line string))
	rotate  func(w *writer, s *site)
	// mixed says that lines of two files may be read in another order than they were written.
	mixed bool
}

var rotations = []rotation{
	{name: "rename and create", rotate: func(w *writer, _ *site) {
		w.rename()
		w.create()
	}},
	{name: "WatchedFileHandler", handler: watching, rotate: func(w *writer, _ *site) { w.rename() }},
	{name: "late writes to the old file", mixed: true, rotate: func(w *writer, _ *site) {
		late := w.file
		w.file = nil
		w.rename()
		put := w.put
		toLate := func(line string) { w.putTo(late, line) }
		w.put = toLate
		w.fast(50)
		w.create()
		for range 20 {
			w.put = put
			w.slow(1)
			w.put = toLate
			w.slow(1)
		}
		w.put = put
		w.check(late.Close())
	}},
	{name: "two in a row", rotate: func(w *writer, _ *site) {
		w.rename()
		w.create()
		w.fast(50)
		w.rename()
		w.create()
	}},
	{name: "delete and recreate", rotate: func(w *writer, s *site) {
		// Lines that stand only in a file without a name go with whoever has it open.
		s.undisturbed(func() {
			s.awaitAll(w)
			w.fast(100)
			w.check(os.Remove(w.path))
			w.fast(50)
			s.awaitAll(w)
		})
		w.create()
	}},
	{name: "copytruncate", rotate: func(w *writer, s *site) {
		// What is written between the copy and the truncation is lost to everybody, so nothing is.
		s.awaitAll(w)
		w.fast(100)
		w.copyTruncate()
	}},
	{name: "truncate and rewrite larger", rotate: func(w *writer, s *site) {
		s.awaitAll(w)
		size := w.size()
		w.check(os.Truncate(w.path, 0))
		for w.size() <= size {
			w.fast(50)
		}
	}},
	{name: "half lines", handler: halfLines, rotate: func(w *writer, _ *site) {
		w.rename()
		w.slow(5)
		w.create()
	}},
	{name: "gap without a file", rotate: func(w *writer, _ *site) {
		w.rename()
		w.fast(50)
		w.slow(20)
		w.create()
	}},
	{name: "compression of the old file", rotate: func(w *writer, _ *site) {
		w.rename()
		w.create()
		w.fast(20)
		w.compress(".1")
	}},
	{name: "compression a rotation later", rotate: func(w *writer, _ *site) {
		w.compress(".1")
		w.rename()
		w.create()
	}},
	{name: "logrotate", handler: watching, rotate: func(w *writer, _ *site) {
		w.logrotate("compress\ndelaycompress\nmissingok\nnotifempty\ncreate 0640 root root")
	}},
	{name: "logrotate without a file for a while", handler: watching, rotate: func(w *writer, _ *site) {
		w.logrotate("compress\nmissingok\nnotifempty\nnocreate")
	}},
	{name: "logrotate with copytruncate", rotate: func(w *writer, s *site) {
		s.awaitAll(w)
		w.fast(50)
		w.logrotate("compress\ndelaycompress\nmissingok\nnotifempty\ncopytruncate")
	}},
}

// watching writes as Python's WatchedFileHandler, which Odoo uses: before every line it looks whether the path still
// names its file.
func watching(w *writer) func(string) {
	return func(line string) {
		var own, named syscall.Stat_t
		err := errors.Join(syscall.Fstat(int(w.file.Fd()), &own), syscall.Stat(w.path, &named))
		if err != nil || own.Ino != named.Ino || own.Dev != named.Dev {
			w.create()
		}
		w.putTo(w.file, line)
	}
}

// halfLines writes some of the lines in pieces, with pauses in between.
func halfLines(w *writer) func(string) {
	lines := 0
	return func(line string) {
		lines++
		if lines%10 != 0 {
			w.putTo(w.file, line)
			return
		}
		for _, part := range []string{line[:1], line[1:30], line[30 : len(line)-3], line[len(line)-3:]} {
			_, err := w.file.WriteString(part)
			w.check(err)
			<-w.tick.C
		}
		w.noted(line)
	}
}

// rename shifts odoo.log.1 to odoo.log.2 and so on, and the log to odoo.log.1. The oldest goes.
func (w *writer) rename() {
	w.shift()
	w.check(os.Rename(w.path, w.path+".1"))
}

func (w *writer) shift() {
	for i := keptFiles; i > 0; i-- {
		for _, ending := range []string{"", ".gz"} {
			from := fmt.Sprintf("%s.%d%s", w.path, i, ending)
			if _, err := os.Stat(from); err != nil {
				continue
			}
			if i == keptFiles {
				w.check(os.Remove(from))
				continue
			}
			w.check(os.Rename(from, fmt.Sprintf("%s.%d%s", w.path, i+1, ending)))
		}
	}
}

// compress does with the log called path and ending what gzip does: the new file has the old one's times.
func (w *writer) compress(ending string) {
	from := w.path + ending
	text, err := os.ReadFile(from)
	if err != nil {
		return
	}
	info, err := os.Stat(from)
	w.check(err)
	to, err := os.Create(from + ".gz")
	w.check(err)
	z := gzip.NewWriter(to)
	_, err = z.Write(text)
	w.check(errors.Join(err, z.Close(), to.Close()))
	w.check(os.Chtimes(from+".gz", info.ModTime(), info.ModTime()))
	w.check(os.Remove(from))
}

func (w *writer) copyTruncate() {
	w.shift()
	text, err := os.ReadFile(w.path)
	w.check(err)
	w.check(os.WriteFile(w.path+".1", text, 0o640))
	w.check(os.Truncate(w.path, 0))
}

func (w *writer) size() int64 {
	size, err := w.file.Seek(0, io.SeekEnd)
	w.check(err)
	return size
}

// logrotate runs the real one.
func (w *writer) logrotate(options string) {
	dir := filepath.Dir(w.path)
	config := filepath.Join(dir, "logrotate.conf")
	text := fmt.Sprintf("%s {\nsu root root\nrotate %d\n%s\n}\n", w.path, keptFiles, options)
	w.check(os.WriteFile(config, []byte(text), 0o600))
	out, err := exec.Command(testrequire.Command(w.t, "logrotate"), "-f", "-s", filepath.Join(dir, "state"), config).CombinedOutput()
	if err != nil || len(out) > 0 {
		w.t.Errorf("logrotate: %v: %s", err, out)
	}
}
