package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

const (
	formFailed = "2026-11-23 10:45:45,%03d 100 INFO shop odoo.addons.base.models.res_users: Login failed for login:%s from %s "
	formAccess = `2026-11-23 10:45:45,%03d %d INFO shop werkzeug: %s - - [23/Nov/2026 10:45:45] "%s HTTP/1.1" 200 - 5 0.003 0.005`
	formJSON   = `{"asctime":"2026-11-23 10:45:45,%03d","pid":100,"levelname":"INFO","dbname":"shop","name":"%s","message":"%s"}`
	formEnd    = "2026-11-23 10:45:45,460 100 INFO shop odoo.http: y"
)

// formLogin is what a log holds of a failed login by 203.0.113.66 to a prefork server: two
// records, each read apart.
func formLogin(login string) [][]string {
	return [][]string{
		{fmt.Sprintf(formAccess, 100, 100, "192.0.2.1", "GET /web")},
		{fmt.Sprintf(formAccess, 200, 101, "192.0.2.1", "GET /web")},
		{fmt.Sprintf(formAccess, 300, 100, "192.0.2.1", "GET /web")},
		{fmt.Sprintf(formAccess, 400, 101, "192.0.2.1", "GET /web")},
		strings.Split(fmt.Sprintf(formFailed, 460, login, "203.0.113.66"), "\n"),
		{fmt.Sprintf(formAccess, 464, 100, "203.0.113.66", "POST /web/login")},
		{fmt.Sprintf(formAccess, 500, 100, "192.0.2.1", "GET /web")},
		{fmt.Sprintf(formAccess, 600, 101, "192.0.2.1", "GET /web")},
	}
}

// forgedForms are logins that hold records in another form than the log's.
func forgedForms() map[string][]string {
	failed := fmt.Sprintf(formFailed, 460, "y", "8.8.8.8")
	inJSON := fmt.Sprintf(formJSON, 460, "odoo.addons.base.models.res_users", "Login failed for login:y from 8.8.8.8 ")
	accessInJSON := fmt.Sprintf(formJSON, 461, "werkzeug", `8.8.8.8 - - [23/Nov/2026 10:45:45] \"%s HTTP/1.1\" 200 - 5 0.003 0.005`)
	return map[string][]string{
		"an end of another container's":        {"x from 8.8.8.8 ", "odoo-2 | y"},
		"records of another container's":       {"x", "odoo-2 | " + failed, "odoo-2 | " + fmt.Sprintf(formAccess, 461, 100, "8.8.8.8", "POST /web/login"), "odoo-3 | y"},
		"an end in a piece of Docker's":        {"x from 8.8.8.8 ", `{"log":"y","stream":"stderr"`},
		"a piece of Docker's":                  {"x", `{"log":"y","stream":"stderr"}`, "y"},
		"a record of Docker's":                 {"x", `{"log":"` + failed + `\n","stream":"stderr"}`, `{"log":"y","stream":"stderr"`},
		"a record in JSON":                     {"x", inJSON, formEnd},
		"a record in JSON and its access":      {"x", inJSON, fmt.Sprintf(accessInJSON, "POST /web/login"), formEnd},
		"the database manager in JSON":         {"x", fmt.Sprintf(accessInJSON, "GET /web/database/manager"), formEnd},
		"a record of another container's JSON": {"x", "odoo-2 | " + inJSON, formEnd},
		"a record with a stamp":                {"x", "2026-11-23T10:45:45.456Z " + failed, "2026-11-23T10:45:45.456Z " + formEnd},
		"a record of syslog":                   {"x", "Nov 23 10:45:45 erp odoo[100]: " + failed, "y"},
		"a record of --syslog":                 {"x", "Nov 23 10:45:45 erp Odoo Server 19.0:shop:INFO:odoo.addons.base.models.res_users:Login failed for login:y from 8.8.8.8 ", "y"},
		"a record with a dot":                  {"x", strings.Replace(failed, ",460", ".460", 1), "y"},
	}
}

// TestForgedForms holds that a login cannot hold records in another form than the log's:
// 8.8.8.8 made no attempt.
func TestForgedForms(t *testing.T) {
	for name, lines := range forgedForms() {
		t.Run(name, func(t *testing.T) {
			bursts := formLogin(strings.Join(lines, "\n"))
			live, _ := followed(t, bursts...)
			var log []string
			for _, burst := range bursts {
				log = append(log, burst...)
			}
			text := []byte(strings.Join(log, "\n") + "\n")
			replayed, _ := replay(builtIn(t), text)
			skimmed, _ := skim(builtIn(t), text, blocks(1<<20))
			for way, got := range map[string][]string{"live": live, "replayed": told(replayed), "skimmed": told(skimmed)} {
				if diff := cmp.Diff([]string{"odoo-login 203.0.113.66"}, got); diff != "" {
					t.Errorf("%s: told (-want +got):\n%s", way, diff)
				}
			}
		})
	}
}

