package systemdtest

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"odooban/internal/await"
)

// TestService is the life of the service on one machine, from the installation of
// its package to the purge, and once more with the other package. Each part goes
// on where the one before has left it.
func TestService(t *testing.T) {
	s := newSite(t, "1.0.0", "1.0.1")
	s.run(t, "dpkg", "-i", "/packages/1.0.0.deb")
	for _, part := range []struct {
		name string
		test func(*testing.T, *site)
	}{
		{"installed", testInstalled},
		{"privileges", testPrivileges},
		{"bans", testBans},
		{"unit", testUnit},
		{"killed", testKilled},
		{"reload", testReload},
		{"hung", testHung},
		{"ipset", testIPSet},
		{"upgrade", testUpgrade},
		{"removal", testRemoval},
		{"rpm", testRPM},
	} {
		ok := t.Run(part.name, func(t *testing.T) {
			defer s.explain(t)
			part.test(t, s)
		})
		if !ok {
			return // the rest would tell nothing
		}
	}
}

// explain shows what the machine says about a failure.
func (s *site) explain(t *testing.T) {
	if !t.Failed() {
		return
	}
	journal, _ := s.try(t, "journalctl", "-b", "--no-pager", "-n", "60", "_PID=1", "+", "_COMM=odooban")
	rules, _ := s.try(t, "nft", "list", "ruleset")
	t.Logf("%s\n%s\n%s", s.show(t, "StatusText"), journal, rules)
}

func testInstalled(t *testing.T, s *site) {
	s.awaitReady(t, "0")
	if got := strings.TrimSpace(s.run(t, "systemctl", "is-enabled", "odooban")); got != "enabled" {
		t.Errorf("it is %s", got)
	}
	if got, want := s.show(t, "StatusText"), "Following 1 of 1 source, firewall nftables"; !strings.HasPrefix(got, want) {
		t.Errorf("status %q, want %q...", got, want)
	}
	if got := s.run(t, "stat", "-c", "%U:%G %a", "/run/xtables.lock"); got != "root:odooban 640\n" {
		t.Errorf("the lock of iptables is %s", got)
	}
	for _, file := range []string{
		"/usr/share/man/man1/odooban-run.1.gz", "/usr/share/man/man5/odooban.yaml.5.gz",
		"/usr/share/bash-completion/completions/odooban", "/usr/share/doc/odooban/copyright",
	} {
		s.run(t, "test", "-s", file)
	}
}

// testPrivileges looks at what the service may do, from inside of it.
func testPrivileges(t *testing.T, s *site) {
	pid := s.show(t, "MainPID")
	status := s.run(t, "cat", "/proc/"+pid+"/status")
	const netAdmin = "0000000000001000"
	for _, want := range []string{
		"CapInh:\t" + netAdmin, "CapPrm:\t" + netAdmin, "CapEff:\t" + netAdmin, "CapBnd:\t" + netAdmin,
		"CapAmb:\t" + netAdmin, "NoNewPrivs:\t1", "Seccomp:\t2",
	} {
		if !strings.Contains(status, want+"\n") {
			t.Errorf("its status has no %q:\n%s", want, status)
		}
	}
	if out := s.run(t, "stat", "-c", "%U", "/proc/"+pid); out != "odooban\n" {
		t.Errorf("it runs as %s", out)
	}
	inside := func(command string) error {
		out, code := s.try(t, "nsenter", "-t", pid, "-m", "--",
			"setpriv", "--reuid=odooban", "--regid=odooban", "--init-groups", "sh", "-c", command)
		if code != 0 {
			return errors.New(out)
		}
		return nil
	}
	for _, may := range []string{
		"cat /var/log/odoo/odoo.log", "cat /etc/odooban/odooban.yaml", "touch /var/lib/odooban/x && rm /var/lib/odooban/x",
		"touch /run/odooban/x && rm /run/odooban/x",
	} {
		if err := inside(may); err != nil {
			t.Errorf("it may not %s: %v", may, err)
		}
	}
	for _, mayNot := range []string{
		"cat /etc/shadow", "ls /root", "echo >> /var/log/odoo/odoo.log", "echo >> /etc/odooban/odooban.yaml",
		"touch /var/tmp/../x", "touch /usr/x", "echo > /proc/sys/net/ipv4/ip_forward", "ls /dev/kmsg", "cat /proc/1/cmdline",
	} {
		if inside(mayNot) == nil {
			t.Errorf("it may %s", mayNot)
		}
	}
	s.run(t, "systemd-analyze", "security", "--offline=yes", "--threshold=20", "/usr/lib/systemd/system/odooban.service")
	if got := s.run(t, "stat", "-c", "%U %a", "/var/lib/odooban"); got != "odooban 700\n" {
		t.Errorf("its state is %s", got)
	}
}

