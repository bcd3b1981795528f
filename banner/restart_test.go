package banner

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"odooban/internal/await"
	"odooban/internal/netnstest"
)

// A banned client that sends all the time gets no packet through while odooban
// is started again and again, and bans what is banned already.
func TestNoPacketPassesDuringRestarts(t *testing.T) {
	eachFamily(t, func(t *testing.T, k kind, f family) {
		network := netnstest.New(t, 1)
		t.Setenv("GORACE", "atexit_sleep_ms=0") // or the others take a second to end
		restart := func() {
			t.Helper()
			out := network.Server.Run(t, "/proc/self/exe", tryOpen, k.backend, k.iptables, k.ip6tables)
			if !strings.HasPrefix(out, k.backend+" []") {
				t.Fatal(out)
			}
		}
		passed := countPackets(t, network.Server, 443)
		var banned atomic.Bool
		sent := flood(t, network.Clients[0], netip.AddrPortFrom(f.server(network), 443), &banned)
		await.Until(t, "packets of a client that is not banned", func() bool { return passed.free.Load() > 100 })
		restart()
		drop := dropMeter(t, k, network.Server, f)
		drop()
		banned.Store(true)
		for range 3 {
			restart()
			drop()
		}
		if n := passed.banned.Load(); n > 0 {
			t.Errorf("%d of %d packets passed", n, sent.banned.Load())
		}
		t.Logf("%d packets kept away", sent.banned.Load())
	})
}

// packets counts packets by what their sender was when it sent them: it takes
// a while until the last one is read.
type packets struct{ free, banned atomic.Int64 }

func (p *packets) count(payload byte) {
	if payload == 0 {
		p.free.Add(1)
	} else {
		p.banned.Add(1)
	}
}

// countPackets counts the packets that reach a UDP port of the host.
func countPackets(t *testing.T, host *netnstest.Host, port int) *packets {
	t.Helper()
	var conn *net.UDPConn
	err := host.Do(func() (err error) {
		conn, err = net.ListenUDP("udp", &net.UDPAddr{Port: port})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var n packets
	var reading sync.WaitGroup
	reading.Go(func() {
		payload := make([]byte, 1)
		for {
			if _, _, err := conn.ReadFromUDP(payload); err != nil {
				return
			}
			n.count(payload[0])
		}
	})
	t.Cleanup(func() {
		conn.Close()
		reading.Wait()
	})
	return &n
}

// flood sends packets from the host, ten in a millisecond, until the test ends,
// and counts them.
func flood(t *testing.T, from *netnstest.Host, to netip.AddrPort, banned *atomic.Bool) *packets {
	t.Helper()
	var conn *net.UDPConn
	err := from.Do(func() (err error) {
		conn, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var n packets
	var sending sync.WaitGroup
	sending.Go(func() {
		beat := time.NewTicker(time.Millisecond)
		defer beat.Stop()
		for ctx.Err() == nil {
			<-beat.C
			payload := []byte{0}
			if banned.Load() {
				payload[0] = 1
			}
			for range 10 {
				if _, err := conn.Write(payload); err == nil {
					n.count(payload[0])
				}
			}
		}
	})
	t.Cleanup(func() {
		stop()
		sending.Wait()
		conn.Close()
	})
	return &n
}