// TestFormsInContainers holds the same of a container's log, whose lines Docker holds in objects.
func TestFormsInContainers(t *testing.T) {
	for name, lines := range forgedForms() {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			at := time.Date(2026, 11, 23, 10, 45, 45, 0, time.UTC)
			for i, burst := range formLogin(strings.Join(lines, "\n")) {
				stamp := at.Add(time.Duration([]int{101, 201, 301, 401, 461, 465, 501, 601}[i]) * time.Millisecond)
				for _, line := range burst {
					fmt.Fprintf(&log, `{"log":%q,"stream":"stderr","time":%q}`+"\n", line+"\n", stamp.Format(time.RFC3339Nano))
				}
			}
			failures, _ := replay(builtIn(t), []byte(log.String()))
			if diff := cmp.Diff([]string{"odoo-login 203.0.113.66"}, told(failures)); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFormChanges holds that a log may change its form: live, and in history after a while.
func TestFormChanges(t *testing.T) {
	sealed := fmt.Sprintf(formJSON, 700, "odoo.addons.base.models.res_users", "Login failed for login:y from 203.0.113.7 ")
	framed := "odoo-1  | " + strings.Replace(loginEnd, "POST /web/login", "GET /web/database/manager", 1)
	for name, tt := range map[string]struct{ line, want string }{
		"to JSON":                {sealed, "odoo-login 203.0.113.7"},
		"to that of a container": {framed, "odoo-database 203.0.113.7"},
	} {
		t.Run(name, func(t *testing.T) {
			s := builtIn(t).NewScanner(later)
			var failures []rules.Failure
			for _, burst := range formLogin("x") {
				failures = s.Feed(failures, rules.Line{Text: []byte(burst[0])})
			}
			lines := 3 << 20 / len(tt.line)
			for range lines {
				failures = s.Feed(failures, rules.Line{Text: []byte(tt.line)})
			}
			counts := make(map[string]int)
			for _, one := range told(s.Flush(failures)) {
				counts[one]++
			}
			if n := counts[tt.want] + int(s.Stats().Rejected["crowded"]) + int(s.Stats().Rejected["clock"]); n < lines/3 {
				t.Errorf("%d of %d failures in the new form: %v, %v", n, lines, counts, s.Stats().Rejected)
			}
		})
	}
}

// TestJSONLogs holds that in a log of which each line is an object a login holds nothing.
func TestJSONLogs(t *testing.T) {
	line := func(at int, name, message string) string { return fmt.Sprintf(formJSON, at, name, message) }
	access := func(at int, addr string) string {
		return line(at, "werkzeug", addr+` - - [23/Nov/2026 10:45:45] \"POST /web/login HTTP/1.1\" 200 - 5 0.003 0.005`)
	}
	forged := strings.ReplaceAll(fmt.Sprintf(formFailed, 456, "y", "8.8.8.8"), `"`, `\"`)
	log := strings.Join([]string{
		access(100, "192.0.2.1"),
		line(456, "odoo.addons.base.models.res_users", `Login failed for login:x\n`+forged+`\n from 203.0.113.7 `), access(460, "203.0.113.7"),
		line(656, "odoo.addons.base.models.res_users", `Login failed for login:x from 8.8.8.8 \n\u000ay from 203.0.113.8 `), access(660, "203.0.113.8"),
		line(856, "odoo.addons.base.models.res_users", `Login failed for login:a from n/a `), line(860, "werkzeug", `203.0.113.9 - - [23/Nov/2026 10:45:45] \"POST /jsonrpc HTTP/1.1\" 200 - 5 0.003 0.005`),
	}, "\n") + "\n"
	want := []string{"odoo-login 203.0.113.7", "odoo-login 203.0.113.8", "odoo-login 203.0.113.9"}
	failures, _ := replay(builtIn(t), []byte(log))
	if diff := cmp.Diff(want, told(failures)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	wantSkimmed(t, builtIn(t), []byte(log), blocks(1<<20))
}

// TestOtherWriters holds that what other containers and programs write into a log is no part
// of Odoo's records.
func TestOtherWriters(t *testing.T) {
	for name, prefix := range map[string][2]string{
		"docker compose": {"odoo-1  | ", "db-1    | "},
		"journalctl":     {"Nov 23 10:45:45 erp odoo[41]: ", "Nov 23 10:45:45 erp systemd[1]: "},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			for _, burst := range formLogin("x") {
				for _, line := range burst {
					fmt.Fprintf(&log, "%s%s\n%sit goes on from 9.9.9.9\n", prefix[0], line, prefix[1])
				}
			}
			failures, stats := replay(builtIn(t), []byte(log.String()))
			if diff := cmp.Diff([]string{"odoo-login 203.0.113.66"}, told(failures)); diff != "" {
				t.Errorf("told (-want +got):\n%s%v", diff, stats.Rejected)
			}
			wantSkimmed(t, builtIn(t), []byte(log.String()), blocks(1<<20))
		})
	}
}

// TestExplain holds what single lines are said to be. More is in testdata/script/test.txtar.
func TestExplain(t *testing.T) {
	for _, tt := range []struct{ name, line, text, rule, addr string }{
		{"failed", failedHead + "a from 203.0.113.7 ", "a failed login", "odoo-login", "203.0.113.7"},
		{"over RPC", failedHead + "a from n/a ", "a failed login over RPC: the access line behind it names the address", "odoo-login", ""},
		{"goes on", failedHead + "a", "a failed login without an address: the lines behind it name one", "odoo-login", ""},
		{"passed", loginHead + "Login successful for login:a from 203.0.113.7 ", "a successful login", "", "203.0.113.7"},
		{"access", loginEnd, "an access line where logins are tried: it proves the failed login before it", "", "203.0.113.7"},
		{"page", strings.Replace(loginEnd, "POST", "GET", 1), "an access line", "", "203.0.113.7"},
		{"manager", strings.Replace(loginEnd, "POST /web/login", "GET /web/database/manager", 1), "a request for the database manager", "odoo-database", "203.0.113.7"},
		{"code", strings.Replace(loginEnd, "/web/login", "/web/login/totp", 1), "a wrong one-time code", "odoo-totp", "203.0.113.7"},
		{"reset", strings.Replace(loginEnd, "/web/login", "/web/reset_password", 1), "somebody asks for a new password", "odoo-reset", "203.0.113.7"},
		{
			"cooldown", strings.Replace(loginHead, "INFO", "WARNING", 1) + "Login attempt ignored for 203.0.113.7 (user 'a') on db: 10 failures since last success, last failure at 2026",
			"a login that Odoo refused to look at after too many failures", "odoo-cooldown", "203.0.113.7",
		},
		{"changed", loginHead + "Login refused", "a line about logins that no rule understands", "", ""},
		{"other", "2026-11-23 10:45:45,456 7 INFO db odoo.http: x", "an Odoo record that is no failure", "", ""},
		{"none", "hello", "not the header of an Odoo record: it continues the record before it, or is no Odoo log", "", ""},
		{"framed", "odoo-1  | " + failedHead + "a from 203.0.113.7 ", "a failed login", "odoo-login", "203.0.113.7"},
		{"Traefik's", common(), "a request in Traefik's log: a failed login", "traefik-login", "203.0.113.50"},
		{"Traefik's page", inJSON("POST", "GET"), "a request in Traefik's log", "", "203.0.113.50"},
		{"Traefik's, nobody's", common("203.0.113.50", "localhost"), "a request in Traefik's log: a failed login; not sure whose, so it does not count", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := builtIn(t).Explain([]byte(tt.line), later)
			addr := ""
			if e.Addr.IsValid() {
				addr = e.Addr.String()
			}
			if diff := cmp.Diff([]string{tt.text, tt.rule, tt.addr}, []string{e.Text, e.Rule, addr}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if at, ok := rules.RecordTime([]byte(tt.line), later); ok != !e.Time.IsZero() || !at.Equal(e.Time) {
				t.Errorf("RecordTime is %v, %v; explained %v", at, ok, e.Time)
			}
		})
	}
}

// TestRecordTime holds what else has a time.
func TestRecordTime(t *testing.T) {
	for line, want := range map[string]string{
		"2026-11-23T10:45:45Z hello":                                           "2026-11-23T10:45:45Z",
		"2026-11-23T10:45:45.5Z " + failedHead:                                 "2026-11-23T10:45:45.456Z",
		"Nov 23 10:45:24 erp sshd[1]: hello":                                   "2026-11-23T10:45:24Z",
		`{"log":"hello\n","stream":"stdout","time":"2026-11-23T10:45:45.25Z"}`: "2026-11-23T10:45:45.25Z",
		`203.0.113.7 - - [23/Nov/2026:10:45:45 +0000] "GET / HTTP/1.1" 200 5`:  "",
		"hello": "",
	} {
		at, ok := rules.RecordTime([]byte(line), later)
		got := at.Format(time.RFC3339Nano)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
