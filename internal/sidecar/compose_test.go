package sidecar_test

import (
	"net/netip"
	"strings"
	"testing"

	"odooban/internal/testrequire"
)

// The Compose files that users lay beside their own.
const (
	onTheHost  = "../../packaging/docker/compose.odooban.yaml"
	atTheProxy = "../../packaging/docker/compose.odooban-proxy.yaml"
)

// The clients.
const (
	attacker  = 0 // over both families
	neighbour = 1 // does nothing wrong
)

// TestSidecar runs odooban as docs/docker.md tells, in its image and by its
// Compose files, beside an imitation of the reference deployment.
func TestSidecar(t *testing.T) {
	testrequire.Root(t)
	testrequire.Command(t, "docker-compose")
	saved := images(t)
	t.Run("iptables-nft", func(t *testing.T) {
		variant(t, "nft")
		s := newSite(t, saved)
		s.run(t, "on the host", (*site).onTheHost, onTheHost)
		s.run(t, "by the log of Odoo alone", (*site).byCooldown, onTheHost, "testdata/odoo-alone.yml")
		s.run(t, "without proxy_mode", (*site).withoutProxyMode, onTheHost, "testdata/odoo-alone.yml")
		s.run(t, "at the proxy", (*site).atTheProxy, atTheProxy)
		s.run(t, "on a network of its own", (*site).onItsOwn, onTheHost, "testdata/own-network.yml")
	})
	t.Run("iptables-legacy", func(t *testing.T) {
		variant(t, "legacy")
		s := newSite(t, saved)
		s.run(t, "on the host", (*site).attacked, onTheHost)
	})
}

// run lays Compose files beside the deployment's own for a subtest.
func (s *site) run(t *testing.T, name string, test func(*site), files ...string) {
	t.Run(name, func(t *testing.T) {
		at := &site{Net: s.Net, engine: s.engine, t: t, files: append([]string{"testdata/docker-compose.yml"}, files...)}
		defer func() {
			at.compose("down", "--volumes")
			at.Server.Run(t, "nft", "add table inet odooban; delete table inet odooban") // where there is one
		}()
		test(at)
	})
}

// onTheHost lets a site be attacked, does to containers what is done to them in
// a day's work, and takes odooban away.
func (s *site) onTheHost() {
	s.attacked()
	s.compose("restart", "traefik")
	s.stillProtects()
	s.compose("up", "--detach", "--force-recreate")
	s.stillProtects()
	s.engine.Stop(s.t)
	s.engine.Resume(s.t)
	s.stillProtects()

	s.compose("stop", "odooban")
	s.wantCut(attacker, s.Server.Addr4)
	s.compose("run", "--rm", "odooban", "flush")
	for _, server := range s.servers() {
		s.connect(attacker, server)
	}
}

// attacked attacks a site over both families.
func (s *site) attacked() {
	s.compose("up", "--detach")
	s.awaitMessage("firewall is ready: nftables", 1)
	s.awaitMessage("following ", 2)
	s.compose("exec", "-T", "odooban", "/odooban", "health")
	for _, server := range s.servers() {
		idle, attack, good := s.connect(attacker, server), s.connect(attacker, server), s.connect(neighbour, server)
		s.attack(attack)
		s.awaitBan(s.prefix(server))
		s.wantCutOff(idle)
		s.wantServed(good)
	}
	s.stillProtects()
}

// byCooldown attacks where Odoo says at level WARNING only that it looks at no
// more passwords, and nothing else tells of the attack.
func (s *site) byCooldown() {
	s.compose("up", "--detach")
	s.awaitMessage("following ", 1)
	s.attack(s.connect(attacker, s.Server.Addr4))
	if got := s.awaitBan(s.prefix(s.Server.Addr4)); got.Rule != "odoo-cooldown" {
		s.t.Errorf("banned by rule %s", got.Rule)
	}
}

// withoutProxyMode attacks where Odoo takes Traefik for the client, and nothing
// else tells of the attack.
func (s *site) withoutProxyMode() {
	s.env = []string{"PROXY_MODE=False"}
	s.compose("up", "--detach")
	s.awaitMessage("following ", 1)
	s.attack(s.connect(attacker, s.Server.Addr4))
	alarm := s.await("whose address it did not ban", 1, func(line said) bool { return line.Alarm == "own-address" })
	if !strings.Contains(alarm.Cure, "set proxy_mode = True") {
		s.t.Errorf("the cure: %s", alarm.Cure)
	}
	for _, line := range s.log() {
		if line.Message == "banned" {
			s.t.Errorf("banned %s", line.Prefix)
		}
	}
	s.connect(neighbour, s.Server.Addr4)
}

// atTheProxy attacks a site whose proxy is guarded in its container, and starts
// that again.
func (s *site) atTheProxy() {
	s.compose("up", "--detach")
	s.awaitMessage("following ", 2)
	idle, attack := s.connect(attacker, s.Server.Addr4), s.connect(attacker, s.Server.Addr4)
	s.attack(attack)
	s.awaitBan(s.prefix(s.Server.Addr4))
	s.wantIgnored(idle)
	s.wantUnanswered(attacker, s.Server.Addr4)

	s.compose("restart", "traefik")
	s.awaitMessage("firewall is ready", 2)
	s.awaitMessage("following ", 4)
	s.wantUnanswered(attacker, s.Server.Addr4)
}

// onItsOwn starts odooban where it can guard nobody.
func (s *site) onItsOwn() {
	s.compose("up", "--detach")
	if got := s.awaitMessage("no client comes by here", 1); !strings.Contains(got.Message, "network_mode: host") {
		s.t.Errorf("without a cure: %s", got.Message)
	}
	said, err := s.tryCompose("exec", "-T", "odooban", "/odooban", "health")
	if err == nil || !strings.Contains(said, "no client comes by here") {
		s.t.Errorf("health: %v\n%s", err, said)
	}
}

// servers are the addresses that clients know.
func (s *site) servers() []netip.Addr { return []netip.Addr{s.Server.Addr4, s.Server.Addr6} }

// prefix is what is banned when the attacker comes to server.
func (s *site) prefix(server netip.Addr) string {
	if server.Is4() {
		return s.Clients[attacker].Addr4.String() + "/32"
	}
	return netip.PrefixFrom(s.Clients[attacker].Addr6, 64).Masked().String()
}

// stillProtects looks whether the attacker is kept out, and nobody else.
func (s *site) stillProtects() {
	s.t.Helper()
	for _, server := range s.servers() {
		s.wantCut(attacker, server)
		s.connect(neighbour, server)
	}
}
