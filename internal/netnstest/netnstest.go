// Package netnstest makes throwaway networks for tests: a server and its
// clients, each in a network namespace of its own, joined by virtual cables.
//
// It promises that nothing outside is touched and nothing is left behind: the
// namespaces have no names, and go with the test.
package netnstest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/vishvananda/netns"

	"odooban/internal/testrequire"
)

// Net is a server and the clients around it. Clients reach the server at its
// address over their own cable, and each other through it once it forwards.
type Net struct {
	Server  *Host
	Clients []*Host
}

// Host is one network namespace and its addresses, of the ranges that are
// reserved for documentation. The server has 203.0.113.1 and 2001:db8:ffff::1;
// client n, from 1, has 198.51.100.n and 2001:db8:n::1, of a /64 of its own.
type Host struct {
	Addr4, Addr6 netip.Addr

	ns netns.NsHandle
	// dev is the interface that has the addresses.
	dev string
}

// New makes a network with this many clients, at most 254. The test skips
// without root.
func New(t testing.TB, clients int) *Net {
	t.Helper()
	testrequire.Root(t)
	n := &Net{Server: newHost(t)}
	if err := n.Server.number("lo", server4, server6); err != nil {
		t.Fatalf("number the server: %v", err)
	}
	for i := range clients {
		client := newHost(t)
		if err := n.join(client, i+1); err != nil {
			t.Fatalf("join client %d: %v", i+1, err)
		}
		n.Clients = append(n.Clients, client)
	}
	return n
}

// Do runs f in the host's namespace: sockets that f opens, programs that it
// starts and listeners that it makes belong there for good. f must neither
// leave its goroutine for this nor end the test.
func (h *Host) Do(f func() error) error {
	done := make(chan error)
	go func() {
		// Never unlocked, so that the thread ends with the goroutine and no
		// other one finds itself in this namespace.
		runtime.LockOSThread()
		if err := netns.Set(h.ns); err != nil {
			done <- fmt.Errorf("enter namespace: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
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

// AddAddr gives the host one more address, written with its length like
// 2001:db8:1::2/128.
func (h *Host) AddAddr(t testing.TB, prefix string) {
	t.Helper()
	if err := h.Do(func() error { return addAddr(h.dev, prefix) }); err != nil {
		t.Fatalf("add address %s: %v", prefix, err)
	}
}

func newHost(t testing.TB) *Host {
	t.Helper()
	h := &Host{ns: netns.None()}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // see Do
		var err error
		if h.ns, err = netns.New(); err == nil {
			err = up("lo")
		}
		done <- err
	}()
	err := <-done
	t.Cleanup(func() { h.ns.Close() })
	if err != nil {
		t.Fatalf("make network namespace: %v", err)
	}
	return h
}
