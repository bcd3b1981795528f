package torture

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const (
	reloaded = "configuration was read again"
	refused  = "the configuration stays as it was"
)

// configured makes a site that is configured by a file, and gives what writes that file.
func configured(t *testing.T, w *writer) (*site, func(maxretry int)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "odooban.yaml")
	s := newSite(t, w.path, 1, "ODOOBAN_JAILS=", "ODOOBAN_CONFIG="+file)
	return s, func(maxretry int) {
		text := fmt.Sprintf("jails:\n  - {rule: odoo-login, maxretry: %d, findtime: 1h, bantime: 1h}\n", maxretry)
		w.check(os.WriteFile(file, []byte(text), 0o600))
	}
}

// TestReloadLosesNothing lets odooban read its configuration again and again, right ones and wrong ones, while failed
// logins are written and the log is rotated.
func TestReloadLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	s, configure := configured(t, w)
	configure(tries)
	w.slow(5)
	s.start()
	s.awaitAll(w)
	for n := range 5 {
		w.fast(100)
		s.signal(syscall.SIGHUP)
		w.fast(100)
		w.slow(20)
		s.awaitSaid(reloaded, n+1)
		configure(0)
		s.signal(syscall.SIGHUP)
		w.rename()
		w.create()
		w.fast(100)
		s.awaitSaid(refused, n+1)
		configure(tries)
	}
	s.awaitAll(w)
	s.stop()
	s.wantTruth(w, false)
}

// TestReloadChangesJails makes a jail stricter: who has failed often enough already is banned at once, without another
// attempt.
func TestReloadChangesJails(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	s, configure := configured(t, w)
	configure(1000)
	w.slow(5)
	s.start()
	w.fast(crowd*tries - w.next)
	s.awaitAll(w)
	if bans := s.journalBans(); len(bans) > 0 {
		t.Fatalf("%d bans before the reload", len(bans))
	}
	configure(tries)
	s.signal(syscall.SIGHUP)
	s.awaitBans(crowd)
	s.stop()
	s.wantTruth(w, false)
}
