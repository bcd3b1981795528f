package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"odooban/internal/netnstest"
)

// stage is where a script about the running odooban plays: a network namespace
// of its own, with its own firewall.
type stage struct {
	host *netnstest.Host

	mu      sync.Mutex
	log     bytes.Buffer
	changed chan struct{}
	daemon  *exec.Cmd
	// now is the time of the next attempt in the log.
	now time.Time
}

type stageKey struct{}

// Write takes what the daemon logs.
func (s *stage) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return s.log.Write(p)
}

func (s *stage) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// TestControlScripts asks and corrects a real daemon, with a real firewall. The
// commands besides those of testscript are below; socket and journal are set.
func TestControlScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/script/control",
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Setenv("ODOOBAN_SOCKET", filepath.Join(env.WorkDir, "s"))
			env.Setenv("ODOOBAN_JOURNAL_PATH", filepath.Join(env.WorkDir, "journal", "odooban.db"))
			server := netnstest.New(t, 1).Server
			server.Echo(t, protectedPort) // a place where clients come by
			env.Values[stageKey{}] = &stage{host: server, changed: make(chan struct{}, 1), now: time.Now().Add(-58 * time.Second)}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"asks": asks, "daemon": daemonCommand, "logs": logs, "holds": holds, "attack": attack, "safe": safe,
			"logged": loggedCommand, "unprivileged": unprivilegedAt,
		},
		RequireUniqueNames: true,
	})
}

func stageOf(ts *testscript.TestScript) *stage {
	s, ok := ts.Value(stageKey{}).(*stage)
	if !ok {
		ts.Fatalf("no stage")
	}
	return s
}

// command is odooban on the stage.
func (s *stage) command(ts *testscript.TestScript, args ...string) *exec.Cmd {
	env := os.Environ()
	for _, name := range []string{
		"ODOOBAN_SOCKET", "ODOOBAN_JOURNAL_PATH", "ODOOBAN_IGNORE", "ODOOBAN_CONFIG", "GORACE", "PATH",
	} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{"odooban"}, args...), Dir: ts.MkAbs("."), Env: env,
		Stdout: ts.Stdout(), Stderr: ts.Stderr(),
	}
}

// asks N odooban ARGS... runs odooban, which must end with exit code N.
func asks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: asks N odooban ARGS...")
	}
	s := stageOf(ts)
	cmd := s.command(ts, args[2:]...)
	err := s.host.Do(cmd.Run)
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		ts.Fatalf("run: %v", err)
	}
	if code := strconv.Itoa(cmd.ProcessState.ExitCode()); code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// unprivilegedAt odooban ARGS... runs odooban as nobody; it must fail.
func unprivilegedAt(ts *testscript.TestScript, neg bool, args []string) {
	if !neg || len(args) < 2 {
		ts.Fatalf("usage: ! unprivileged odooban ARGS...")
	}
	const nobody = 65534
	s := stageOf(ts)
	for _, dir := range []string{ts.MkAbs("."), ts.MkAbs("..")} {
		ts.Check(os.Chmod(dir, 0o755))
	}
	cmd := s.command(ts, args[1:]...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if s.host.Do(cmd.Run) == nil {
		ts.Fatalf("unexpected success")
	}
}

// daemon ARGS... starts odooban run and waits until it follows; daemon SIGNAL
// sends it one, and waits until it has ended or read its configuration again.
func daemonCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := stageOf(ts)
	switch {
	case neg || len(args) == 0:
		ts.Fatalf("usage: daemon ARGS... | daemon SIGTERM|SIGKILL|SIGHUP")
	case args[0] == "SIGHUP":
		before := strings.Count(s.logged(), "following ")
		ts.Check(s.daemon.Process.Signal(syscall.SIGHUP))
		s.await(ts, "following again", func(log string) bool { return strings.Count(log, "following ") > before })
	case args[0] == "SIGTERM", args[0] == "SIGKILL":
		signal := map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL}[args[0]]
		ts.Check(s.daemon.Process.Signal(signal))
		_ = s.daemon.Wait() // killed is an error
		s.daemon = nil
	default:
		cmd := s.command(ts, append([]string{"run"}, args...)...)
		cmd.Stdout, cmd.Stderr = s, s
		ts.Check(s.host.Do(cmd.Start))
		s.daemon = cmd
		ts.Defer(func() {
			if s.daemon != nil {
				_ = s.daemon.Process.Kill()
				_ = s.daemon.Wait()
			}
			ts.Logf("odooban logged:\n%s", s.logged())
		})
		before := strings.Count(s.logged(), "following ")
		s.await(ts, "following", func(log string) bool { return strings.Count(log, "following ") > before })
	}
}

// attack ADDR N [LOGIN] lets odoo.log tell of N failed logins in the last minute,
// a second apart. LOGIN may have the escapes of a Go string.
func attack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: attack ADDR N [LOGIN]")
	}
	addr, login := args[0], "admin"
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if len(args) > 2 {
		login, err = strconv.Unquote(`"` + args[2] + `"`)
		ts.Check(err)
	}
	file, err := os.OpenFile(ts.MkAbs("odoo.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer file.Close()
	s := stageOf(ts)
	for range n {
		now := s.now.UTC()
		stamp := now.Format("2006-01-02 15:04:05,000") + " 401 INFO shop "
		_, err := fmt.Fprintf(file, stamp+"odoo.addons.base.models.res_users: Login failed for login:%s from %s \n"+stamp+
			"werkzeug: %s - - [%s] \"POST /web/login HTTP/1.1\" 200 - 5 0.001 0.003\n",
			login, addr, addr, now.Format("02/Jan/2006 15:04:05"))
		ts.Check(err)
		s.now = s.now.Add(time.Second)
	}
}

// logs TEXT waits until the daemon has logged it.
func logs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: logs TEXT")
	}
	stageOf(ts).await(ts, args[0], func(log string) bool { return strings.Contains(log, args[0]) })
}

// logged N TEXT checks that the daemon has logged it N times by now.
func loggedCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: logged N TEXT")
	}
	if n := strings.Count(stageOf(ts).logged(), args[1]); strconv.Itoa(n) != args[0] {
		ts.Fatalf("odooban has logged it %d times, want %s: %s", n, args[0], args[1])
	}
}

func (s *stage) await(ts *testscript.TestScript, what string, there func(log string) bool) {
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for !there(s.logged()) {
		select {
		case <-s.changed:
		case <-limit.C:
			ts.Fatalf("odooban did not log: %s", what)
		}
	}
}

// safe checks that nothing that was printed commands a terminal.
func safe(ts *testscript.TestScript, neg bool, _ []string) {
	if neg {
		ts.Fatalf("unsupported: ! safe")
	}
	for _, r := range ts.ReadFile("stdout") {
		if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0) {
			ts.Fatalf("standard output holds %q", r)
		}
	}
}
