// Package netlab makes throwaway networks: a server and its clients, each in a
// network namespace of its own, joined by virtual cables. The tests and the
// demo play in them.
//
// It promises that nothing outside is touched and nothing is left behind: the
// namespaces have no names, and go when they are closed and the programs in
// them have ended, however the process that made them ends.
package netlab

import (
	"fmt"
	"net/netip"
	"runtime"

	"github.com/vishvananda/netns"
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

// New makes a network with this many clients, at most 254. It needs root.
func New(clients int) (*Net, error) {
	n := &Net{}
	if err := n.build(clients); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// Close lets go of the namespaces.
func (n *Net) Close() {
	if n.Server != nil {
		n.Server.ns.Close()
	}
	for _, client := range n.Clients {
		client.ns.Close()
	}
}

func (n *Net) build(clients int) (err error) {
	if n.Server, err = newHost(); err != nil {
		return err
	}
	if err := n.Server.number("lo", server4, server6); err != nil {
		return fmt.Errorf("number the server: %w", err)
	}
	for i := range clients {
		client, err := newHost()
		if err != nil {
			return err
		}
		n.Clients = append(n.Clients, client)
		if err := n.join(client, i+1); err != nil {
			return fmt.Errorf("join client %d: %w", i+1, err)
		}
	}
	return nil
}

// Do runs f in the host's namespace: sockets that f opens, programs that it
// starts and listeners that it makes belong there for good. f must not leave
// its goroutine for this.
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

// AddAddr gives the host one more address, written with its length like
// 2001:db8:1::2/128.
func (h *Host) AddAddr(prefix string) error {
	return h.Do(func() error { return addAddr(h.dev, prefix) })
}

func newHost() (*Host, error) {
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
	if err := <-done; err != nil {
		h.ns.Close()
		return nil, fmt.Errorf("make network namespace: %w", err)
	}
	return h, nil
}
