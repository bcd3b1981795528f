package banner

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"odooban/internal/netnstest"
)

// family is what a test needs to know to speak with one IP version.
type family struct {
	name string
	// ban is what is blocked of the first client: its address, or its /64.
	ban    string
	server func(*netnstest.Net) netip.Addr
	// tables is the iptables command of the options.
	tables func(Options) string
}

var families = []family{
	{
		"IPv4", "198.51.100.1/32",
		func(n *netnstest.Net) netip.Addr { return n.Server.Addr4 },
		func(o Options) string { return o.IPTables },
	},
	{
		"IPv6", "2001:db8:1::/64",
		func(n *netnstest.Net) netip.Addr { return n.Server.Addr6 },
		func(o Options) string { return o.IP6Tables },
	},
}

func eachFamily(t *testing.T, test func(t *testing.T, opts Options, f family)) {
	eachVariant(t, func(t *testing.T, opts Options) {
		for _, f := range families {
			t.Run(f.name, func(t *testing.T) { test(t, opts, f) })
		}
	})
}

func connect(t *testing.T, from *netnstest.Host, server netip.Addr, port uint16) net.Conn {
	t.Helper()
	conn, err := from.Dial(t.Context(), t, netip.AddrPortFrom(server, port))
	if err != nil {
		t.Fatal(err)
	}
	echo(t, conn)
	return conn
}

// echo says something to the server and waits until it is back.
func echo(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "x"); err != nil {
		t.Fatal(err)
	}
	wantEcho(t, conn)
}

func wantEcho(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatalf("no echo: %v", err)
	}
}

// wantSilence asks whether nothing has come; what would come is caused before.
func wantSilence(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the banned client heard %d bytes, %v", n, err)
	}
}

// awaitDrop waits until a rule of ours has dropped a packet.
func awaitDrop(t *testing.T, host *netnstest.Host, tables string) {
	t.Helper()
	await(t, "a dropped packet", func() bool {
		for _, line := range strings.Split(host.Run(t, tables, "-t", ruleTable, "-nvxL", ruleChain), "\n") {
			if words := strings.Fields(line); strings.Contains(line, "odooban") && words[0] != "0" {
				return true
			}
		}
		return false
	})
	host.Run(t, tables, "-t", ruleTable, "-Z", ruleChain)
}

// wantNoWay starts to connect and gives up when the packet filter has dropped.
func wantNoWay(t *testing.T, from *netnstest.Host, to netip.AddrPort, dropped func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := from.Dial(ctx, t, to)
		result <- err
	}()
	dropped()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("connect to %v: %v", to, err)
	}
}

func TestBanStopsOneClientAndNoOther(t *testing.T) {
	eachFamily(t, func(t *testing.T, opts Options, f family) {
		network := netnstest.New(t, 2)
		network.Server.Echo(t, 8069)
		network.Server.Echo(t, 22)
		server, bad, good := f.server(network), network.Clients[0], network.Clients[1]
		fw := setUp(t, network.Server, opts)
		badConn, badOther := connect(t, bad, server, 8069), connect(t, bad, server, 22)
		goodConn := connect(t, good, server, 8069)
		drop := func() { awaitDrop(t, network.Server, f.tables(opts)) }

		block(t, fw, time.Hour, f.ban)
		if _, err := io.WriteString(badConn, "x"); err != nil {
			t.Fatal(err)
		}
		drop()
		wantSilence(t, badConn)
		wantNoWay(t, bad, netip.AddrPortFrom(server, 443), drop)
		echo(t, goodConn)
		connect(t, good, server, 8069)
		echo(t, badOther) // a port that is not guarded

		if err := fw.Unblock(t.Context(), []netip.Prefix{netip.MustParsePrefix(f.ban)}); err != nil {
			t.Fatal(err)
		}
		wantEcho(t, badConn) // TCP sends again what was dropped
		connect(t, bad, server, 8069)
	})
}

func TestNoPortsMeansAllPorts(t *testing.T) {
	eachFamily(t, func(t *testing.T, opts Options, f family) {
		network := netnstest.New(t, 1)
		opts.Ports = nil
		fw := setUp(t, network.Server, opts)
		block(t, fw, time.Hour, f.ban)
		wantNoWay(t, network.Clients[0], netip.AddrPortFrom(f.server(network), 12345),
			func() { awaitDrop(t, network.Server, f.tables(opts)) })
	})
}

// A /64 is banned as one, whichever of its addresses comes.
func TestBanOfANetworkTakesItsOtherAddresses(t *testing.T) {
	eachVariant(t, func(t *testing.T, opts Options) {
		network := netnstest.New(t, 1)
		client := network.Clients[0]
		fw := setUp(t, network.Server, opts)
		block(t, fw, time.Hour, "2001:db8:1::/64")
		client.Run(t, "ip", "-6", "addr", "flush", "dev", "uplink", "scope", "global")
		client.AddAddr(t, "2001:db8:1::beef/128")
		wantNoWay(t, client, netip.AddrPortFrom(network.Server.Addr6, 80),
			func() { awaitDrop(t, network.Server, opts.IP6Tables) })
	})
}

// The kernel ends a ban although nobody is there to do it.
func TestBanEndsWithoutUs(t *testing.T) {
	eachFamily(t, func(t *testing.T, opts Options, f family) {
		network := netnstest.New(t, 1)
		network.Server.Echo(t, 8069)
		fw := setUp(t, network.Server, opts)
		end := time.Now().Add(time.Second)
		block(t, fw, time.Second, f.ban)
		if err := fw.Close(); err != nil {
			t.Fatal(err)
		}
		connect(t, network.Clients[0], f.server(network), 8069)
		if early := time.Until(end); early > 10*time.Millisecond {
			t.Errorf("let in %v early", early)
		}
	})
}

// A published port leads into a container; the rule sees the published one.
func TestBanCoversPublishedPorts(t *testing.T) {
	eachFamily(t, func(t *testing.T, opts Options, f family) {
		network := netnstest.New(t, 3)
		bad, good, container := network.Clients[0], network.Clients[1], network.Clients[2]
		network.Server.Forward(t)
		container.Echo(t, 9999)
		to := netip.AddrPortFrom(container.Addr4, 9999)
		if f.name == "IPv6" {
			to = netip.AddrPortFrom(container.Addr6, 9999)
		}
		network.Server.Run(t, f.tables(opts), "-t", "nat", "-A", "PREROUTING", "-d", f.server(network).String(),
			"-p", "tcp", "--dport", "80", "-j", "DNAT", "--to-destination", to.String())
		fw := setUp(t, network.Server, opts)
		badConn := connect(t, bad, f.server(network), 80)

		block(t, fw, time.Hour, f.ban)
		if _, err := io.WriteString(badConn, "x"); err != nil {
			t.Fatal(err)
		}
		awaitDrop(t, network.Server, f.tables(opts))
		wantSilence(t, badConn)
		connect(t, good, f.server(network), 80)
	})
}
