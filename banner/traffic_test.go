package banner

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"odooban/internal/await"
	"odooban/internal/netnstest"
)

// family is what a test needs to know to speak with one IP version.
type family struct {
	name string
	// ban is what is blocked of the first client: its address, or its /64.
	ban    string
	server func(*netnstest.Net) netip.Addr
	// tables is the iptables command of the backend.
	tables func(kind) string
}

var families = []family{
	{
		"IPv4", "198.51.100.1/32",
		func(n *netnstest.Net) netip.Addr { return n.Server.Addr4 },
		func(k kind) string { return k.iptables },
	},
	{
		"IPv6", "2001:db8:1::/64",
		func(n *netnstest.Net) netip.Addr { return n.Server.Addr6 },
		func(k kind) string { return k.ip6tables },
	},
}

func eachFamily(t *testing.T, test func(t *testing.T, k kind, f family)) {
	eachBackend(t, func(t *testing.T, k kind) {
		for _, f := range families {
			t.Run(f.name, func(t *testing.T) { test(t, k, f) })
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

// dropped returns how many packets the rules of ours have dropped.
func (k kind) dropped(t *testing.T, host *netnstest.Host, f family) (n int) {
	t.Helper()
	var listing string
	if k.backend == "nftables" {
		listing = host.Run(t, "nft", "list", "table", "inet", nftName)
	} else {
		listing = host.Run(t, f.tables(k), "-t", ruleTable, "-nvxL")
	}
	for line := range strings.SplitSeq(listing, "\n") {
		words := strings.Fields(line)
		if i := slices.Index(words, "packets"); i >= 0 && k.backend == "nftables" {
			words = words[i+1:]
		} else if !slices.Contains(words, "DROP") {
			continue
		}
		packets, err := strconv.Atoi(words[0])
		if err != nil {
			t.Fatalf("no counter in %q", line)
		}
		n += packets
	}
	return n
}

// dropMeter returns a function that waits until a rule of ours has dropped one
// more packet.
func dropMeter(t *testing.T, k kind, host *netnstest.Host, f family) func() {
	seen := 0
	return func() {
		t.Helper()
		before := seen
		await.Until(t, "a dropped packet", func() bool {
			seen = k.dropped(t, host, f)
			return seen > before
		})
	}
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
	eachFamily(t, func(t *testing.T, k kind, f family) {
		network := netnstest.New(t, 2)
		network.Server.Echo(t, 8069)
		network.Server.Echo(t, 22)
		server, bad, good := f.server(network), network.Clients[0], network.Clients[1]
		fw := k.bare(t, network.Server, webPorts...)
		badConn, badOther := connect(t, bad, server, 8069), connect(t, bad, server, 22)
		goodConn := connect(t, good, server, 8069)
		drop := dropMeter(t, k, network.Server, f)

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
	eachFamily(t, func(t *testing.T, k kind, f family) {
		network := netnstest.New(t, 1)
		fw := k.bare(t, network.Server)
		block(t, fw, time.Hour, f.ban)
		wantNoWay(t, network.Clients[0], netip.AddrPortFrom(f.server(network), 12345), dropMeter(t, k, network.Server, f))
	})
}

// A /64 is banned as one, whichever of its addresses comes.
func TestBanOfANetworkTakesItsOtherAddresses(t *testing.T) {
	eachBackend(t, func(t *testing.T, k kind) {
		network := netnstest.New(t, 1)
		client := network.Clients[0]
		fw := k.bare(t, network.Server, webPorts...)
		block(t, fw, time.Hour, "2001:db8:1::/64")
		client.Run(t, "ip", "-6", "addr", "flush", "dev", "uplink", "scope", "global")
		client.AddAddr(t, "2001:db8:1::beef/128")
		wantNoWay(t, client, netip.AddrPortFrom(network.Server.Addr6, 80), dropMeter(t, k, network.Server, families[1]))
	})
}

// The kernel ends a ban although nobody is there to do it, except for bans that
// are rules: those the keeper ends.
func TestBanEndsByItself(t *testing.T) {
	eachFamily(t, func(t *testing.T, k kind, f family) {
		network := netnstest.New(t, 1)
		network.Server.Echo(t, 8069)
		fw := k.bare(t, network.Server, webPorts...)
		end := time.Now().Add(time.Second)
		block(t, fw, time.Second, f.ban)
		if isCapped(fw) {
			keep(t, network.Server, newKeeper(k.backend, fw))
		}
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
	eachFamily(t, func(t *testing.T, k kind, f family) {
		network := netnstest.New(t, 3)
		bad, good, container := network.Clients[0], network.Clients[1], network.Clients[2]
		network.Server.Forward(t)
		container.Echo(t, 9999)
		to := netip.AddrPortFrom(container.Addr4, 9999)
		if f.name == "IPv6" {
			to = netip.AddrPortFrom(container.Addr6, 9999)
		}
		network.Server.Run(t, f.tables(k), "-t", "nat", "-A", "PREROUTING", "-d", f.server(network).String(),
			"-p", "tcp", "--dport", "80", "-j", "DNAT", "--to-destination", to.String())
		fw := k.bare(t, network.Server, webPorts...)
		badConn := connect(t, bad, f.server(network), 80)

		block(t, fw, time.Hour, f.ban)
		if _, err := io.WriteString(badConn, "x"); err != nil {
			t.Fatal(err)
		}
		dropMeter(t, k, network.Server, f)()
		wantSilence(t, badConn)
		connect(t, good, f.server(network), 80)
	})
}
