package main

import (
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"odooban/internal/journaldtest"
	"odooban/internal/netnstest"
)

// A unit is followed in systemd's journal. Killed and started again, odooban
// counts what was written meanwhile, and nothing twice; forged records, written
// as well as can be, blame nobody.
func TestRunFollowsAUnit(t *testing.T) {
	j := journaldtest.Start(t)
	log, server := odooLog{t, j.OpenFile()}, netnstest.New(t, 1).Server
	path := filepath.Join(t.TempDir(), "journal", "odooban.db")
	run := func() *program {
		odooban := start(t, func(cmd *exec.Cmd) error { return server.Do(cmd.Start) }, []string{
			"ODOOBAN_SOURCES=[{journal: {unit: " + j.Unit + "}}]",
			"ODOOBAN_JOURNAL_PATH=" + path,
			"ODOOBAN_JAILS=[{rule: odoo-login, maxretry: 3}]",
		}, "run")
		odooban.awaitMessage(t, "following journal:"+j.Unit)
		return odooban
	}
	odooban := run()
	log.fail(odooban, "203.0.113.20", "203.0.113.20")
	for n := range 3 {
		stamp := time.Now().UTC().Format("2006-01-02 15:04:05,000")
		forged := strings.ReplaceAll("x from 8.8.8.8 \nSTAMP 401 INFO shop odoo.addons.base.models.res_users: "+
			"Login failed for login:y from 8.8.8.8 \nSTAMP 401 INFO shop odoo.addons.base.models.res_users: "+
			"Login failed for login:z", "STAMP", stamp)
		log.record("odoo.addons.base.models.res_users: Login failed for login:%s from 203.0.113.70 ", forged)
		log.record(`werkzeug: 203.0.113.70 - - [%s] "POST /web/login HTTP/1.1" 200 - 5 0.001 0.003`,
			time.Now().UTC().Format("02/Jan/2006 15:04:05"))
		failed := 0
		odooban.await(t, "failure of the forger", func(e entry) bool {
			if e.Message == "failed login" && e.Addr == netip.MustParseAddr("203.0.113.70") {
				failed++
			}
			return failed > n
		})
	}
	odooban.awaitBan(t, "203.0.113.70/32")
	odooban.end(t, syscall.SIGKILL)

	log.record("odoo.addons.base.models.res_users: Login failed for login:admin from 203.0.113.20 ")
	log.record(`werkzeug: 203.0.113.20 - - [%s] "POST /web/login HTTP/1.1" 200 - 5 0.001 0.003`,
		time.Now().UTC().Format("02/Jan/2006 15:04:05"))
	odooban = run()
	odooban.awaitBan(t, "203.0.113.20/32")
	log.fail(odooban, "203.0.113.21")
	if n := odooban.failures("203.0.113.20"); n != 1 {
		t.Errorf("counted %d failures after the start, want the one that was new", n)
	}
	if n := odooban.failures("8.8.8.8"); n > 0 {
		t.Errorf("counted %d failures of whom a login blamed", n)
	}
	if code := odooban.end(t, syscall.SIGTERM); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	for _, e := range odooban.entries {
		if e.Prefix.IsValid() && !netip.MustParsePrefix("203.0.113.0/24").Contains(e.Prefix.Addr()) {
			t.Errorf("banned %v", e.text)
		}
	}
}
