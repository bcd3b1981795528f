package systemdtest

import (
	"strings"
	"testing"
)

// TestDebian is the life of the service on one machine, from the installation of
// its package to the purge. Each part leaves it running for the next.
func TestDebian(t *testing.T) {
	s := newSite(t, "1.0.0", "1.0.1")
	s.run(t, "dpkg", "-i", "/packages/1.0.0.deb")
	for _, part := range []struct {
		name string
		test func(*testing.T, *site)
	}{
		{"installed", testInstalled},
		{"bans", testBans},
		{"killed", testKilled},
		{"reload", testReload},
		{"hung", testHung},
		{"upgrade", testUpgrade},
		{"removal", testRemoval},
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
	if got, want := s.show(t, "StatusText"), "Following 1 of 1 sources, firewall nftables"; !strings.HasPrefix(got, want) {
		t.Errorf("status %q, want %q...", got, want)
	}
	for _, file := range []string{
		"/usr/share/man/man1/odooban-run.1.gz", "/usr/share/man/man5/odooban.yaml.5.gz",
		"/usr/share/bash-completion/completions/odooban", "/usr/share/doc/odooban/copyright",
	} {
		s.run(t, "test", "-s", file)
	}
}

func testBans(t *testing.T, s *site) {
	s.fail(t, "203.0.113.10", 9)
	s.fail(t, "203.0.113.11", 10)
	s.awaitBan(t, "203.0.113.11")
	if s.banned(t, "203.0.113.10") {
		t.Error("nine failures led to a ban")
	}
}

// testKilled kills the service in the middle of an attack.
func testKilled(t *testing.T, s *site) {
	before := s.show(t, "MainPID")
	s.fail(t, "203.0.113.20", 5)
	s.run(t, "systemctl", "kill", "-s", "KILL", "odooban")
	s.fail(t, "203.0.113.20", 5)
	s.fail(t, "203.0.113.21", 9)
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
	s.fail(t, "203.0.113.30", 4)
	s.write(t, "/etc/odooban/odooban.yaml", "jails:\n  - {rule: odoo-login, maxretry: 5}\n")
	s.run(t, "systemctl", "reload", "odooban")
	s.fail(t, "203.0.113.30", 1)
	s.awaitBan(t, "203.0.113.30")

	s.write(t, "/etc/odooban/odooban.yaml", "jails: nothing\n")
	if out, code := s.try(t, "systemctl", "reload", "odooban"); code == 0 {
		t.Errorf("a wrong configuration was loaded: %s", out)
	}
	s.write(t, "/etc/odooban/odooban.yaml", "jails:\n  - {rule: odoo-login, maxretry: 10, bantime: 2h}\n")
	s.run(t, "systemctl", "reload", "odooban")
	s.fail(t, "203.0.113.31", 10)
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
	s.await(t, "the watchdog", func() bool {
		for worker := range 8 {
			s.attempt(t, "203.0.113.40", 400+worker)
		}
		return strings.Contains(s.run(t, "journalctl", "-b", "--no-pager", "_PID=1"), "odooban.service: Watchdog timeout")
	})
	s.run(t, "systemd-run", "--unit=drain", "sh", "-c", "exec cat <>/run/log.pipe >/dev/null")
	s.awaitReady(t, before)
	s.awaitBan(t, "203.0.113.40")
	s.noDropIn(t)
	s.run(t, "systemctl", "stop", "reader", "drain")
}

// testUpgrade installs a newer package over it.
func testUpgrade(t *testing.T, s *site) {
	before, configured := s.show(t, "MainPID"), s.run(t, "cat", "/etc/odooban/odooban.yaml")
	s.run(t, "dpkg", "-i", "/packages/1.0.1.deb")
	s.awaitReady(t, before)
	if out := s.run(t, "odooban", "version"); !strings.HasPrefix(out, "odooban 1.0.1 ") {
		t.Errorf("version %q", out)
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
	for _, list := range [][]string{{"nft", "list", "ruleset"}, {"iptables-save"}, {"ip6tables-save"}} {
		if out := s.run(t, list...); strings.Contains(out, "odooban") {
			t.Errorf("%v shows:\n%s", list, out)
		}
	}
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
