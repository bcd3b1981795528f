package systemdtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"odooban/internal/await"
)

// site is a machine with an Odoo that writes a log, and packages of odooban.
type site struct {
	*machine
	logs string // /var/log/odoo on the machine
	log  *os.File
	// attempts is how many failed logins were logged.
	attempts int
}

// newSite boots a machine with packages of these versions in /packages.
func newSite(t *testing.T, versions ...string) *site {
	t.Helper()
	packages, logs := t.TempDir(), t.TempDir()
	makePackages(t, packages, versions...)
	s := &site{machine: boot(t, 1, packages+":/packages:ro", logs+":/var/log/odoo"), logs: logs}
	s.log = s.create(t, "odoo.log")
	// As Odoo's own package does it.
	s.run(t, "useradd", "--system", "--user-group", "odoo")
	s.run(t, "chown", "-R", "odoo:odoo", "/var/log/odoo")
	s.run(t, "chmod", "750", "/var/log/odoo")
	s.run(t, "chmod", "640", "/var/log/odoo/odoo.log")
	return s
}

// create creates a file in the folder of Odoo's logs.
func (s *site) create(t *testing.T, name string) *os.File {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(s.logs, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// makePackages makes the packages that users get, in dir: of several versions,
// which do not differ but in that.
func makePackages(t *testing.T, dir string, versions ...string) {
	t.Helper()
	made := t.TempDir()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for i, version := range versions {
		where := []string{"VERSION=" + version, "BIN=" + made, "DIST=" + made}
		build := exec.Command("make", append(where, "package")...)
		if i > 0 {
			// What goes into it is there already.
			build.Args = append(build.Args, "--assume-old=build", "--assume-old=manual")
		}
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", build.Args, err, out)
		}
		for _, kind := range []string{"deb", "rpm"} {
			found, err := filepath.Glob(filepath.Join(made, "*."+kind))
			if err != nil || len(found) != 1 {
				t.Fatalf("packages made: %v, %v", found, err)
			}
			if err := os.Rename(found[0], filepath.Join(dir, version+"."+kind)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// fail logs failed logins of an address, at the rate of an ordinary attack.
func (s *site) fail(t *testing.T, to *os.File, addr string, times int) {
	t.Helper()
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for range times {
		s.attempt(t, to, addr)
		<-pause.C
	}
}

// attempt logs a failed login, as Odoo with several workers does.
func (s *site) attempt(t *testing.T, to *os.File, addr string) {
	t.Helper()
	now := time.Now().UTC()
	_, err := fmt.Fprintf(to, "%[1]s %[2]d INFO shop odoo.addons.base.models.res_users: "+
		"Login failed for login:admin from %[3]s \n"+
		"%[1]s %[2]d INFO shop werkzeug: %[3]s - - [%[4]s] \"POST /web/login HTTP/1.1\" 200 - 5 0.001 0.003\n",
		now.Format("2006-01-02 15:04:05,000"), 400+s.attempts%8, addr, now.Format("02/Jan/2006 15:04:05"))
	if err != nil {
		t.Fatal(err)
	}
	s.attempts++
}

// banned says whether the kernel keeps an address away.
func (s *site) banned(t *testing.T, addr string) bool {
	t.Helper()
	out, _ := s.try(t, "nft", "list", "table", "inet", "odooban")
	return regexp.MustCompile(`[\s{]` + regexp.QuoteMeta(addr) + `\s`).MatchString(out)
}

func (s *site) awaitBan(t *testing.T, addr string) {
	t.Helper()
	await.Until(t, "a ban of "+addr, func() bool { return s.banned(t, addr) })
}

// show returns what systemd knows about the service.
func (s *site) show(t *testing.T, property string) string {
	t.Helper()
	return strings.TrimSpace(s.run(t, "systemctl", "show", "odooban", "--value", "-p", property))
}

// awaitReady waits until the service is ready, in another process than before.
func (s *site) awaitReady(t *testing.T, before string) {
	t.Helper()
	await.Until(t, "the service to be ready", func() bool {
		pid := s.show(t, "MainPID")
		return pid != "0" && pid != before && s.show(t, "ActiveState") == "active"
	})
}

// dropIn changes the service, and runs it anew.
func (s *site) dropIn(t *testing.T, settings string) {
	t.Helper()
	s.write(t, "/etc/systemd/system/odooban.service.d/test.conf", "[Service]\n"+settings)
	s.run(t, "systemctl", "daemon-reload")
	s.run(t, "systemctl", "restart", "odooban")
}

// noDropIn takes that back.
func (s *site) noDropIn(t *testing.T) {
	t.Helper()
	s.run(t, "rm", "-r", "/etc/systemd/system/odooban.service.d")
	s.run(t, "systemctl", "daemon-reload")
	s.run(t, "systemctl", "restart", "odooban")
}
