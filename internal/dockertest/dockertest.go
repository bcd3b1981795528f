// Package dockertest gives tests a real Docker engine of their own.
//
//	e := dockertest.Start(t, dockertest.Options{})
//	e.Image(t, "odoo", map[string]string{"/main": dockertest.GoProgram(t, "odooban/cmd/odooban")})
//	c := e.Run(t, dockertest.Spec{Name: "odoo-1", Image: "odoo", Cmd: []string{"/main", "version"}})
//
// It promises that nothing outside is touched and nothing is left behind. The
// engine is the first process of a PID namespace, and lives in a mount and a
// network namespace of its own: when it is killed, the kernel ends containerd
// and every container with it, and takes away their mounts and networks. That
// also happens when the test process dies. Starting one takes about a second:
// let the tests of a package share it, as subtests of one test.
package dockertest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/moby/moby/client"

	"odooban/internal/netnstest"
	"odooban/internal/testrequire"
)

// Options say how the engine is to be. The zero value is an engine whose
// containers have no network.
type Options struct {
	// Host is the host that the engine runs on; nil for a new one.
	Host *netnstest.Host
	// Network gives the engine its bridge network, iptables rules and published
	// ports, on Host.
	Network bool
	// Args are given to dockerd besides those it needs.
	Args []string
}

// Engine is a running engine.
type Engine struct {
	// Socket is the path of its socket, Address the same for DOCKER_HOST.
	Socket, Address string
	// Data is its data-root: the log of container ID with the log driver
	// json-file is Data/containers/ID/ID-json.log.
	Data string
	// Client speaks to it.
	Client *client.Client

	host    *netnstest.Host
	args    []string
	cgroup  string
	process *process
}

// Start starts an engine, which is killed with the test. The test skips
// without root, and without dockerd.
func Start(t testing.TB, o Options) *Engine {
	t.Helper()
	testrequire.Root(t)
	dockerd := testrequire.Command(t, "dockerd")
	dir, err := os.MkdirTemp("", "dockertest") //nolint:usetesting // its names may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{
		Socket: filepath.Join(dir, "sock"), Address: "unix://" + filepath.Join(dir, "sock"),
		Data: filepath.Join(dir, "data"), host: o.Host, cgroup: filepath.Base(dir),
	}
	if e.host == nil {
		e.host = netnstest.New(t, 0).Server
	}
	t.Cleanup(func() { e.close(t, dir) })
	e.args = append([]string{
		dockerd, "--storage-driver=vfs", "--data-root=" + e.Data, "--host=" + e.Address,
		"--exec-opt=native.cgroupdriver=cgroupfs", "--cgroup-parent=/" + e.cgroup,
	}, o.Args...)
	if !o.Network {
		e.args = append(e.args, "--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false")
	}
	if e.Client, err = client.New(client.WithHost(e.Address)); err != nil {
		t.Fatal(err)
	}
	e.Resume(t)
	return e
}

// Stop ends the engine as a shutdown of its host does: containers are stopped.
func (e *Engine) Stop(t testing.TB) {
	t.Helper()
	if err := e.process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("stop engine: %v", err)
	}
	<-e.process.gone
}

// Kill ends the engine and all containers at once, like a power cut.
func (e *Engine) Kill() {
	_ = e.process.cmd.Process.Kill() // it may have ended already
	<-e.process.gone
}

// Resume starts an engine again that was stopped or killed. Containers run
// again if their restart policy says so.
func (e *Engine) Resume(t testing.TB) {
	t.Helper()
	p, err := start(e.host, e.args)
	if err != nil {
		t.Fatalf("start dockerd: %v", err)
	}
	e.process = p
	select {
	case <-p.ready:
	case <-p.gone:
		t.Fatalf("dockerd ended before it was ready:\n%s", p.log())
	}
}

func (e *Engine) close(t testing.TB, dir string) {
	if e.process != nil {
		e.Kill()
	}
	if e.Client != nil {
		_ = e.Client.Close() // idle connections, no more
	}
	if t.Failed() && e.process != nil {
		t.Logf("the last that dockerd said:\n%s", e.process.log())
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
	removeCgroups(e.cgroup)
}

// removeCgroups removes the groups that containers were in: of one hierarchy,
// or, before version 2, of each.
func removeCgroups(name string) {
	roots, _ := filepath.Glob("/sys/fs/cgroup/*/" + name)
	for _, root := range append(roots, "/sys/fs/cgroup/"+name) {
		var groups []string
		_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				groups = append(groups, path)
			}
			return nil
		})
		for _, group := range slices.Backward(groups) {
			_ = os.Remove(group) // nothing runs in it any more
		}
	}
}

// isolate prepares the mount namespace, then becomes dockerd. /run is a new
// one, so that no other engine's state is seen or changed.
const isolate = `set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
exec "$@"`

// process is one run of dockerd.
type process struct {
	cmd *exec.Cmd
	// ready is closed when it serves its socket, gone when it and all
	// containers have ended.
	ready, gone chan struct{}
	serving     sync.Once

	mu   sync.Mutex
	said []string // its last lines
}

func start(host *netnstest.Host, args []string) (*process, error) {
	p := &process{ready: make(chan struct{}), gone: make(chan struct{})}
	p.cmd = exec.Command("/bin/sh", append([]string{"-c", isolate, "sh"}, args...)...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL,
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	started := make(chan error)
	// The kernel takes the thread that starts dockerd for its parent: it stays
	// until dockerd has ended.
	go func() {
		err := host.Do(func() error {
			err := p.cmd.Start()
			started <- err
			if err != nil {
				return err
			}
			p.listen(stderr)
			_ = p.cmd.Wait() // killed, as a rule
			close(p.gone)
			return nil
		})
		if err != nil {
			select {
			case started <- err:
			default:
			}
		}
	}()
	return p, <-started
}

// listen reads what dockerd says until it ends.
func (p *process) listen(stderr io.Reader) {
	const keep = 15
	for in := bufio.NewScanner(stderr); in.Scan(); {
		if bytes.Contains(in.Bytes(), []byte("API listen on")) { // each socket says so
			p.serving.Do(func() { close(p.ready) })
		}
		p.mu.Lock()
		p.said = append(p.said[max(0, len(p.said)-keep):], in.Text())
		p.mu.Unlock()
	}
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, "\n")
}

// must ends the test if what was asked of the engine failed.
func must[T any](t testing.TB, what string, f func(ctx context.Context) (T, error)) T {
	t.Helper()
	got, err := f(context.WithoutCancel(t.Context())) // Cleanup may ask, too
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", what, err))
	}
	return got
}
