package main

import (
	"strings"
	"testing"

	"odooban/internal/netnstest"
)

// TestRunSparesOwn imitates Odoo without proxy_mode: all failures come from the
// gateway of a network of containers, which is made when odooban runs already.
// Nobody is banned, the cure is told, and a ban of before ends.
func TestRunSparesOwn(t *testing.T) {
	const gateway, container = "172.30.0.1", "172.30.0.7"
	s := &site{Net: netnstest.New(t, 1), t: t, log: newOdooLog(t), backend: "nftables", iptables: t.TempDir()}
	odooban := s.run()
	s.log.fail(odooban, container, container, container)
	odooban.awaitBan(t, container+"/32")

	s.Server.Run(t, "ip", "link", "add", "br-4567", "type", "bridge")
	s.Server.Run(t, "ip", "addr", "add", gateway+"/16", "dev", "br-4567")
	odooban.awaitMessage(t, "the ban of "+container+"/32 ends: 172.30.0.0/16 is never banned (containers on br-4567)")
	s.log.fail(odooban, gateway, gateway, gateway, container, container, container)
	alarm := odooban.await(t, "alarm", func(e entry) bool { return e.Alarm == "own-address" })
	if !strings.Contains(alarm.text, "set proxy_mode = True in odoo.conf") {
		t.Errorf("no cure in %s", alarm.text)
	}
	// A ban that follows shows that all before it has been judged.
	s.log.fail(odooban, "198.51.100.1", "198.51.100.1", "198.51.100.1")
	odooban.awaitBan(t, "198.51.100.1/32")
	for prefix := range s.bans() {
		if prefix != "198.51.100.1/32" {
			t.Errorf("banned %s", prefix)
		}
	}
}
