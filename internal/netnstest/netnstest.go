// Package netnstest gives tests the throwaway networks of internal/netlab: what
// goes wrong ends the test, and what was made goes with it.
package netnstest

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"odooban/internal/netlab"
	"odooban/internal/testrequire"
)

// Net is a server and the clients around it. See netlab.Net.
type Net struct {
	Server  *Host
	Clients []*Host
}

// Host is one network namespace and its addresses. See netlab.Host.
type Host struct {
	*netlab.Host
}

// New makes a network with this many clients, at most 254. The test skips
// without root.
func New(t testing.TB, clients int) *Net {
	t.Helper()
	testrequire.Root(t)
	made, err := netlab.New(clients)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	n := &Net{Server: &Host{made.Server}}
	for _, client := range made.Clients {
		n.Clients = append(n.Clients, &Host{client})
	}
	return n
}

// Run runs a program in the namespace to its end and returns what it printed.
// The test fails if the program does.
func (h *Host) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(testrequire.Command(t, name), args...)
	var out []byte
	err := h.Do(func() (err error) {
		out, err = cmd.CombinedOutput()
		return err
	})
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// Forward makes the host pass packets on, as one with containers does.
func (h *Host) Forward(t testing.TB) {
	t.Helper()
	err := h.Do(func() error {
		// These files are of the namespace of the thread that opens them.
		return errors.Join(
			os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0),
			os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0),
		)
	})
	if err != nil {
		t.Fatalf("forward packets: %v", err)
	}
}

// AddAddr gives the host one more address. See netlab.Host.AddAddr.
func (h *Host) AddAddr(t testing.TB, prefix string) {
	t.Helper()
	if err := h.Host.AddAddr(prefix); err != nil {
		t.Fatalf("add address %s: %v", prefix, err)
	}
}
