package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"odooban/internal/config"
)

// program is a running odooban, and what it has logged so far.
type program struct {
	cmd *exec.Cmd

	mu      sync.Mutex
	changed *sync.Cond
	entries []entry
	ended   bool
}

// entry is one line of odooban's own log.
type entry struct {
	Message string       `json:"message"`
	Addr    netip.Addr   `json:"addr"`
	Prefix  netip.Prefix `json:"prefix"`
	Until   time.Time    `json:"until"`
	Alarm   string       `json:"alarm"`
	text    string
}

// start runs odooban by start, which starts a command, until the test ends. It
// logs each failure.
func start(t *testing.T, start func(*exec.Cmd) error, env []string, args ...string) *program {
	t.Helper()
	p := &program{cmd: &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{"odooban"}, args...),
		Env: append(append(os.Environ(), "GORACE=atexit_sleep_ms=0", "ODOOBAN_LOG_LEVEL=debug",
			"ODOOBAN_SOCKET="+filepath.Join(t.TempDir(), "s")), env...),
	}}
	p.changed = sync.NewCond(&p.mu)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := start(p.cmd); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { p.read(stderr) })
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		reading.Wait()
		p.cmd.Wait()
		if t.Failed() {
			for _, e := range p.entries {
				t.Log(e.text)
			}
		}
	})
	return p
}

func (p *program) read(log io.Reader) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		e := entry{text: lines.Text()}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			e.Message = e.text
		}
		p.change(func() { p.entries = append(p.entries, e) })
	}
	p.change(func() { p.ended = true })
}

func (p *program) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.changed.Broadcast()
}

// await waits for an entry and returns it.
func (p *program) await(t *testing.T, what string, wanted func(entry) bool) entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() { p.change(func() {}) })()
	p.mu.Lock()
	defer p.mu.Unlock()
	for seen := 0; ; p.changed.Wait() {
		for ; seen < len(p.entries); seen++ {
			if wanted(p.entries[seen]) {
				return p.entries[seen]
			}
		}
		if p.ended || ctx.Err() != nil {
			t.Fatalf("odooban did not log: %s", what)
		}
	}
}

func (p *program) awaitMessage(t *testing.T, message string) {
	t.Helper()
	p.await(t, message, func(e entry) bool { return e.Message == message })
}

// awaitBan returns the ban of prefix.
func (p *program) awaitBan(t *testing.T, prefix string) entry {
	t.Helper()
	return p.await(t, "ban of "+prefix, func(e entry) bool {
		return strings.HasSuffix(e.Message, "banned") && e.Prefix == netip.MustParsePrefix(prefix)
	})
}

// failures is how many failures of addr were logged.
func (p *program) failures(addr string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entries {
		if e.Message == "failed login" && e.Addr == netip.MustParseAddr(addr) {
			n++
		}
	}
	return n
}

