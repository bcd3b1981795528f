package torture

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the journal is read beside odooban, as people do

	"odooban/internal/netnstest"
	"odooban/internal/testrequire"
)

// patience is how long anything may take that is waited for.
const patience = 60 * time.Second

// long says whether the long form was asked for.
func long() bool { return os.Getenv("ODOOBAN_TEST_TORTURE") == "long" }

// build builds odooban, once for all tests.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "odooban-torture-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "odooban")
	build := exec.Command("go", "build", "-o", program, "odooban/cmd/odooban")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("build odooban: %w\n%s", err, out)
	}
	return program, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if program, err := build(); err == nil {
		os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// site is a server in a network namespace of its own that odooban guards.
type site struct {
	t       testing.TB
	net     *netnstest.Net
	program string
	dir     string
	log     string   // the log that is followed
	env     []string // odooban's configuration
	wrap    []string // a program that runs odooban, with its arguments
	journal *sql.DB

	// steady is held while odooban must not be killed.
	steady sync.Mutex
	kills  int
	cmd    *exec.Cmd
	ended  chan struct{}
}

// newSite makes a site with a log and clients, at least one: a network without any is a dead one to odooban in a
// container. Who fails three times within an hour is banned for another hour.
func newSite(t testing.TB, log string, clients int, env ...string) *site {
	t.Helper()
	testrequire.Root(t)
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, net: netnstest.New(t, clients), program: program, dir: t.TempDir(), log: log}
	s.env = append([]string{
		"ODOOBAN_JOURNAL_PATH=" + s.path(), "ODOOBAN_SOCKET=" + filepath.Join(s.dir, "s"), "ODOOBAN_FIREWALL_BACKEND=nftables",
		fmt.Sprintf("ODOOBAN_JAILS=[{rule: odoo-login, maxretry: %d, findtime: 1h, bantime: 1h}]", tries),
	}, env...)
	s.journal, err = sql.Open("sqlite", "file:"+s.path()+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	// As long as somebody has the journal open, odooban cannot tidy up behind itself.
	s.journal.SetMaxIdleConns(-1)
	t.Cleanup(func() {
		s.kill()
		s.journal.Close()
		if t.Failed() {
			t.Log(s.said())
			s.keep()
		}
	})
	return s
}

// path is that of the journal.
func (s *site) path() string { return filepath.Join(s.dir, "journal", "odooban.db") }

// environment is that of odooban: ours without what would configure it.
func (s *site) environment() []string {
	ours := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ODOOBAN_") })
	return append(ours, s.env...)
}

// start starts odooban. It dies with the test's process, too: the thread that is its parent stays until then.
func (s *site) start() {
	s.t.Helper()
	log, err := os.OpenFile(s.logbook(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	args := append(slices.Clone(s.wrap), s.program, "run", s.log)
	cmd, ended := exec.Command(args[0], args[1:]...), make(chan struct{})
	cmd.Env, cmd.Stderr = s.environment(), log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		err := s.net.Server.Do(func() error {
			err := cmd.Start()
			started <- err
			if err == nil {
				_ = cmd.Wait() // being killed is its error
				close(ended)
			}
			return nil
		})
		if err != nil {
			started <- err
		}
	}()
	if err := <-started; err != nil {
		s.t.Fatal(err)
	}
	s.cmd, s.ended = cmd, ended
}

func (s *site) logbook() string { return filepath.Join(s.dir, "odooban.log") }

// said is what odooban has said, if it is not much.
func (s *site) said() string {
	text, _ := os.ReadFile(s.logbook())
	var told []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, `"banned"`) {
			told = append(told, line)
		}
	}
	return strings.Join(told[max(0, len(told)-60):], "")
}

// signal sends odooban a signal.
func (s *site) signal(signal os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Error(err)
	}
}

// kill ends odooban by SIGKILL, if it runs.
func (s *site) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.ended
	s.cmd = nil
}

// stop ends odooban as the system does.
func (s *site) stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Error("odooban does not end")
		s.kill()
		return
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("odooban ended with exit code %d", code)
	}
	s.cmd = nil
}

// undisturbed runs f while odooban is not killed.
func (s *site) undisturbed(f func()) {
	s.steady.Lock()
	defer s.steady.Unlock()
	f()
}

// await waits until done says so.
func (s *site) await(what func() string, done func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-ctx.Done():
			s.t.Fatalf("waited in vain for %s", what())
		}
	}
}

// awaitAll waits until the journal has every attempt that was written.
func (s *site) awaitAll(w *writer) {
	s.t.Helper()
	s.awaitFailures(w.next)
}

func (s *site) awaitFailures(n int) {
	s.t.Helper()
	got := 0
	s.await(func() string { return fmt.Sprintf("%d failures in the journal, which has %d", n, got) }, func() bool {
		got = s.failures()
		return got >= n
	})
}

// failures is how many of the attempts the journal has.
func (s *site) failures() (n int) {
	s.t.Helper()
	err := s.journal.QueryRow(`SELECT count(DISTINCT user) FROM failures WHERE user GLOB 'user-*'`).Scan(&n)
	if err != nil && !s.beginning(err) {
		s.t.Fatal(err)
	}
	return n
}

// beginning says whether err is because the journal was just being begun.
func (s *site) beginning(err error) bool {
	_, missing := os.Stat(s.path())
	return errors.Is(missing, os.ErrNotExist) || strings.Contains(err.Error(), "no such table") ||
		strings.Contains(err.Error(), "unable to open")
}

// awaitSaid waits until odooban has said something, n times.
func (s *site) awaitSaid(text string, n int) {
	s.t.Helper()
	s.await(func() string { return "odooban to say " + text }, func() bool {
		said, err := os.ReadFile(s.logbook())
		return err == nil && strings.Count(string(said), text) >= n
	})
}

// awaitBans waits until the journal has n bans.
func (s *site) awaitBans(n int) {
	s.t.Helper()
	got := 0
	s.await(func() string { return fmt.Sprintf("%d bans, there are %d", n, got) }, func() bool {
		err := s.journal.QueryRow(`SELECT count(*) FROM bans`).Scan(&got)
		return err == nil && got >= n
	})
}

// keep copies what a failed test leaves behind to ODOOBAN_TEST_KEEP, a folder.
func (s *site) keep() {
	dir := os.Getenv("ODOOBAN_TEST_KEEP")
	if dir == "" {
		return
	}
	to := filepath.Join(dir, filepath.FromSlash(s.t.Name()))
	for from, name := range map[string]string{s.dir: "site", filepath.Dir(s.log): "log"} {
		if err := os.CopyFS(filepath.Join(to, name), os.DirFS(from)); err != nil {
			s.t.Log(err)
		}
	}
}
