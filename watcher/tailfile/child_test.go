package tailfile

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"odooban/internal/sinktest"
	"odooban/internal/testrequire"
	"odooban/watcher"
)

// childFollows, if set, lets this process follow odoo.log where it stands
// instead of running tests; childTrusts lets it trust that there is inotify, and
// childLacks names what it sets to nothing before it begins.
const childFollows, childTrusts, childLacks = "ODOOBAN_WATCHER_CHILD=1", "ODOOBAN_WATCHER_TRUST=1", "ODOOBAN_WATCHER_LACKS"

func TestMain(m *testing.M) {
	if slices.Contains(os.Environ(), childFollows) {
		os.Exit(childMain())
	}
	os.Exit(m.Run())
}

// childMain tells on standard output what it is handed, and sets the limits
// that it is told to on standard input, until that ends.
func childMain() int {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		commands := bufio.NewScanner(os.Stdin)
		for commands.Scan() {
			lack(commands.Text())
		}
	}()
	if name := os.Getenv(childLacks); name != "" {
		lack(name)
	}
	sink := printer{}
	f := NewFile("odoo.log", func(_ string, err error) {
		if err != nil {
			fmt.Fprintln(os.Stdout, "alarm", err)
		}
	})
	if slices.Contains(os.Environ(), childTrusts) {
		f.probe = func() error { return nil }
	}
	if err := f.Follow(ctx, sink); err != nil {
		return 1
	}
	return 0
}

// lack sets a limit of this user namespace to nothing.
func lack(name string) {
	if err := os.WriteFile("/proc/sys/user/"+name, []byte("0"), 0); err != nil {
		fmt.Fprintln(os.Stdout, "alarm", err)
	}
	fmt.Fprintln(os.Stdout, "set", name)
}

// printer prints what it takes.
type printer struct{}

func (printer) Line(l watcher.Line) error {
	_, err := fmt.Fprintf(os.Stdout, "line %s\n", l.Text)
	return err
}
func (printer) Settled(time.Time) error { return nil }

// child is a process that follows a file.
type child struct {
	*sinktest.Collector
	to io.Writer
}

// startChild follows path in a process of its own.
func startChild(t *testing.T, path string, attr *syscall.SysProcAttr, env ...string) *child {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir = filepath.Dir(path)
	cmd.Env = append(os.Environ(), append(env, childFollows)...)
	cmd.SysProcAttr = attr
	cmd.Stderr = os.Stderr
	to, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		testrequire.Skip(t, "needs to start processes as another user, or in another user namespace: "+err.Error())
	}
	c := &child{sinktest.New(), to}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(from); lines.Scan(); {
			switch kind, text, _ := strings.Cut(lines.Text(), " "); kind {
			case "line":
				_ = c.Line(watcher.Line{Text: []byte(text)})
			default:
				c.Alarm("odoo.log", fmt.Errorf("%s", lines.Text()))
			}
		}
	}()
	t.Cleanup(func() {
		to.Close()
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("child ended with %v; alarms %q", err, c.Alarms)
		}
	})
	return c
}

func (c *child) lack(t *testing.T, name string) {
	t.Helper()
	fmt.Fprintln(c.to, name)
	c.AwaitAlarm(t, "set "+name)
}

// TestInotifyRunsOut takes inotify away from a process that follows, before it
// starts and while it runs, and wants it to go on.
func TestInotifyRunsOut(t *testing.T) {
	const instances, watches = "max_inotify_instances", "max_inotify_watches"
	tests := []struct {
		name, limit string
		early       bool
		env         []string
		alarm       string
	}{
		{"no instances from the start", instances, true, nil, "four times a second"},
		{"no instances, but the probe says so too late", instances, true, []string{childTrusts}, "none was to be had when it was first needed"},
		{"no watches from the start", watches, true, nil, ""},
		{"no instances while it runs", instances, false, nil, ""},
		{"no watches while it runs", watches, false, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLogFile(t)
			l.check(os.Remove(l.path))
			if tt.early {
				tt.env = append(tt.env, childLacks+"="+tt.limit)
			}
			c := startChild(t, l.path, &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER,
				UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
			}, tt.env...)
			l.create()
			l.write(10)
			c.AwaitLines(t, 10)
			if !tt.early {
				c.lack(t, tt.limit)
			}
			for range 2 {
				l.write(10)
				l.rename()
				l.create()
				l.write(10)
				c.AwaitLines(t, l.next)
			}
			if tt.alarm != "" {
				c.AwaitAlarm(t, tt.alarm)
			}
			if lost, doubled := compare(numbers(t, c.All()), l.next); lost+doubled > 0 {
				t.Errorf("lost %d, doubled %d", lost, doubled)
			}
		})
	}
}

// TestUnreadable wants a file that must not be read for a while read
// afterwards, with what was written meanwhile.
func TestUnreadable(t *testing.T) {
	l := newLogFile(t)
	dir := filepath.Dir(l.path)
	l.check(os.Chmod(filepath.Dir(dir), 0o755)) // both are for their user alone
	l.check(os.Chmod(dir, 0o755))
	l.write(10)
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	l.check(os.Chmod(l.path, 0))
	c := startChild(t, l.path, attr)
	c.AwaitAlarm(t, "add the service's user to the group that may read it")
	l.check(os.Chmod(l.path, 0o644))
	c.AwaitLines(t, 10)
	l.check(os.Chmod(l.path, 0))
	l.write(10)
	c.AwaitLines(t, 20) // it is open
	l.rename()
	l.create()
	l.check(os.Chmod(l.path, 0))
	l.write(10)
	l.check(os.Chmod(dir, 0o700))
	l.check(os.Chmod(l.path, 0o644))
	l.check(os.Chmod(dir, 0o755))
	c.AwaitLines(t, l.next)
	if lost, doubled := compare(numbers(t, c.All()), l.next); lost+doubled > 0 {
		t.Errorf("lost %d, doubled %d", lost, doubled)
	}
}
