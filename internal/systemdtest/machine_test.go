package systemdtest

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"odooban/internal/await"
	"odooban/internal/dockertest"
	"odooban/internal/netnstest"
)

// machine is a Debian that systemd runs.
type machine struct {
	net       *netnstest.Net
	client    *client.Client
	container *dockertest.Container
}

// boot starts a Debian whose network has this many clients around it. binds are
// folders that it shares with the host, "/host:/debian".
func boot(t *testing.T, clients int, binds ...string) *machine {
	t.Helper()
	tar, err := os.Open(debian(t))
	if err != nil {
		t.Fatal(err)
	}
	defer tar.Close()
	m := &machine{net: netnstest.New(t, clients)}
	engine := dockertest.Start(t, dockertest.Options{Host: m.net.Server})
	m.client = engine.Client
	engine.Import(t, "debian", tar)
	m.container = engine.Run(t, dockertest.Spec{
		Name: "debian", Image: "debian", Cmd: []string{"/lib/systemd/systemd"},
		Env: []string{"container=docker", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
		Host: container.HostConfig{
			NetworkMode:  "host", // that of the engine
			CgroupnsMode: "host",
			Binds:        append(binds, "/sys/fs/cgroup:/sys/fs/cgroup:rw"),
			Tmpfs:        map[string]string{"/run": "exec", "/run/lock": "", "/tmp": ""},
			// Mounts for the sandboxes of services, namespaces to look into them.
			CapAdd:      []string{"SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE"},
			SecurityOpt: []string{"seccomp=unconfined", "apparmor=unconfined"},
		},
	})
	await.Until(t, "systemd to be up", func() bool {
		out, _ := m.try(t, "systemctl", "is-system-running", "--wait")
		return strings.HasPrefix(out, "running") || strings.HasPrefix(out, "degraded")
	})
	return m
}

// run runs a program and returns what it printed; the test ends if it fails.
func (m *machine) run(t *testing.T, args ...string) string {
	t.Helper()
	out, code := m.try(t, args...)
	if code != 0 {
		t.Fatalf("%s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// try runs a program as root and returns what it printed, and its exit code.
func (m *machine) try(t *testing.T, args ...string) (string, int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	made, err := m.client.ExecCreate(ctx, m.container.ID, client.ExecCreateOptions{
		Cmd: args, AttachStdout: true, AttachStderr: true, Env: []string{"LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"},
	})
	if err != nil {
		t.Fatalf("run %v: %v", args, err)
	}
	attached, err := m.client.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		t.Fatalf("run %v: %v", args, err)
	}
	defer attached.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, attached.Reader); err != nil {
		t.Fatalf("read what %v prints: %v", args, err)
	}
	ended, err := m.client.ExecInspect(ctx, made.ID, client.ExecInspectOptions{})
	if err != nil {
		t.Fatalf("run %v: %v", args, err)
	}
	return out.String(), ended.ExitCode
}

// write writes a file.
func (m *machine) write(t *testing.T, path, text string) {
	t.Helper()
	m.run(t, "sh", "-c", `mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1"`, "sh", path, text)
}
