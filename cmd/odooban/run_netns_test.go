package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/banner"
	"odooban/internal/await"
	"odooban/internal/control"
	"odooban/internal/netnstest"
	"odooban/internal/testrequire"
)

// protectedPort is one of those that the default configuration guards.
const protectedPort = 8069

// site is a server that odooban protects, and the clients around it.
type site struct {
	*netnstest.Net
	t       *testing.T
	log     odooLog
	backend string
	// iptables is a folder with the variant of iptables to use.
	iptables string
}

// run starts odooban on the server, with env besides.
func (s *site) run(env ...string) *program {
	s.t.Helper()
	odooban := start(s.t, func(cmd *exec.Cmd) error { return s.Server.Do(cmd.Start) },
		append([]string{
			"PATH=" + s.iptables + ":" + os.Getenv("PATH"),
			"ODOOBAN_FIREWALL_BACKEND=" + s.backend,
			"ODOOBAN_JOURNAL_PATH=" + filepath.Join(filepath.Dir(s.log.file.Name()), "journal", "odooban.db"),
			"ODOOBAN_JAILS=[{rule: odoo-login, maxretry: 3, bantime: 1h}, {rule: odoo-cooldown, bantime: 3s}]",
		}, env...), "run", s.log.file.Name())
	odooban.awaitMessage(s.t, "following "+s.log.file.Name())
	return odooban
}

// dial opens a connection from a client to the server and uses it.
func (s *site) dial(client int, server netip.Addr) net.Conn {
	s.t.Helper()
	conn, err := s.Clients[client].Dial(s.t.Context(), s.t, netip.AddrPortFrom(server, protectedPort))
	if err != nil {
		s.t.Fatal(err)
	}
	s.say(conn)
	s.wantEcho(conn)
	return conn
}

func (s *site) say(conn net.Conn) {
	s.t.Helper()
	if _, err := io.WriteString(conn, "x"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) wantEcho(conn net.Conn) {
	s.t.Helper()
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		s.t.Fatalf("no echo: %v", err)
	}
}

// wantCut says something over an established connection and tries a new one,
// and waits until the packet filter has dropped both.
func (s *site) wantCut(conn net.Conn, client int, server netip.Addr) {
	s.t.Helper()
	before := s.dropped()
	s.say(conn)
	s.awaitDrops(before)
	conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Errorf("heard %d bytes, %v", n, err)
	}

	ctx, cancel := context.WithCancel(s.t.Context())
	result := make(chan error, 1)
	before = s.dropped()
	go func() {
		_, err := s.Clients[client].Dial(ctx, s.t, netip.AddrPortFrom(server, protectedPort))
		result <- err
	}()
	s.awaitDrops(before)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		s.t.Errorf("new connection: %v", err)
	}
}

// dropped returns how many packets were dropped so far.
func (s *site) dropped() (packets int) {
	s.t.Helper()
	var listing string
	if s.backend == "nftables" {
		listing = s.Server.Run(s.t, "nft", "list", "table", "inet", "odooban")
	} else {
		for _, tables := range []string{"iptables", "ip6tables"} {
			listing += s.Server.Run(s.t, filepath.Join(s.iptables, tables), "-t", "raw", "-nvxL", "PREROUTING")
		}
	}
	for line := range strings.Lines(listing) {
		if _, counter, ok := strings.Cut(line, "counter packets "); ok {
			line = counter
		} else if !strings.Contains(line, " DROP ") {
			continue
		}
		n, err := strconv.Atoi(strings.Fields(line)[0])
		if err != nil {
			s.t.Fatalf("no counter in %q", line)
		}
		packets += n
	}
	return packets
}

// awaitDrops waits until more packets were dropped than before.
func (s *site) awaitDrops(before int) {
	s.t.Helper()
	await.Until(s.t, "a packet to be dropped", func() bool { return s.dropped() > before })
}