func testBans(t *testing.T, s *site) {
	s.fail(t, s.log, "203.0.113.10", 9)
	s.fail(t, s.log, "203.0.113.11", 10)
	s.awaitBan(t, "203.0.113.11")
	if s.banned(t, "203.0.113.10") {
		t.Error("nine failures led to a ban")
	}

	client := s.net.Clients[0]
	odoo := netip.AddrPortFrom(s.net.Server.Addr4, 8069)
	s.net.Server.Echo(t, odoo.Port())
	if _, err := client.Dial(t.Context(), t, odoo); err != nil {
		t.Fatalf("before the ban: %v", err)
	}
	s.fail(t, s.log, client.Addr4.String(), 10)
	s.awaitBan(t, client.Addr4.String())
	ctx, cancel := context.WithCancel(t.Context())
	dialed := make(chan error)
	go func() {
		_, err := client.Dial(ctx, t, odoo)
		dialed <- err
	}()
	await.Until(t, "a packet to be dropped", func() bool {
		return regexp.MustCompile(`counter packets [1-9]`).MatchString(s.run(t, "nft", "list", "table", "inet", "odooban"))
	})
	cancel()
	if err := <-dialed; !errors.Is(err, context.Canceled) {
		t.Errorf("during the ban: %v", err)
	}
}

// testUnit follows what a unit writes to systemd's journal.
func testUnit(t *testing.T, s *site) {
	s.write(t, "/etc/odooban/odooban.yaml", "sources:\n  - file: /var/log/odoo/*.log\n  - journal: {unit: odoo.service}\n")
	s.run(t, "systemctl", "reload", "odooban")
	output := s.create(t, "unit.output")
	s.run(t, "systemd-run", "--unit=odoo", "tail", "-n", "+1", "-f", "/var/log/odoo/unit.output")
	s.fail(t, output, "203.0.113.15", 10)
	s.awaitBan(t, "203.0.113.15")
	s.run(t, "systemctl", "stop", "odoo")
}

// testKilled kills the service in the middle of an attack.
func testKilled(t *testing.T, s *site) {
	before := s.show(t, "MainPID")
	s.fail(t, s.log, "203.0.113.20", 5)
	s.run(t, "systemctl", "kill", "-s", "KILL", "odooban")
	s.fail(t, s.log, "203.0.113.20", 5)
	s.fail(t, s.log, "203.0.113.21", 9)
	s.awaitReady(t, before)
	s.awaitBan(t, "203.0.113.20")
	if !s.banned(t, "203.0.113.11") {
		t.Error("the ban from before has ended")
	}
	if s.banned(t, "203.0.113.21") {
		t.Error("nine failures counted as more")
	}
}

// testReload loads another configuration, and a wrong one.
func testReload(t *testing.T, s *site) {
	before := s.show(t, "MainPID")
	s.fail(t, s.log, "203.0.113.30", 4)
	s.write(t, "/etc/odooban/odooban.yaml", "jails:\n  - {rule: odoo-login, maxretry: 5}\n")
	s.run(t, "systemctl", "reload", "odooban")
	s.fail(t, s.log, "203.0.113.30", 1)
	s.awaitBan(t, "203.0.113.30")

	s.write(t, "/etc/odooban/odooban.yaml", "jails: nothing\n")
	if out, code := s.try(t, "systemctl", "reload", "odooban"); code == 0 {
		t.Errorf("a wrong configuration was loaded: %s", out)
	}
	s.write(t, "/etc/odooban/odooban.yaml", "jails:\n  - {rule: odoo-login, maxretry: 10, bantime: 2h}\n")
	s.run(t, "systemctl", "reload", "odooban")
	s.fail(t, s.log, "203.0.113.31", 10)
	s.awaitBan(t, "203.0.113.31")
	if after := s.show(t, "MainPID"); after != before {
		t.Errorf("process %s became %s", before, after)
	}
}

