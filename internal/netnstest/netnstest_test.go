package netnstest_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"odooban/internal/netnstest"
)

func TestEveryClientReachesTheServer(t *testing.T) {
	network := netnstest.New(t, 2)
	network.Server.Echo(t, 8069)
	for _, client := range network.Clients {
		for _, server := range []netip.Addr{network.Server.Addr4, network.Server.Addr6} {
			conn, err := client.Dial(t.Context(), t, netip.AddrPortFrom(server, 8069))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, "hello"); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len("hello"))
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
				t.Errorf("echo through %v: %q, %v", server, got, err)
			}
			local := netip.MustParseAddrPort(conn.LocalAddr().String()).Addr()
			if local != client.Addr4 && local != client.Addr6 {
				t.Errorf("the client comes from %v", local)
			}
		}
	}
}

func TestClientsReachEachOtherWhenTheServerForwards(t *testing.T) {
	network := netnstest.New(t, 2)
	network.Server.Forward(t)
	a, b := network.Clients[0], network.Clients[1]
	b.Echo(t, 80)
	for _, to := range []netip.Addr{b.Addr4, b.Addr6} {
		if _, err := a.Dial(t.Context(), t, netip.AddrPortFrom(to, 80)); err != nil {
			t.Error(err)
		}
	}
}

func TestRunStaysInside(t *testing.T) {
	network := netnstest.New(t, 1)
	if got := network.Clients[0].Run(t, "ip", "-brief", "link"); !strings.Contains(got, "uplink") {
		t.Errorf("interfaces inside:\n%s", got)
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	network := netnstest.New(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := network.Clients[0].Dial(ctx, t, netip.AddrPortFrom(network.Server.Addr4, 1))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
}
