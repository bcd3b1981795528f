package torture

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"odooban/banner"
	"odooban/internal/netnstest"
	"odooban/internal/store"
)

// manyBans is how many there are in the long form.
const manyBans = 100_000

// TestRestartWithManyBans kills and restarts odooban with many bans in force, while a banned client and one that is
// not send packet after packet: none of the first comes through. Then the kernel's memory is lost, as when the machine
// starts anew: the bans are put in force out of the journal.
func TestRestartWithManyBans(t *testing.T) {
	for _, backend := range []string{"nftables", "ipset"} {
		t.Run(backend, func(t *testing.T) {
			bans := manyBans
			if !long() {
				bans /= 20
			}
			t.Parallel()
			w := newWriter(t)
			w.slow(1)
			s := newSite(t, w.path, 2, "ODOOBAN_FIREWALL_BACKEND="+backend)
			banned, good := s.net.Clients[0], s.net.Clients[1]
			s.preban(banned.Addr4, bans)
			t.Logf("put in force out of the journal after %v", s.timedStart())
			got := s.listen(banned, good)
			s.send(banned)
			s.send(good)
			s.awaitPackets(got.good, 1)
			for range 3 {
				s.kill()
				s.awaitPackets(got.good, 50)
				t.Logf("taken over after SIGKILL after %v", s.timedStart())
			}
			s.signal(syscall.SIGHUP)
			s.awaitSaid(reloaded, 1)
			s.stop()
			s.awaitPackets(got.good, 50)
			t.Logf("taken over after SIGTERM after %v", s.timedStart())
			s.awaitPackets(got.good, 50)
			if n := got.bad.Load(); n > 0 {
				t.Errorf("%d packets of a banned client came through, of %d of another", n, got.good.Load())
			}
			t.Logf("0 packets came through of a banned client, %d of another", got.good.Load())
		})
	}
}

// preban writes bans of so many addresses into the journal, one of them of addr.
func (s *site) preban(addr netip.Addr, n int) {
	s.t.Helper()
	journal, err := store.Open(s.path(), store.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	now := time.Now()
	journal.Update(func(tx *store.Tx) {
		next := netip.MustParseAddr("20.0.0.1")
		for range n - 1 {
			tx.Ban(banOf(next, now))
			next = next.Next()
		}
		tx.Ban(banOf(addr, now))
	})
	if err := journal.Close(); err != nil {
		s.t.Fatal(err)
	}
}

func banOf(addr netip.Addr, now time.Time) banner.Ban {
	return banner.Ban{
		Prefix: netip.PrefixFrom(addr, addr.BitLen()), Rule: "odoo-login", Time: now, Until: now.Add(time.Hour), Failures: tries,
	}
}

// timedStart starts odooban and says how long it took until it followed its log, all bans being in force.
func (s *site) timedStart() string {
	s.t.Helper()
	if err := os.Remove(s.logbook()); err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	began := time.Now()
	s.start()
	s.awaitSaid("following "+filepath.Clean(s.log), 1)
	return fmt.Sprintf("%v, of these %v CPU", time.Since(began).Round(time.Millisecond), s.cpuTime())
}

// cpuTime is how long odooban has computed, and the kernel for it.
func (s *site) cpuTime() time.Duration {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	ticks := 0
	for _, field := range strings.Fields(rest)[11:13] { // utime and stime, in proc(5), in hundredths of a second
		n, err := strconv.Atoi(field)
		if err != nil {
			s.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// received counts packets.
type received struct{ bad, good *atomic.Int64 }

// listen counts the packets that come to a guarded port of the server.
func (s *site) listen(bad, good *netnstest.Host) received {
	s.t.Helper()
	got := received{new(atomic.Int64), new(atomic.Int64)}
	var conn *net.UDPConn
	err := s.net.Server.Do(func() (err error) {
		conn, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 8069})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for buf := make([]byte, 16); ; {
			_, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			switch from.Addr().Unmap() {
			case bad.Addr4:
				got.bad.Add(1)
			case good.Addr4:
				got.good.Add(1)
			}
		}
	})
	s.t.Cleanup(func() {
		conn.Close()
		reading.Wait()
	})
	return got
}

// send lets a client send a packet to the server every millisecond, until the test ends.
func (s *site) send(client *netnstest.Host) {
	s.t.Helper()
	var conn *net.UDPConn
	err := client.Do(func() (err error) {
		conn, err = net.DialUDP("udp4", nil, &net.UDPAddr{IP: s.net.Server.Addr4.AsSlice(), Port: 8069})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				_, _ = conn.Write([]byte("probe")) // what is lost is what is counted
			}
		}
	})
	s.t.Cleanup(func() {
		close(ended)
		sending.Wait()
		conn.Close()
	})
}

// awaitPackets waits for n more packets.
func (s *site) awaitPackets(count *atomic.Int64, n int64) {
	s.t.Helper()
	before := count.Load()
	s.await(func() string { return "packets of a client that is not banned" }, func() bool { return count.Load() >= before+n })
}