// testHung lets nobody read the service's own log. When there is no more room in
// the pipe, it hangs in the midst of its work, while its timers go on.
func testHung(t *testing.T, s *site) {
	s.run(t, "mkfifo", "/run/log.pipe")
	s.run(t, "systemd-run", "--unit=reader", "sh", "-c", "exec sleep infinity <>/run/log.pipe")
	s.dropIn(t, "Environment=ODOOBAN_LOG_LEVEL=debug\nStandardError=file:/run/log.pipe\n"+
		"WatchdogSec=5s\nTimeoutAbortSec=2s\n")
	before := s.show(t, "MainPID")
	await.Until(t, "the watchdog", func() bool {
		for range 8 {
			s.attempt(t, s.log, "203.0.113.40")
		}
		return strings.Contains(s.run(t, "journalctl", "-b", "--no-pager", "_PID=1"), "odooban.service: Watchdog timeout")
	})
	s.run(t, "systemd-run", "--unit=drain", "sh", "-c", "exec cat <>/run/log.pipe >/dev/null")
	s.awaitReady(t, before)
	s.awaitBan(t, "203.0.113.40")
	s.noDropIn(t)
	s.run(t, "systemctl", "stop", "reader", "drain")
}

// testIPSet gives the service what backend ipset needs, as docs/install.md says.
func testIPSet(t *testing.T, s *site) {
	s.dropIn(t, "AmbientCapabilities=CAP_NET_RAW\nCapabilityBoundingSet=CAP_NET_RAW\n")
	if got := s.show(t, "StatusText"); !strings.Contains(got, "firewall ipset") {
		t.Errorf("status %q", got)
	}
	s.run(t, "iptables", "-t", "raw", "-C", "PREROUTING", "-p", "tcp", "-m", "multiport", "--dports", "80,443,8069,8072",
		"-m", "set", "--match-set", "odooban4", "src", "-m", "comment", "--comment", "odooban", "-j", "DROP")
	s.noDropIn(t)
	if !s.banned(t, "203.0.113.31") {
		t.Error("a ban got lost between the backends")
	}
}

// testUpgrade installs a newer package over it.
func testUpgrade(t *testing.T, s *site) {
	before, configured := s.show(t, "MainPID"), s.run(t, "cat", "/etc/odooban/odooban.yaml")
	s.run(t, "dpkg", "-i", "/packages/1.0.1.deb")
	s.awaitReady(t, before)
	if got := s.run(t, "dpkg-query", "-W", "-f", "${Version}", "odooban"); got != "1.0.1" {
		t.Errorf("version %s", got)
	}
	if got := s.run(t, "cat", "/etc/odooban/odooban.yaml"); got != configured {
		t.Errorf("configuration became:\n%s", got)
	}
	if !s.banned(t, "203.0.113.31") {
		t.Error("a ban has ended")
	}
}

// testRemoval removes the package, then purges it.
func testRemoval(t *testing.T, s *site) {
	s.run(t, "dpkg", "-r", "odooban")
	s.wantNoRules(t)
	s.run(t, "test", "-e", "/etc/odooban/odooban.yaml")
	s.run(t, "test", "-e", "/var/lib/odooban/odooban.db")
	s.run(t, "dpkg", "-P", "odooban")
	if out := s.run(t, "find", "/", "-xdev", "-path", "/proc", "-prune", "-o", "-name", "*odooban*", "-print"); out != "" {
		t.Errorf("left behind:\n%s", out)
	}
	if out := s.run(t, "find", "/", "/run", "-xdev", "-user", "odooban"); out != "" {
		t.Errorf("left behind of its user:\n%s", out)
	}
}

func (s *site) wantNoRules(t *testing.T) {
	t.Helper()
	for _, list := range [][]string{{"nft", "list", "ruleset"}, {"iptables-save"}, {"ip6tables-save"}} {
		if out := s.run(t, list...); strings.Contains(out, "odooban") {
			t.Errorf("%v shows:\n%s", list, out)
		}
	}
}

// testRPM lets rpm do the same: its scripts are others.
func testRPM(t *testing.T, s *site) {
	s.run(t, "rpm", "-i", "--nodeps", "/packages/1.0.0.rpm")
	s.awaitReady(t, "0")
	s.fail(t, s.log, "203.0.113.50", 10)
	s.awaitBan(t, "203.0.113.50")
	before := s.show(t, "MainPID")
	s.write(t, "/etc/odooban/odooban.yaml", "ipv6_prefix: 56\n")
	s.run(t, "rpm", "-U", "--nodeps", "/packages/1.0.1.rpm")
	s.awaitReady(t, before)
	if !s.banned(t, "203.0.113.50") {
		t.Error("a ban has ended")
	}
	if got := s.run(t, "cat", "/etc/odooban/odooban.yaml"); got != "ipv6_prefix: 56\n" {
		t.Errorf("configuration became:\n%s", got)
	}
	s.run(t, "rpm", "-e", "odooban")
	s.wantNoRules(t)
}
