package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odooban/internal/config"
	"odooban/internal/finding"
)

// Each situation is made for real, is found, and is found no more when the cure
// has been done.
func TestSituations(t *testing.T) {
	times := func(n int, line func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(line(i))
		}
		return b.String()
	}
	tests := []struct {
		name, code string
		// about and seen are what the finding has to name.
		about, seen string
		broken      func(h *host)
		cured       func(h *host)
	}{
		{
			"no log anywhere", finding.NoSource, "", "no container",
			func(h *host) { h.Config.Sources, h.Files = nil, nil },
			func(h *host) { h.Files = []string{logPath} },
		},
		{
			"no such directory", finding.SourceTrouble, "/var/log/odoo/*.log", "there is no directory /var/log/odoo",
			func(h *host) { h.remove("/var/log/odoo") },
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"no such file", finding.SourceTrouble, "/var/log/odoo/*.log", "no file matches",
			func(h *host) { h.remove(logPath) },
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"a directory in the place of the log", finding.SourceTrouble, "/srv/odoo.log", "no regular file",
			func(h *host) { h.Files = []string{"/srv/odoo.log"}; h.write("/srv/odoo.log/x", "") },
			func(h *host) { h.remove("/srv/odoo.log"); h.write("/srv/odoo.log", h.busyLog()) },
		},
		{
			"a log that never had a line", finding.SourceEmpty, logPath, "empty",
			func(h *host) {
				h.write(logPath, "")
				if err := os.Chtimes(filepath.Join(h.Root, logPath), time.Time{}, h.ago(3600)); err != nil {
					h.t.Fatal(err)
				}
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"a logfile that nobody follows", finding.LogElsewhere, "/srv/odoo/odoo.log", "logfile = /srv/odoo/odoo.log",
			func(h *host) { h.write("/etc/odoo/odoo.conf", "[options]\nlogfile = /srv/odoo/odoo.log\n") },
			func(h *host) { h.Files = append(h.Files, "/srv/odoo/odoo.log") },
		},
		{
			"only warnings", finding.LevelHides, logPath, "the last 30 records are all of WARNING or worse",
			func(h *host) {
				h.write(logPath, times(30, func(i int) string { return record(h.ago(40-i), "WARNING", "odoo.http", "x") }))
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"only warnings since the level was changed", finding.LevelHides, logPath, "the last 100 records",
			func(h *host) {
				h.write(logPath, h.busyLog()+times(100, func(int) string { return record(h.ago(1), "ERROR", "odoo.sql_db", "x") }))
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"cooldowns without failures", finding.LevelHides, logPath, "refused 1 attempt",
			func(h *host) { h.write(logPath, cooldown(h.ago(1), "203.0.113.7")) },
			func(h *host) { h.write(logPath, cooldown(h.ago(1), "203.0.113.7")+attempt(h.ago(1), "203.0.113.7")) },
		},
		{
			"logins in the access lines alone", finding.LevelHides, logPath, "25 logins were tried",
			func(h *host) {
				h.write(logPath, times(25, func(int) string { return request(h.ago(1), "203.0.113.7", "POST /web/login") }))
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"log_level in odoo.conf", finding.LevelHides, "/etc/odoo/odoo.conf", "log_level = warn in /etc/odoo/odoo.conf",
			func(h *host) { h.write(logPath, ""); h.write("/etc/odoo/odoo.conf", "[options]\nlog_level = warn\n") },
			func(h *host) { h.write("/etc/odoo/odoo.conf", "[options]\nlog_level = warn\n"+finding.LogHandler+"\n") },
		},
		{
			"no access lines", finding.NoAccessLines, logPath, "none of the last 250 records",
			func(h *host) {
				h.write(logPath, times(250, func(int) string { return record(h.ago(1), "INFO", "odoo.modules.loading", "x") }))
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"a log of something else", finding.NotOdoo, "/var/log/odoo/cron.log", `the last one is "done \x1b[2J"`,
			func(h *host) { h.write("/var/log/odoo/cron.log", strings.Repeat("done \x1b[2J\n", 30)) },
			func(h *host) { h.Files = []string{logPath} },
		},
		{
			"an access log of another form", finding.NotOdoo, logPath, "none is understood",
			func(h *host) {
				h.write(logPath, times(25, func(int) string {
					return `203.0.113.55 - - [23/Nov/2026:10:45:02 +0000] "POST /web/login HTTP/2.0" 200 4821 "-" "Mozilla/5.0"` + "\n"
				}))
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"a proxy in front of Traefik", finding.ProxyMode, logPath, "172.17.0.1 made all 4 failed logins",
			func(h *host) {
				h.write(logPath, times(4, func(i int) string {
					return fmt.Sprintf(`{"ClientAddr":"172.17.0.1:41589","ClientHost":"172.17.0.1","ClientUsername":"-","DownstreamStatus":200,`+
						`"Duration":600000000,"RequestMethod":"POST","RequestPath":"/web/login","StartUTC":%q,"level":"info","msg":""}`+"\n",
						h.ago(9-i).UTC().Format(time.RFC3339Nano))
				}))
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"a format that changed", finding.FormatChanged, logPath, "Login refused",
			func(h *host) {
				h.write(logPath, h.busyLog()+record(h.ago(1), "INFO", "odoo.addons.base.models.res_users", "Login refused: admin")+
					visit(h.ago(0), "203.0.113.1")+visit(h.ago(0), "203.0.113.2"))
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"failures without an address", finding.Unattributed, logPath, "3 failed logins",
			func(h *host) {
				h.write(logPath, h.busyLog()+times(3, func(i int) string {
					at := h.ago(1).Add(time.Duration(1+i) * 100 * time.Millisecond)
					return record(at, "INFO", "odoo.addons.base.models.res_users", "Login failed for login:admin from n/a ")
				}))
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"a proxy of Traefik's that is not named", finding.Doubtful, "/var/log/traefik/access.log", "2 requests of the last 2 lines",
			func(h *host) {
				h.Files = []string{"/var/log/traefik/access.log"}
				h.write(h.Files[0], times(2, func(i int) string {
					return fmt.Sprintf(`8.8.8.8, 203.0.113.50 - - [%s] "POST /web/login HTTP/2.0" 200 4790 "-" "-" %d "odoo@docker" "http://172.18.0.3:8069" 214ms`+"\n",
						h.Now().UTC().Format("02/Jan/2006:15:04:05 +0000"), 7+i)
				}))
			},
			func(h *host) { h.trust(netip.MustParsePrefix("203.0.113.50/32")) },
		},
		{
			"Odoo and Traefik in one log", finding.MixedLog, logPath, "in the last",
			func(h *host) {
				h.write(logPath, `203.0.113.50 - - [`+h.Now().UTC().Format("02/Jan/2006:15:04:05 +0000")+
					`] "GET / HTTP/2.0" 200 4790 "-" "-" 7 "odoo@docker" "http://172.18.0.3:8069" 214ms`+"\n"+h.busyLog())
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"a proxy in front", finding.ProxyMode, logPath, "172.17.0.1 made 34 of 34 requests, and all failed logins; it is address of docker0",
			func(h *host) {
				h.write(logPath, times(30, func(int) string { return visit(h.ago(9), "172.17.0.1") })+
					times(4, func(i int) string { return attempt(h.ago(8-i), "172.17.0.1") }))
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"Odoo suspects a proxy", finding.ProxyMode, logPath, "Odoo says",
			func(h *host) {
				h.write(logPath, cooldown(h.ago(1), "192.168.1.9")+record(h.ago(1), "WARNING", "odoo.addons.base.models.res_users",
					"The rate-limited IP address 192.168.1.9 is classified as private and *might* be a proxy. If your Odoo "))
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"a clock that is ahead", finding.ClockDiffers, logPath, "was written at",
			func(h *host) { h.write(logPath, visit(h.Now().Add(7*time.Minute), "203.0.113.1")) },
			func(h *host) { h.write(logPath, visit(h.Now(), "203.0.113.1")) },
		},
		{
			"local time in the log", finding.TimeZone, logPath, "2h0m0s off",
			func(h *host) { h.write(logPath, visit(h.Now().Add(2*time.Hour), "203.0.113.1")) },
			func(h *host) { h.write(logPath, visit(h.Now(), "203.0.113.1")) },
		},
		{
			"local time of half an hour in the log", finding.TimeZone, logPath, "-3h30m0s off",
			func(h *host) { h.write(logPath, visit(h.Now().Add(-210*time.Minute), "203.0.113.1")) },
			func(h *host) { h.write(logPath, visit(h.Now(), "203.0.113.1")) },
		},
		{
			"a log through syslog", finding.Syslog, logPath, "1 of the last 1 record",
			func(h *host) {
				h.write(logPath, h.Now().UTC().Format("2006-01-02T15:04:05.000000+00:00")+
					` erp Odoo Server 18.0:erp:INFO:werkzeug:203.0.113.20 - - [23/Nov/2026 10:45:04] "GET / HTTP/1.1" 200 -`+"\n")
			},
			func(h *host) { h.write(logPath, h.busyLog()) },
		},
		{
			"syslog in odoo.conf", finding.Syslog, "/etc/odoo.conf", "syslog = True in /etc/odoo.conf",
			func(h *host) { h.write("/etc/odoo.conf", "[options]\nsyslog = True\n") },
			func(h *host) { h.write("/etc/odoo.conf", "[options]\nsyslog = False\n") },
		},
		{
			"the database manager", finding.DatabaseManager, "/etc/odoo/odoo.conf", "list_db is not set",
			func(h *host) { h.write("/etc/odoo/odoo.conf", "[options]\n") },
			func(h *host) { h.write("/etc/odoo/odoo.conf", "[options]\nlist_db = False\n") },
		},
		{
			"a dry run", finding.DryRun, "", "dry-run",
			func(h *host) { h.Config.Firewall.Backend = "dry-run" },
			func(h *host) { h.Config.Firewall.Backend = "auto" },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			if found := h.examine(tt.code); len(found) > 0 {
				t.Fatalf("found while all was well: %+v", found)
			}
			tt.broken(h)
			found := h.examine(tt.code)
			if len(found) != 1 {
				t.Fatalf("found %+v", found)
			}
			f := found[0]
			if f.About != tt.about || !strings.Contains(f.Evidence, tt.seen) || f.Cure == "" || f.Docs != "docs/doctor.md#"+tt.code {
				t.Errorf("found %+v", f)
			}
			tt.cured(h)
			if found := h.examine(tt.code); len(found) > 0 {
				t.Errorf("found after the cure: %+v", found)
			}
		})
	}
}

// Where all is well nothing is found, and it is said what was looked at.
func TestAllIsWell(t *testing.T) {
	h := newHost(t)
	r := Examine(t.Context(), h.Environment, Checks())
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) > 0 || r.Failed() || !strings.HasPrefix(out.String(), "Nothing wrong. Checked: sources, log formats") {
		t.Errorf("%s", out.String())
	}
	if !strings.Contains(out.String(), "Not checked: the firewall: only root may look at it; run odooban doctor as root\n") {
		t.Errorf("%s", out.String())
	}
}

// A log of gigabytes takes no longer than its end does.
func TestLargeLogIsReadAtItsEnd(t *testing.T) {
	h := newHost(t)
	path := filepath.Join(h.Root, logPath)
	if err := os.Truncate(path, 10<<30); err != nil { // sparse: it takes no room
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for range 2 * tailLines {
		fmt.Fprintln(file, "2026-11-23 10:45:02,100 41 WARNING erp odoo.http: x")
	}
	found := h.examine(finding.LevelHides)
	if len(found) != 1 || !strings.Contains(found[0].Evidence, fmt.Sprintf("the last %d records", tailLines)) {
		t.Errorf("found %+v", found)
	}
}

// TestWhatRotationMadeIsNotRead holds that doctor reads the files of a pattern
// that the daemon follows, and no others.
func TestWhatRotationMadeIsNotRead(t *testing.T) {
	h := newHost(t)
	h.Files = []string{"/var/log/odoo/odoo*"}
	h.write("/var/log/odoo/odoo-server", h.busyLog())
	for _, name := range []string{"odoo.log.old", "odoo.log-20261123", "odoo-20261122.log", "odoo.log.2.xz", "odoo-server.1"} {
		h.write("/var/log/odoo/"+name, "none of Odoo's lines\n")
	}
	if found := h.examine(finding.NotOdoo); len(found) > 0 {
		t.Errorf("findings %v, want none", found)
	}
}

// Containers are looked for where nothing else is configured.
func TestDockerSources(t *testing.T) {
	c := config.Default()
	if got := dockerSources(c); len(got) != 1 || got[0] != (config.Docker{}) {
		t.Errorf("%+v", got)
	}
	c.Sources = []config.Source{{File: logPath}}
	if got := dockerSources(c); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// Each check says what it needs and finds, in names that there are.
func TestChecksAreWhole(t *testing.T) {
	facts := gather()
	for _, c := range Checks() {
		for _, need := range c.Needs {
			if facts[need] == nil {
				t.Errorf("%s needs %q, which nobody gathers", c.Name, need)
			}
		}
		for _, code := range c.Finds {
			if finding.Of(code).Title == "" {
				t.Errorf("%s finds %q, which is not in the catalogue", c.Name, code)
			}
		}
		if c.Look == nil || len(c.Needs) == 0 || len(c.Finds) == 0 {
			t.Errorf("incomplete: %+v", c)
		}
	}
}

// A typo in a log's path is met with what there is.
func TestTypoInAPath(t *testing.T) {
	tests := []struct{ name, pattern, cure string }{
		{"in the file", "/var/log/odoo/odo.log", "if you mean /var/log/odoo/odoo.log, write that"},
		{"in the folder", "/var/log/odo/odoo.log", "if you mean /var/log/odoo/odoo.log, write that"},
		{"in a pattern's folder", "/var/log/odo/*.log", "if you mean /var/log/odoo/*.log, write that"},
		{"the only log there", "/var/log/odoo/server.log", "if you mean /var/log/odoo/odoo.log, write that"},
		{"a folder like no other", "/srv/erp/odoo.log", "mkdir -p /srv/erp"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.Files = []string{tt.pattern}
			found := h.examine(finding.SourceTrouble)
			if len(found) != 1 || !strings.HasPrefix(found[0].Cure, tt.cure) {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// A configuration with mistakes is the first thing to correct.
func TestMistakes(t *testing.T) {
	h := newHost(t)
	h.Mistakes = errors.New("odooban.yaml:1: souces: unknown key")
	r := Examine(t.Context(), h.Environment, Checks())
	if len(r.Findings) != 1 || r.Findings[0].Code != finding.Configuration || !strings.Contains(r.Findings[0].Evidence, "souces") {
		t.Errorf("found %+v", r.Findings)
	}
}

// The cure for a log is of who writes it.
func TestCureOfAnotherLog(t *testing.T) {
	tests := []struct{ name, line, code, cure string }{
		{"Traefik's own log", `time="2026-11-23T10:45:02Z" level=info msg="traefik version 3.1"`, finding.NotOdoo, "accessLog: {filePath:"},
		{"a web server's", `203.0.113.5 - - [23/Nov/2026:10:45:02 +0000] "GET / HTTP/2.0" 200 4821 "-" "x"`, finding.NotOdoo, "Traefik's access log alone"},
		{"Odoo's in another form", `INFO werkzeug "GET / HTTP/1.1"`, finding.NotOdoo, "in its own format"},
		{
			"Traefik's behind a proxy", `{"ClientAddr":"10.0.0.2:41589","ClientHost":"10.0.0.2","ClientUsername":"-","DownstreamStatus":200,` +
				`"Duration":600000000,"RequestMethod":"POST","RequestPath":"/web/login","StartUTC":"2026-11-23T10:45:02Z"}`,
			finding.ProxyMode, "forwardedHeaders.trustedIPs",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.write(logPath, strings.Repeat(tt.line+"\n", 25))
			if found := h.examine(tt.code); len(found) != 1 || !strings.Contains(found[0].Cure, tt.cure) {
				t.Errorf("found %+v", found)
			}
		})
	}
}
