package doctor

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"odooban/internal/checkup"
	"odooban/internal/config"
	"odooban/internal/own"
	"odooban/rules"
)

// host is one of which everything is well until a test breaks it. Its files
// are below a directory, and real.
type host struct {
	Environment
	t *testing.T
}

const logPath = "/var/log/odoo/odoo.log"

func newHost(t *testing.T) *host {
	c := config.Default()
	c.Sources = []config.Source{{File: "/var/log/odoo/*.log"}}
	h := &host{t: t, Environment: Environment{
		Root: t.TempDir(), Now: time.Now, Config: c, Files: []string{"/var/log/odoo/*.log"},
		Own: func() ([]own.Prefix, error) {
			return []own.Prefix{
				{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Why: "loopback"},
				{Prefix: netip.MustParsePrefix("172.17.0.1/32"), Why: "address of docker0"},
			}, nil
		},
	}}
	if err := os.Chmod(h.Root, 0o755); err != nil {
		t.Fatal(err)
	}
	h.trust()
	h.write(logPath, h.busyLog())
	h.write("/etc/odoo/odoo.conf", "[options]\nlist_db = False\nproxy_mode = True\n")
	return h
}

// trust makes the rules anew, which believe the proxies.
func (h *host) trust(proxies ...netip.Prefix) {
	h.t.Helper()
	set, err := rules.Compile(rules.BuiltIn(), nil, proxies...)
	if err != nil {
		h.t.Fatal(err)
	}
	h.Config.Proxies, h.Rules = proxies, set
}

// write writes a file, and its directory.
func (h *host) write(path, text string) {
	h.t.Helper()
	path = filepath.Join(h.Root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) remove(path string) {
	h.t.Helper()
	if err := os.RemoveAll(filepath.Join(h.Root, path)); err != nil {
		h.t.Fatal(err)
	}
}

// examine makes all checks and returns the findings of a code.
func (h *host) examine(code string) []checkup.Finding {
	h.t.Helper()
	r := Examine(h.t.Context(), h.Environment, Checks())
	return slices.DeleteFunc(r.Findings, func(f checkup.Finding) bool { return f.Code != code })
}

// only is the check of that name.
func only(name string) []Check {
	return slices.DeleteFunc(Checks(), func(c Check) bool { return c.Name != name })
}

// busyLog is what a server of 12 visitors and an attacker has just written.
func (h *host) busyLog() string {
	var b strings.Builder
	for i := range 60 {
		b.WriteString(visit(h.ago(60-i), fmt.Sprintf("203.0.113.%d", i%12)))
	}
	for i := range 4 {
		b.WriteString(attempt(h.ago(4-i), "203.0.113.200"))
	}
	return b.String()
}

// ago is a moment so many seconds ago.
func (h *host) ago(seconds int) time.Time {
	return h.Now().Add(-time.Duration(seconds) * time.Second)
}

// stamp is a time as Odoo writes it.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05,000") }

// record is a line of Odoo 18's.
func record(at time.Time, level, logger, message string) string {
	return fmt.Sprintf("%s 41 %s erp %s: %s\n", stamp(at), level, logger, message)
}

// request is an access line.
func request(at time.Time, addr, what string) string {
	return record(at, "INFO", "werkzeug", fmt.Sprintf(`%s - - [%s] "%s HTTP/1.1" 200 - 5 0.003 0.022`,
		addr, at.UTC().Format("02/Jan/2006 15:04:05"), what))
}

// visit is an access line of somebody who is logged in.
func visit(at time.Time, addr string) string { return request(at, addr, "GET /odoo") }

// attempt is a failed login with its access line.
func attempt(at time.Time, addr string) string {
	return record(at, "INFO", "odoo.addons.base.models.res_users", "Login failed for db:erp login:admin from "+addr+" ") +
		request(at, addr, "POST /web/login")
}

// cooldown is what Odoo writes when it refuses an attempt.
func cooldown(at time.Time, addr string) string {
	return record(at, "WARNING", "odoo.addons.base.models.res_users", "Login attempt ignored for "+addr+
		" (user 'admin') on erp: 10 failures since last success, last failure at 2026-11-23 10:45:01.000000. You can configure ")
}