// bans returns what the kernel keeps away, and until when.
func (s *site) bans() map[string]time.Time {
	s.t.Helper()
	bans := make(map[string]time.Time)
	err := s.Server.Do(func() error {
		firewall, err := banner.Open(s.t.Context(), banner.Options{
			Backend: s.backend, Ports: []uint16{80, 443, 8069, 8072},
			IPTables: filepath.Join(s.iptables, "iptables"), IP6Tables: filepath.Join(s.iptables, "ip6tables"),
		})
		if err != nil {
			return err
		}
		defer firewall.Close()
		listed, err := firewall.List(s.t.Context())
		for _, b := range listed {
			bans[b.Prefix.String()] = b.Until
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return bans
}

// TestRunProtects attacks a server that odooban guards, kills odooban, and
// starts it again. The clients are an attacker, one over IPv6, one who is banned
// for a short time, one who does nothing wrong, and one who attacks later.
func TestRunProtects(t *testing.T) {
	for _, variant := range []struct{ name, backend, iptables string }{
		{"ipset and iptables-nft", "ipset", "nft"},
		{"ipset and iptables-legacy", "ipset", "legacy"},
		{"nftables", "nftables", "nft"},
	} {
		t.Run(variant.name, func(t *testing.T) {
			t.Parallel()
			s := &site{Net: netnstest.New(t, 5), t: t, log: newOdooLog(t), backend: variant.backend, iptables: t.TempDir()}
			for _, tables := range []string{"iptables", "ip6tables"} {
				program := testrequire.Command(t, tables+"-"+variant.iptables)
				if err := os.Symlink(program, filepath.Join(s.iptables, tables)); err != nil {
					t.Fatal(err)
				}
			}
			s.attack()
		})
	}
}

// One client behind NAT64 is kept away, and no other one behind the same translator.
func TestRunBansOneClientBehindNAT64(t *testing.T) {
	testrequire.Command(t, "nft")
	s := &site{Net: netnstest.New(t, 1), t: t, log: newOdooLog(t), backend: "nftables"}
	s.Server.Echo(t, protectedPort)
	odooban := s.run("ODOOBAN_NAT64=2001:db8:1::/96")
	s.log.fail(odooban, "2001:db8:1::7", "2001:db8:1::7", "2001:db8:1::7")
	odooban.awaitBan(t, "2001:db8:1::7/128")
	conn := s.dial(0, s.Server.Addr6)
	s.log.fail(odooban, "2001:db8:1::1", "2001:db8:1::1", "2001:db8:1::1")
	odooban.awaitBan(t, "2001:db8:1::1/128")
	s.wantCut(conn, 0, s.Server.Addr6)
}

// The neighbours of an ignored address are banned by half of its network, and it is not
// cut off.
func TestRunBansBesideIgnoredAddress(t *testing.T) {
	testrequire.Command(t, "nft")
	s := &site{Net: netnstest.New(t, 1), t: t, log: newOdooLog(t), backend: "nftables"}
	s.Server.Echo(t, protectedPort)
	odooban := s.run("ODOOBAN_IGNORE=2001:db8:1::1")
	s.log.fail(odooban, "2001:db8:1:0:8000::1", "2001:db8:1:0:9000::2", "2001:db8:1:0:a000::3")
	odooban.awaitBan(t, "2001:db8:1:0:8000::/65")
	s.dial(0, s.Server.Addr6)
}

func (s *site) attack() {
	const bad, bad6, short, good, late = 0, 1, 2, 3, 4
	s.Server.Echo(s.t, protectedPort)
	server4, server6 := s.Server.Addr4, s.Server.Addr6
	s.Clients[bad6].AddAddr(s.t, "2001:db8:2::2/128")
	badConn, bad6Conn := s.dial(bad, server4), s.dial(bad6, server6)
	shortConn, goodConn, lateConn := s.dial(short, server4), s.dial(good, server4), s.dial(late, server4)
	odooban := s.run()

	s.log.fail(odooban, "198.51.100.1", "198.51.100.4", "198.51.100.1", "198.51.100.1")
	s.log.fail(odooban, "2001:db8:2::1", "2001:db8:2::2", "2001:db8:2::3")
	ends := map[string]time.Time{
		"198.51.100.1/32": odooban.awaitBan(s.t, "198.51.100.1/32").Until,
		"2001:db8:2::/64": odooban.awaitBan(s.t, "2001:db8:2::/64").Until,
	}
	s.wantCut(badConn, bad, server4)
	s.wantCut(bad6Conn, bad6, server6)
	s.say(goodConn)
	s.wantEcho(goodConn)
	s.dial(good, server4)
	s.dial(good, server6)

	// Killed, odooban leaves its bans to the kernel, which ends them on time.
	s.log.coolDown("198.51.100.3")
	until := odooban.awaitBan(s.t, "198.51.100.3/32").Until
	before := s.dropped()
	s.say(shortConn)
	s.awaitDrops(before)
	odooban.end(s.t, syscall.SIGKILL)
	s.dial(short, server4)
	if early := time.Until(until); early > 10*time.Millisecond {
		s.t.Errorf("let in %v early", early)
	}
	s.wantEcho(shortConn) // TCP sends again what was dropped
	s.wantCut(badConn, bad, server4)

	// Started again, it reads the log again: what is over stays over, what is in
	// force ends when it was to.
	odooban = s.run()
	s.log.fail(odooban, "198.51.100.5", "198.51.100.5", "198.51.100.5")
	ends["198.51.100.5/32"] = odooban.awaitBan(s.t, "198.51.100.5/32").Until
	s.wantCut(lateConn, late, server4)
	s.wantCut(badConn, bad, server4)
	s.dial(short, server4)
	if code := odooban.end(s.t, syscall.SIGTERM); code != exitDone {
		s.t.Errorf("exit code %d", code)
	}
	near := cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() < 2*time.Second })
	if diff := cmp.Diff(ends, s.bans(), near); diff != "" {
		s.t.Errorf("bans in the end (-want +got):\n%s", diff)
	}
}

// packets returns how many packets of an address the kernel has dropped since
// its ban was put in force.
func (s *site) packets(addr string) int {
	s.t.Helper()
	listing := s.Server.Run(s.t, "nft", "list", "set", "inet", "odooban", "banned4")
	match := regexp.MustCompile(regexp.QuoteMeta(addr) + ` [^,}]*counter packets (\d+)`).FindStringSubmatch(listing)
	if match == nil {
		s.t.Fatalf("no ban of %s that counts: %s", addr, listing)
	}
	n, err := strconv.Atoi(match[1])
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// A reload leaves the bans that are in force alone: their packets count on. One
// that somebody has taken away comes back.
func TestReloadLeavesBansAlone(t *testing.T) {
	t.Parallel()
	s := &site{Net: netnstest.New(t, 1), t: t, log: newOdooLog(t), backend: "nftables"}
	s.Server.Echo(t, protectedPort)
	const attacker, other, byHand = "198.51.100.1", "198.51.100.2", "192.0.2.9"
	conn := s.dial(0, s.Server.Addr4)
	socket := filepath.Join(t.TempDir(), "s")
	s.run().end(t, syscall.SIGTERM)
	s.Server.Run(t, "nft", "add", "element", "inet", "odooban", "banned4", "{ "+byHand+" timeout 1h }")
	odooban := s.run("ODOOBAN_SOCKET=" + socket)
	await.Until(t, "all bans to be known", func() bool {
		status, err := control.Dial(socket).Status(t.Context())
		return err == nil && status.Firewall.Bans == 1
	})
	for _, addr := range []string{attacker, other} {
		s.log.fail(odooban, addr, addr, addr)
		odooban.awaitBan(t, addr+"/32")
	}
	s.wantCut(conn, 0, s.Server.Addr4)
	counted := s.packets(attacker)
	for n := range 2 {
		if n > 0 {
			s.Server.Run(t, "nft", "delete", "element", "inet", "odooban", "banned4", "{ "+other+" }")
		}
		if err := odooban.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		following := 0
		odooban.await(t, "the log being followed again", func(e entry) bool {
			if strings.HasPrefix(e.Message, "following ") {
				following++
			}
			return following == n+2
		})
		if now := s.packets(attacker); now < counted || counted == 0 {
			t.Errorf("%d packets were counted before reload %d, and now %d", counted, n+1, now)
		}
		s.packets(other)
		s.packets(byHand)
	}
}
