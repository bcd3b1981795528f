package sidecar_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/netnstest"
	"odooban/internal/sidecar"
	"odooban/internal/testrequire"
)

func TestBlind(t *testing.T) {
	web := []uint16{80, 443}
	for _, tc := range []struct {
		name  string
		place sidecar.Place
		ports []uint16
		want  string // a part of why, or empty
	}{
		{name: "on a host", place: sidecar.Place{Alone: true}, ports: web},
		{name: "on the host's network", place: sidecar.Place{Contained: true, Wide: true}, ports: web},
		{name: "on its own network", place: sidecar.Place{Contained: true}, ports: web, want: "network_mode: host"},
		{name: "on its own network, all ports", place: sidecar.Place{Contained: true}, want: "network_mode: host"},
		{name: "on the proxy's network", place: sidecar.Place{Contained: true, Listening: []uint16{443}}, ports: web},
		{name: "on the proxy's network, all ports", place: sidecar.Place{Contained: true, Listening: []uint16{8443}}},
		{
			name:  "on the proxy's network, where it has other ports",
			place: sidecar.Place{Contained: true, Listening: []uint16{8080, 8443}}, ports: web,
			want: "80 443, but on 8080 8443; run this container with network_mode: host, or, if it is the proxy's network, " +
				"name its ports under firewall.ports",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if err := tc.place.Blind(tc.ports); err != nil {
				got = err.Error()
			}
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A server with two cables is like a container on two networks.
func TestLook(t *testing.T) {
	network := netnstest.New(t, 2)
	look := func(ours ...uint16) (p sidecar.Place) {
		t.Helper()
		err := network.Server.Do(func() (err error) {
			p, err = sidecar.Look(ours...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		p.Contained = false // the tests may run in a container themselves
		return p
	}
	network.Server.Echo(t, 8069)
	if diff := cmp.Diff(sidecar.Place{Listening: []uint16{8069}}, look()); diff != "" {
		t.Errorf("with cables alone (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uint16{}, look(8069).Listening); diff != "" {
		t.Errorf("with what is ours (-want +got):\n%s", diff)
	}
	network.Server.Run(t, "ip", "link", "add", "docker0", "type", "bridge")
	if diff := cmp.Diff(sidecar.Place{Wide: true}, look()); diff != "" {
		t.Errorf("with a bridge (-want +got):\n%s", diff)
	}
	for _, dev := range []string{"docker0", "client1", "client2"} {
		network.Server.Run(t, "ip", "link", "del", dev)
	}
	if diff := cmp.Diff(sidecar.Place{Alone: true, Listening: []uint16{8069}}, look()); diff != "" {
		t.Errorf("without cables (-want +got):\n%s", diff)
	}
}

// Kubernetes leaves no mark but in the environment.
func TestLookInAPod(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
	if p, err := sidecar.Look(); err != nil || !p.Contained {
		t.Errorf("%+v, %v", p, err)
	}
}

// The first process of a container without any mark is odooban.
func TestLookAsTheFirstProcess(t *testing.T) {
	testrequire.Root(t)
	cmd := exec.Command(testrequire.Command(t, "unshare"), "--pid", "--fork", "--mount-proc", os.Args[0], "-test.run=^TestFirstProcess$", "-test.v")
	cmd.Env = append(os.Environ(), firstProcess+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestFirstProcess") {
		t.Errorf("%v\n%s", err, out)
	}
}

// firstProcess in the environment has TestFirstProcess look.
const firstProcess = "ODOOBAN_TEST_FIRST_PROCESS"

func TestFirstProcess(t *testing.T) {
	if os.Getenv(firstProcess) == "" {
		return
	}
	if p, err := sidecar.Look(); err != nil || !p.Contained {
		t.Errorf("process %d: %+v, %v", os.Getpid(), p, err)
	}
}
