package main

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"odooban/internal/dockertest"
	"odooban/internal/netnstest"
)

// Containers that look like Odoo are found without configuration. Killed and
// started again, odooban counts what was written meanwhile, and nothing twice; a
// container in the place of another begins anew, and what was counted stays.
func TestRunFindsContainers(t *testing.T) {
	e := dockertest.Start(t, dockertest.Options{})
	server, path := netnstest.New(t, 1).Server, filepath.Join(t.TempDir(), "journal", "odooban.db")
	container := func() *dockertest.Writer {
		return e.Write(t, dockertest.Spec{Name: "shop", Image: "odoo:19"})
	}
	following := func(odooban *program, w *dockertest.Writer) {
		t.Helper()
		odooban.awaitMessage(t, "following docker:shop/"+w.ID[:12])
	}
	run := func() *program {
		return start(t, func(cmd *exec.Cmd) error { return server.Do(cmd.Start) }, []string{
			"DOCKER_HOST=" + e.Address, "ODOOBAN_JOURNAL_PATH=" + path, "ODOOBAN_JAILS=[{rule: odoo-login, maxretry: 3}]",
		}, "run")
	}
	first := container()
	odooban := run()
	following(odooban, first)
	// The last failure is told before it is written down.
	odooLog{t, first.Out}.fail(odooban, "203.0.113.20", "203.0.113.20", "203.0.113.30", "203.0.113.40")
	odooban.end(t, syscall.SIGKILL)

	log := odooLog{t, first.Out}
	log.record("odoo.addons.base.models.res_users: Login failed for login:admin from 203.0.113.20 ")
	log.record(`werkzeug: 203.0.113.20 - - [%s] "POST /web/login HTTP/1.1" 200 - 5 0.001 0.003`,
		time.Now().UTC().Format("02/Jan/2006 15:04:05"))
	odooban = run()
	following(odooban, first)
	odooban.awaitBan(t, "203.0.113.20/32")

	first.Remove(t)
	second := container()
	following(odooban, second)
	odooLog{t, second.Out}.fail(odooban, "203.0.113.30", "203.0.113.30")
	odooban.awaitBan(t, "203.0.113.30/32")
	for addr, want := range map[string]int{"203.0.113.20": 1, "203.0.113.30": 2} {
		if n := odooban.failures(addr); n != want {
			t.Errorf("counted %d failures of %s after the start, want the %d that were new", n, addr, want)
		}
	}
	if code := odooban.end(t, syscall.SIGTERM); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}
