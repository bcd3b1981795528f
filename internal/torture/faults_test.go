package torture

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"odooban/internal/testrequire"
)

const repaired = "firewall was changed by others and is repaired"

// TestFirewallIsTakenAway lets another program take away what odooban has put into the firewall, while a banned client
// sends packets. Where the kernel tells of the change it is back within seconds, otherwise within 30.
func TestFirewallIsTakenAway(t *testing.T) {
	for _, tt := range []struct {
		name, backend string
		slow          bool
		others        [][]string
	}{
		{"nft flush ruleset", "nftables", false, [][]string{{"nft", "flush", "ruleset"}}},
		{"nft flush ruleset, ipset", "ipset", false, [][]string{{"nft", "flush", "ruleset"}}},
		{"iptables -t raw -F", "ipset", false, [][]string{{"iptables-nft", "-t", "raw", "-F"}}},
		{"iptables-restore", "ipset", false, [][]string{{"iptables-nft-restore", "EMPTY"}}},
		{"ipset flush", "ipset", true, [][]string{{"ipset", "flush"}}},
		{"ipset destroy", "ipset", false, [][]string{{"iptables-nft", "-t", "raw", "-F"}, {"ipset", "destroy", "odooban4"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.slow && !long() {
				t.Skip("waits for half a minute: ODOOBAN_TEST_TORTURE=long")
			}
			t.Parallel()
			s := attacked(t, tt.backend)
			empty := filepath.Join(s.dir, "EMPTY")
			if err := os.WriteFile(empty, []byte("*raw\nCOMMIT\n*filter\nCOMMIT\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			for _, command := range tt.others {
				for i := range command {
					command[i] = strings.Replace(command[i], "EMPTY", empty, 1)
				}
				s.net.Server.Run(t, command[0], command[1:]...)
			}
			s.awaitSaid(repaired, 1)
			t.Logf("repaired after %v", time.Since(began).Round(time.Millisecond))
			s.wantKeptAway()
			s.stop()
		})
	}
}

// attacked makes a site whose first client is banned.
func attacked(t *testing.T, backend string) *site {
	t.Helper()
	w := newWriter(t)
	w.slow(1)
	s := newSite(t, w.path, 2, "ODOOBAN_FIREWALL_BACKEND="+backend)
	s.preban(s.net.Clients[0].Addr4, 1)
	s.timedStart()
	s.wantKeptAway()
	return s
}

// wantKeptAway wants the packets of the first client dropped, while those of the second pass.
func (s *site) wantKeptAway() {
	s.t.Helper()
	banned, good := s.net.Clients[0], s.net.Clients[1]
	s.once(func(t testing.TB) {
		probe := &site{t: t, net: s.net}
		got := probe.listen(banned, good)
		probe.send(banned)
		probe.send(good)
		probe.awaitPackets(got.good, 50)
		if n := got.bad.Load(); n > 0 {
			t.Errorf("%d packets of a banned client came through", n)
		}
	})
}

// once runs f as a test of its own, which cleans up at its end.
func (s *site) once(f func(t testing.TB)) {
	s.t.Helper()
	if t, ok := s.t.(*testing.T); ok {
		t.Run("probe", func(t *testing.T) { f(t) })
	}
}

// TestDiskIsFull fills the disk that the journal is on. Bans go on, and when there is room again the journal has
// everything.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	s := newSite(t, w.path, 1)
	disk := filepath.Dir(s.path())
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	// The journal's write-ahead log takes 4 MiB of it.
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=16m,mode=700"); err != nil {
		testrequire.Skip(t, "needs to mount a tmpfs: "+err.Error())
	}
	t.Cleanup(func() {
		s.kill()
		s.journal.Close()
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	w.fast(crowd)
	s.start()
	s.awaitAll(w)
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	w.fast(crowd*tries*3 - crowd)
	s.awaitSaid("journal-outage", 1)
	s.awaitSaid(`"prefix":"`+attacker(w.next-1).String(), 1)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if !long() {
		w.calm(200) // with what is logged next it is tried again, otherwise within half a minute
	}
	s.awaitSaid("everything is written to", 1)
	s.awaitAll(w)
	s.stop()
	s.wantTruth(w, false)
}

// fill writes zeroes until there is no more room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
}

// TestJournalIsDamaged overwrites the middle of the journal while odooban is not running. A new one is begun, loudly,
// and has everything that the log still has.
func TestJournalIsDamaged(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	s := newSite(t, w.path, 1)
	w.fast(crowd * tries)
	s.start()
	s.awaitAll(w)
	s.stop()
	f, err := os.OpenFile(s.path(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte(strings.Repeat("damage! ", 2048)), 8192)
	w.check(err)
	w.check(f.Close())
	w.fast(crowd)
	s.start()
	s.awaitSaid("journal-damaged", 1)
	s.awaitAll(w)
	s.stop()
	s.wantTruth(w, false)
}

// TestInotifyIsExhausted runs odooban where no inotify instance is to be had. It says so, and looks at its files four
// times a second.
func TestInotifyIsExhausted(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	s := newSite(t, w.path, 1)
	s.wrap = []string{
		testrequire.Command(t, "unshare"), "--user", "--map-root-user", "--net", "sh", "-c",
		`echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"`, "sh",
	}
	if err := exec.Command(s.wrap[0], append(s.wrap[1:len(s.wrap):len(s.wrap)], "true")...).Run(); err != nil {
		testrequire.Skip(t, "needs user namespaces: "+err.Error())
	}
	w.slow(5)
	s.start()
	s.awaitAll(w)
	s.awaitSaid("use inotify", 1)
	for range 3 {
		w.fast(200)
		w.rename()
		w.create()
		w.slow(20)
	}
	s.awaitAll(w)
	s.stop()
	s.wantTruth(w, false)
}
