// Package journaldtest lets tests have a journal of their own: a real
// systemd-journald in a mount namespace, which keeps its files in a directory
// of the test, and a journalctl that reads these.
//
// It promises to leave nothing behind, and to read nothing of the host's journal.
package journaldtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"odooban/internal/await"
	"odooban/internal/testrequire"
)

// journald is where systemd keeps it.
const journald = "/lib/systemd/systemd-journald"

// instance is the namespace of the journal. An instance that has one leaves the
// kernel's messages and the host's sockets alone.
const instance = "odooban"

// Journald is a running systemd-journald.
type Journald struct {
	// Unit is the unit that it takes this process for.
	Unit string

	t   testing.TB
	dir string // its /run
	cmd *exec.Cmd
	// ended is closed when it has.
	ended chan struct{}
}

// Start starts one that ends with the test, with settings in its configuration
// ("RuntimeMaxUse=4M"). Until then a program journalctl is first in the PATH
// that reads its journal, after options if there are any, and no other.
func Start(t *testing.T, settings ...string) *Journald {
	t.Helper()
	testrequire.Root(t)
	testrequire.Command(t, "unshare")
	if _, err := os.Stat(journald); err != nil {
		testrequire.Skip(t, "needs systemd-journald: apt install systemd")
	}
	dir, err := os.MkdirTemp("", "journald") //nolint:usetesting // its names may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	settings = append([]string{"[Journal]", "Storage=volatile", "RateLimitIntervalSec=0"}, settings...)
	j := &Journald{t: t, dir: dir}
	j.write("systemd/journald@"+instance+".conf.d/test.conf", 0o644, strings.Join(settings, "\n")+"\n")
	j.start()
	t.Cleanup(j.stop)
	j.Unit = j.ownUnit()
	j.Journalctl()
	t.Setenv("PATH", filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	return j
}

// Journalctl lets the program journalctl be run by command, which may be empty:
// "setpriv --reuid=65534 --clear-groups".
func (j *Journald) Journalctl(command ...string) {
	j.t.Helper()
	j.journalctl(j.Files(), command...)
}

func (j *Journald) journalctl(files string, command ...string) {
	j.t.Helper()
	program := testrequire.Command(j.t, "/usr/bin/journalctl")
	j.write("bin/new", 0o755, fmt.Sprintf("#!/bin/sh\nPATH=/usr/bin:/bin\nexec %s %s --directory=%s \"$@\"\n",
		strings.Join(command, " "), program, files))
	bin := filepath.Join(j.dir, "bin")
	if err := os.Rename(filepath.Join(bin, "new"), filepath.Join(bin, "journalctl")); err != nil {
		j.t.Fatal(err)
	}
}

// Copy lets journalctl read a copy of the journal from now on: journald makes
// one at boot, when it can write to /var. The entries have new sequence
// numbers there.
func (j *Journald) Copy() {
	j.t.Helper()
	const remote = "/lib/systemd/systemd-journal-remote"
	if _, err := os.Stat(remote); err != nil {
		testrequire.Skip(j.t, "needs systemd-journal-remote: apt install systemd-journal-remote")
	}
	export, err := exec.Command("/usr/bin/journalctl", "--directory="+j.Files(), "--output=export").Output()
	if err != nil {
		j.t.Fatal(err)
	}
	files := j.t.TempDir()
	cmd := exec.Command(remote, "--output="+filepath.Join(files, "copy.journal"), "-")
	cmd.Stdin = bytes.NewReader(export)
	if out, err := cmd.CombinedOutput(); err != nil {
		j.t.Fatalf("copy journal: %v\n%s", err, out)
	}
	j.journalctl(files)
}

func (j *Journald) write(name string, mode os.FileMode, text string) {
	j.t.Helper()
	path := filepath.Join(j.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // others read the journal, too
		j.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		j.t.Fatal(err)
	}
}

func (j *Journald) start() {
	j.t.Helper()
	become := `mount --bind "$1" /run && exec "$2" "$3"`
	j.cmd = exec.Command("unshare", "--mount", "--propagation=private",
		"sh", "-c", become, "sh", j.dir, journald, instance)
	j.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	started := make(chan error)
	j.ended = make(chan struct{})
	go func() {
		// The signal comes when the thread ends that has started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(j.ended)
		started <- j.cmd.Start()
		_ = j.cmd.Wait()
	}()
	if err := <-started; err != nil {
		j.t.Fatal(err)
	}
	await.Until(j.t, "a socket", func() bool {
		conn, err := net.Dial("unix", j.socket())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (j *Journald) stop() {
	_ = j.cmd.Process.Signal(unix.SIGTERM)
	<-j.ended
}

// Restart ends journald and starts it again. Streams that were open are lost.
func (j *Journald) Restart() {
	j.t.Helper()
	j.stop()
	_ = os.Remove(j.socket())
	j.start()
}

// Rotate lets journald begin a new file, and waits for it.
func (j *Journald) Rotate() {
	j.t.Helper()
	before := j.list()
	if err := j.cmd.Process.Signal(unix.SIGUSR2); err != nil {
		j.t.Fatal(err)
	}
	await.Until(j.t, "another file", func() bool { return !slices.Equal(before, j.list()) })
}

// Vacuum deletes the files that were rotated.
func (j *Journald) Vacuum() {
	j.t.Helper()
	for _, file := range j.list() {
		if filepath.Base(file) == "system.journal" {
			continue
		}
		if err := os.Remove(file); err != nil {
			j.t.Fatal(err)
		}
	}
}

func (j *Journald) list() []string {
	files, _ := filepath.Glob(filepath.Join(j.Files(), "*.journal"))
	return files
}

// Files is the directory of the journal's files.
func (j *Journald) Files() string {
	dirs, _ := filepath.Glob(filepath.Join(j.dir, "log", "journal", "*"))
	if len(dirs) == 0 {
		return j.dir
	}
	return dirs[0]
}

func (j *Journald) socket() string {
	return filepath.Join(j.dir, "systemd", "journal."+instance, "stdout")
}

// Open opens a stream as systemd does for a unit's standard error: a header of
// seven lines comes first (identifier, unit, priority, whether "<4>" at the
// start of a line is one, and where else to write to).
func (j *Journald) Open() net.Conn {
	j.t.Helper()
	conn, err := net.Dial("unix", j.socket())
	if err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(func() { conn.Close() })
	// Or what is written while journald accepts the stream is nobody's.
	if err := showCredentials(conn); err != nil {
		j.t.Fatal(err)
	}
	if _, err := conn.Write([]byte("odoo\nodoo.service\n6\n1\n0\n0\n0\n")); err != nil {
		j.t.Fatal(err)
	}
	return conn
}

// OpenFile opens a stream as Open does, for those who write to a file.
func (j *Journald) OpenFile() *os.File {
	j.t.Helper()
	conn, ok := j.Open().(*net.UnixConn)
	if !ok {
		j.t.Fatal("the stream is no socket")
	}
	file, err := conn.File()
	if err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(func() { file.Close() })
	return file
}

// showCredentials lets everything that is written to conn say who wrote it.
func showCredentials(conn net.Conn) error {
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return errors.New("the stream is no socket")
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	})
	return errors.Join(err, failed)
}

// ownUnit asks for what journald takes this process for: for what the stream
// says, if it belongs to no unit.
func (j *Journald) ownUnit() string {
	conn := j.Open()
	defer conn.Close()
	if _, err := conn.Write([]byte("hello\n")); err != nil {
		j.t.Fatal(err)
	}
	var entry struct {
		Unit string `json:"_SYSTEMD_UNIT"`
	}
	await.Until(j.t, "an entry", func() bool {
		out, _ := exec.Command("journalctl", "-D", j.Files(), "-o", "json", "MESSAGE=hello").Output()
		return json.Unmarshal(out, &entry) == nil
	})
	return entry.Unit
}

// Readers lists the processes of journalctl that read this journal.
func (j *Journald) Readers() []int {
	var pids []int
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		command, _ := os.ReadFile(path)
		if strings.Contains(string(command), "--directory="+j.Files()+"\x00") {
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}
