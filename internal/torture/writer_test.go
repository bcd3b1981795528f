package torture

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	// workers is how many processes of Odoo write, in turn. At the rates below, none begins a request before its last
	// one is over.
	workers = 64
	// crowd is how many addresses try in turn, tries times each: then come others.
	crowd, tries = 100, 3
)

// writer is an Odoo server: it logs numbered failed logins, number n under the name of user n.
type writer struct {
	t    testing.TB
	path string
	file *os.File
	// put writes a line to the log, the way the server does.
	put func(line string)
	// next is the number of the next attempt.
	next int
	// truth takes every line in the order in which they were written, as if the log had never been rotated.
	truth *bufio.Writer
	// ended closes truth and returns its path.
	ended func() string
	tick  *time.Ticker
}

func newWriter(t testing.TB) *writer {
	t.Helper()
	w := &writer{t: t, path: filepath.Join(t.TempDir(), "odoo.log"), tick: time.NewTicker(time.Millisecond)}
	w.put = func(line string) { w.putTo(w.file, line) }
	w.create()
	truth, err := os.Create(filepath.Join(t.TempDir(), "truth.log"))
	w.check(err)
	w.truth = bufio.NewWriter(truth)
	w.ended = func() string {
		w.check(w.truth.Flush())
		w.check(truth.Close())
		return truth.Name()
	}
	t.Cleanup(func() {
		w.tick.Stop()
		w.file.Close()
		truth.Close()
	})
	return w
}

func (w *writer) check(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Error(err)
	}
}

// create opens a new file at the path, as a log handler does.
func (w *writer) create() {
	if w.file != nil {
		w.file.Close()
	}
	w.file = w.open()
}

func (w *writer) open() *os.File {
	f, err := os.OpenFile(w.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	w.check(err)
	return f
}

// putTo writes a line to a file, in one go as Odoo does.
func (w *writer) putTo(f *os.File, line string) {
	_, err := f.WriteString(line)
	w.check(err)
	w.noted(line)
}

func (w *writer) noted(line string) {
	_, err := w.truth.WriteString(line)
	w.check(err)
}

// fast writes n attempts at 8,000 a second, more than any Odoo, among as many lines again about other things.
func (w *writer) fast(n int) {
	for i := range n {
		if i%8 == 0 {
			<-w.tick.C
		}
		w.attempt()
		w.record("odoo.modules.loading: %d modules loaded in 0.01s, 0 queries (+0 extra)", i)
	}
}

// slow writes n attempts at the rate of an ordinary attack.
func (w *writer) slow(n int) {
	for range n {
		for range 4 {
			<-w.tick.C
		}
		w.attempt()
	}
}

// calm writes n attempts, each after the one before has been judged.
func (w *writer) calm(n int) {
	for range n {
		for range 20 {
			<-w.tick.C
		}
		w.attempt()
	}
}

// attempt logs the next failed login. Every seventh is by XML-RPC: its address stands in the access line alone.
func (w *writer) attempt() {
	n := w.next
	w.next++
	began := time.Now()
	addr, path, from := attacker(n), "/web/login", attacker(n).String()
	if n%7 == 6 {
		path, from = "/xmlrpc/2/common", "n/a"
	}
	w.recordAt(began, "odoo.addons.base.models.res_users: Login failed for db:shop login:%s from %s ", user(n), from)
	ended := time.Now()
	w.recordAt(ended, `werkzeug: %s - - [%s] "POST %s HTTP/1.1" 200 - 5 0.001 %.3f`,
		addr, ended.UTC().Format("02/Jan/2006 15:04:05"), path, ended.Sub(began).Seconds()+0.001)
}

// record writes a record of the worker whose turn it is.
func (w *writer) record(format string, args ...any) { w.recordAt(time.Now(), format, args...) }

func (w *writer) recordAt(at time.Time, format string, args ...any) {
	stamp := at.UTC().Format("2006-01-02 15:04:05,000")
	w.put(fmt.Sprintf("%s %d INFO shop %s\n", stamp, 400+w.next%workers, fmt.Sprintf(format, args...)))
}

func user(n int) string { return fmt.Sprintf("user-%07d", n) }

// attacker is whose attempt number n is.
func attacker(n int) netip.Addr {
	i := n/(crowd*tries)*crowd + n%crowd
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}
