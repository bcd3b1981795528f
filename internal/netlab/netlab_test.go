package netlab_test

import (
	"errors"
	"testing"

	"github.com/vishvananda/netns"

	"odooban/internal/netlab"
	"odooban/internal/testrequire"
)

func newNet(t *testing.T, clients int) *netlab.Net {
	t.Helper()
	testrequire.Root(t)
	network, err := netlab.New(clients)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(network.Close)
	return network
}

// namespace returns the one that the calling thread is in.
func namespace(t *testing.T) netns.NsHandle {
	t.Helper()
	ns, err := netns.Get()
	if err != nil {
		t.Error(err)
	}
	t.Cleanup(func() { ns.Close() })
	return ns
}

func TestDoStaysInside(t *testing.T) {
	network := newNet(t, 1)
	outside := namespace(t)
	wrong := errors.New("wrong")
	err := network.Server.Do(func() error {
		if namespace(t).Equal(outside) {
			t.Error("Do runs outside")
		}
		return wrong
	})
	if !errors.Is(err, wrong) {
		t.Errorf("error of Do: %v", err)
	}
	if !namespace(t).Equal(outside) {
		t.Error("the test itself has moved inside")
	}
}

func TestHostsAreApart(t *testing.T) {
	network := newNet(t, 2)
	var seen []netns.NsHandle
	for _, host := range append(network.Clients, network.Server) {
		err := host.Do(func() error {
			seen = append(seen, namespace(t))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen[0].Equal(seen[1]) || seen[0].Equal(seen[2]) || seen[1].Equal(seen[2]) {
		t.Errorf("two hosts share a namespace: %v", seen)
	}
}
