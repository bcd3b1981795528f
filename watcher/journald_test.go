package watcher

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"odooban/internal/testrequire"
)

// childJournald, if set, lets this process become a journald of its own, whose
// /run is the directory it names.
const childJournald = "ODOOBAN_WATCHER_JOURNALD"

// journaldProgram is where systemd keeps it.
const journaldProgram = "/lib/systemd/systemd-journald"

// journaldMain becomes journald. An instance with a namespace leaves alone the
// kernel's messages and the sockets of the host's.
func journaldMain(dir string) int {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount(dir, "/run", "", unix.MS_BIND|unix.MS_REC, "")
	}
	if err == nil {
		err = syscall.Exec(journaldProgram, []string{journaldProgram, "test"}, []string{"PATH=/usr/bin:/bin"})
	}
	fmt.Fprintln(os.Stderr, "become journald:", err)
	return 1
}

// journald is a real one that keeps a journal in a directory of its own.
type journald struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
	// unit is what it takes this process for.
	unit string
}

// startJournald starts one with settings in its configuration.
func startJournald(t *testing.T, settings ...string) *journald {
	t.Helper()
	testrequire.Root(t)
	testrequire.Command(t, "journalctl")
	if _, err := os.Stat(journaldProgram); err != nil {
		testrequire.Skip(t, "needs systemd-journald: apt install systemd")
	}
	// t.TempDir is too long for the path of a socket.
	dir, err := os.MkdirTemp("", "journald")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	conf := filepath.Join(dir, "systemd", "journald@test.conf.d")
	if err := os.MkdirAll(conf, 0o755); err != nil {
		t.Fatal(err)
	}
	settings = append([]string{"[Journal]", "Storage=volatile", "RateLimitIntervalSec=0"}, settings...)
	writeFile(t, filepath.Join(conf, "test.conf"), strings.Join(settings, "\n")+"\n")
	j := &journald{t: t, dir: dir}
	j.start()
	t.Cleanup(j.stop)
	j.unit = j.ownUnit()
	return j
}

func (j *journald) start() {
	j.t.Helper()
	j.cmd = exec.Command(os.Args[0])
	j.cmd.Env = []string{childJournald + "=" + j.dir}
	j.cmd.Stderr = os.Stderr
	j.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	if err := j.cmd.Start(); err != nil {
		j.t.Fatal(err)
	}
	j.eventually("a socket", func() bool {
		conn, err := net.Dial("unix", j.socket())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (j *journald) stop() {
	_ = j.cmd.Process.Signal(syscall.SIGTERM)
	_ = j.cmd.Wait()
}

// eventually waits for what no event tells of.
func (j *journald) eventually(what string, is func() bool) {
	j.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if is() {
			return
		}
		<-tick.C
	}
	j.t.Fatalf("journald: %s did not come", what)
}

func (j *journald) socket() string {
	return filepath.Join(j.dir, "systemd", "journal.test", "stdout")
}

// open opens a stream as systemd does for a unit's standard error: sd-journal's
// protocol has a header of seven lines (identifier, unit, priority, whether
// "<4>" in front is one, and where else to write to).
func (j *journald) open() net.Conn {
	j.t.Helper()
	conn, err := net.Dial("unix", j.socket())
	if err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(func() { conn.Close() })
	write(j.t, conn, "odoo\nodoo.service\n6\n1\n0\n0\n0\n")
	return conn
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// ownUnit says to which unit this process belongs: to the one that it names if
// it belongs to none.
func (j *journald) ownUnit() string {
	write(j.t, j.open(), "hello\n")
	var found struct {
		Unit string `json:"_SYSTEMD_UNIT"`
	}
	j.eventually("an entry", func() bool {
		out, _ := exec.Command("journalctl", "-D", j.journal(), "-o", "json", "MESSAGE=hello").Output()
		return len(out) > 0 && json.Unmarshal(out, &found) == nil
	})
	return found.Unit
}

// journal is the directory of the journal's files.
func (j *journald) journal() string {
	dirs, _ := filepath.Glob(filepath.Join(j.dir, "log", "journal", "*"))
	if len(dirs) == 0 {
		return j.dir
	}
	return dirs[0]
}

// source is a Journal of the unit, from the start of the journal.
func (j *journald) source(c *collector) *Journal {
	s := NewJournal(j.unit, time.Unix(0, 0), c.alarm)
	s.command = []string{"journalctl", "--directory=" + j.journal()}
	return s
}

// rotate lets journald begin a new file, and waits for it.
func (j *journald) rotate() {
	j.t.Helper()
	before := j.files()
	if err := j.cmd.Process.Signal(unix.SIGUSR2); err != nil {
		j.t.Fatal(err)
	}
	j.eventually("rotation", func() bool { return !slices.Equal(before, j.files()) })
}

func (j *journald) files() []string {
	files, _ := filepath.Glob(filepath.Join(j.journal(), "*.journal"))
	return files
}