// end sends a signal, waits for the end and returns the exit code.
func (p *program) end(t *testing.T, signal os.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	for !p.ended {
		p.changed.Wait()
	}
	p.mu.Unlock()
	p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// odooLog is a log that is written to, as Odoo does.
type odooLog struct {
	t    *testing.T
	file *os.File
}

func newOdooLog(t *testing.T) odooLog {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(t.TempDir(), "odoo.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return odooLog{t, file}
}

func (l odooLog) record(format string, args ...any) {
	l.t.Helper()
	l.recordAt("INFO", format, args...)
}

func (l odooLog) recordAt(level, format string, args ...any) {
	l.t.Helper()
	l.recordOf(time.Now(), level, format, args...)
}

// recordOf is a record with that time.
func (l odooLog) recordOf(at time.Time, level, format string, args ...any) {
	l.t.Helper()
	head := fmt.Sprintf("%s 401 %s shop ", at.UTC().Format("2006-01-02 15:04:05,000"), level)
	if _, err := fmt.Fprintf(l.file, head+format+"\n", args...); err != nil {
		l.t.Fatal(err)
	}
}

// fail logs a failed login of each address, with its access line. A server takes
// a while for each: until odooban has seen it.
func (l odooLog) fail(odooban *program, addrs ...string) {
	l.t.Helper()
	for _, addr := range addrs {
		before := odooban.failures(addr)
		l.failAt(time.Now(), addr)
		n := 0
		odooban.await(l.t, "failure of "+addr, func(e entry) bool {
			if e.Message == "failed login" && e.Addr == netip.MustParseAddr(addr) {
				n++
			}
			return n > before
		})
	}
}

// failAt logs a failed login of that time, with its access line.
func (l odooLog) failAt(at time.Time, addr string) {
	l.t.Helper()
	l.recordOf(at, "INFO", "odoo.addons.base.models.res_users: Login failed for login:admin from %s ", addr)
	l.recordOf(at, "INFO", `werkzeug: %s - - [%s] "POST /web/login HTTP/1.1" 200 - 5 0.001 0.003`,
		addr, at.UTC().Format("02/Jan/2006 15:04:05"))
}

// coolDown logs that Odoo has refused to look at a login.
func (l odooLog) coolDown(addr string) {
	l.t.Helper()
	l.recordAt("WARNING", "odoo.addons.base.models.res_users: Login attempt ignored for %s (user 'admin') on shop: "+
		"10 failures since last success, last failure at 2026-11-23 10:48:56.743481. You can configure the number of "+
		"login failures before a user is put on cooldown as well as the duration in the System Parameters. Disable "+
		"this feature by setting \"base.login_cooldown_after\" to 0. ", addr)
}

// A file is followed, also through a pattern and when two patterns match it,
// until a signal comes; then odooban has done what it was to do.
func TestRunFollowsUntilASignal(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			log := newOdooLog(t)
			odooban := start(t, (*exec.Cmd).Start, []string{"ODOOBAN_JAILS_ODOO_LOGIN_MAXRETRY=3"},
				"run", "--dry-run", log.file.Name(), filepath.Join(filepath.Dir(log.file.Name()), "*.log"))
			odooban.awaitMessage(t, "following "+log.file.Name())
			log.fail(odooban, "203.0.113.20", "203.0.113.20", "203.0.113.21", "203.0.113.21", "203.0.113.21")
			odooban.awaitBan(t, "203.0.113.21/32")
			if code := odooban.end(t, signal); code != exitDone {
				t.Errorf("exit code %d", code)
			}
			for _, e := range odooban.entries {
				if e.Prefix == netip.MustParsePrefix("203.0.113.20/32") {
					t.Errorf("two failures counted as more: %s", e.text)
				}
			}
			if last := odooban.entries[len(odooban.entries)-1]; last.Message != "stopped" {
				t.Errorf("the last words: %s", last.text)
			}
		})
	}
}

// A log that is not there yet is said to be missing, and followed once it is.
func TestRunWaitsForItsLog(t *testing.T) {
	log := newOdooLog(t)
	later := filepath.Join(t.TempDir(), "odoo.log")
	odooban := start(t, (*exec.Cmd).Start, nil, "run", "--dry-run", later)
	e := odooban.await(t, "alarm", func(e entry) bool { return e.Alarm == "source-trouble" })
	if !strings.Contains(e.Message, later) {
		t.Errorf("the alarm does not name the log: %s", e.text)
	}
	log.coolDown("203.0.113.20")
	if err := os.Rename(log.file.Name(), later); err != nil {
		t.Fatal(err)
	}
	odooban.awaitBan(t, "203.0.113.20/32")
}

// Where a journal is open that could not even be read, what it holds is restored.
func TestALateJournalIsRestored(t *testing.T) {
	late := make(chan struct{})
	close(late)
	c := new(config.Config)
	if next := (&daemon{}).awaitReload(t.Context(), c, &pipeline{late: late}); next != c {
		t.Errorf("next is %v", next)
	}
}
