package dockertest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Writer is a container that writes what it is told to.
type Writer struct {
	*Container
	// Out and Err take what it writes to its standard output and error. What
	// was not written when it ended is written when it runs again, but for what
	// it was just writing.
	Out, Err *os.File
}

// Write starts a container that writes what it is told to. An image is made for
// it, of the name that s gives; its Cmd is set.
func (e *Engine) Write(t testing.TB, s Spec) *Writer {
	t.Helper()
	program := filepath.Join(filepath.Dir(e.Socket), "writer")
	if _, err := os.Stat(program); err != nil {
		build(t, "odooban/internal/dockertest/writer", program)
	}
	e.Image(t, s.Image, map[string]string{"/writer": program})
	dir := t.TempDir()
	w := &Writer{Out: fifo(t, filepath.Join(dir, "out")), Err: fifo(t, filepath.Join(dir, "err"))}
	s.Cmd = []string{"/writer"}
	s.Host.Binds = append(s.Host.Binds, dir+":/in")
	w.Container = e.Run(t, s)
	return w
}

// fifo makes a FIFO and opens it so that it needs nobody at its other end.
func fifo(t testing.TB, path string) *os.File {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
