package dockertest_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odooban/internal/dockertest"
	"odooban/internal/netnstest"
	"odooban/internal/testrequire"
)

func TestEngine(t *testing.T) {
	e := dockertest.Start(t, dockertest.Options{})
	e.Image(t, "version", map[string]string{"/odooban": dockertest.GoProgram(t, "odooban/cmd/odooban")})
	spec := dockertest.Spec{Name: "version", Image: "version", Cmd: []string{"/odooban", "version"}}
	c := e.Run(t, spec)
	if code := c.Wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if log, err := os.ReadFile(filepath.Join(e.Data, "containers", c.ID, c.ID+"-json.log")); err != nil || len(log) == 0 {
		t.Errorf("log: %q, %v", log, err)
	}
	e.Stop(t)
	if _, err := net.Dial("unix", e.Socket); err == nil {
		t.Error("a stopped engine still answers")
	}
	e.Resume(t)
	c.Start(t)
	e.Kill()
	e.Resume(t)
	c.Remove(t)
	e.Run(t, spec).Wait(t)
}

func TestEngineWithNetwork(t *testing.T) {
	host := netnstest.New(t, 1).Server
	dockertest.Start(t, dockertest.Options{Host: host, Network: true})
	host.Run(t, "ip", "link", "show", "docker0")
	host.Run(t, "iptables", "-t", "nat", "-S", "DOCKER")
}

// TestNothingIsLeft looks for what an engine could leave behind.
func TestNothingIsLeft(t *testing.T) {
	testrequire.Root(t)
	testrequire.Command(t, "dockerd")
	var e *dockertest.Engine
	t.Run("engine", func(t *testing.T) {
		e = dockertest.Start(t, dockertest.Options{})
		e.Image(t, "wait", map[string]string{"/odooban": dockertest.GoProgram(t, "odooban/cmd/odooban")})
		e.Run(t, dockertest.Spec{Image: "wait", Cmd: []string{"/odooban", "run", "--dry-run", "-"}, Terminal: true})
	})
	dir := filepath.Dir(e.Socket)
	for _, pattern := range []string{dir, "/sys/fs/cgroup/" + filepath.Base(dir), "/sys/fs/cgroup/*/" + filepath.Base(dir)} {
		if left, _ := filepath.Glob(pattern); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	if left := mentioning(t, dir); len(left) > 0 {
		t.Errorf("processes left behind: %v", left)
	}
}

// mentioning lists the processes that have text in their command line.
func mentioning(t *testing.T, text string) []string {
	t.Helper()
	var found []string
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(line), text) {
			found = append(found, path)
		}
	}
	return found
}
