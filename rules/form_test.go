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
	formFailed = "2026-11-23 10:45:45,456 100 INFO shop odoo.addons.base.models.res_users: Login failed for login:%s from %s "
	formAccess = `2026-11-23 10:45:45,464 %d INFO shop werkzeug: %s - - [23/Nov/2026 10:45:45] "%s HTTP/1.1" 200 - 5 0.013 0.400`
	formJSON   = `{"asctime":"2026-11-23 10:45:45,456","pid":100,"levelname":"INFO","dbname":"shop","name":"%s","message":"%s"}`
	formEnd    = "2026-11-23 10:45:45,456 100 INFO shop odoo.http: y"
)

// formLogin is what a log holds of a failed login by 203.0.113.66 to a prefork
// server: two records, each read apart.
func formLogin(login string) [][]string {
	return [][]string{
		{fmt.Sprintf(formAccess, 100, "192.0.2.1", "GET /web")},
		{fmt.Sprintf(formAccess, 101, "192.0.2.1", "GET /web")},
		{fmt.Sprintf(formAccess, 100, "192.0.2.1", "GET /web")},
		{fmt.Sprintf(formAccess, 101, "192.0.2.1", "GET /web")},
		strings.Split(fmt.Sprintf(formFailed, login, "203.0.113.66"), "\n"),
		{fmt.Sprintf(formAccess, 100, "203.0.113.66", "POST /web/login")},
	}
}

// TestForgedForms holds that a login cannot hold records in another form than the
// log's: 8.8.8.8 made no attempt.
func TestForgedForms(t *testing.T) {
	failed := fmt.Sprintf(formFailed, "y", "8.8.8.8")
	inJSON := fmt.Sprintf(formJSON, "odoo.addons.base.models.res_users", "Login failed for login:y from 8.8.8.8 ")
	accessInJSON := fmt.Sprintf(formJSON, "werkzeug", `8.8.8.8 - - [23/Nov/2026 10:45:45] \"%s HTTP/1.1\" 200 - 5 0.013 0.400`)
	for name, lines := range map[string][]string{
		"an end of another container's":        {"x from 8.8.8.8 ", "odoo-2 | y"},
		"records of another container's":       {"x", "odoo-2 | " + failed, "odoo-2 | " + fmt.Sprintf(formAccess, 100, "8.8.8.8", "POST /web/login"), "odoo-3 | y"},
		"an end in a piece of Docker's":        {"x from 8.8.8.8 ", `{"log":"y","stream":"stderr"`},
		"a record of Docker's":                 {"x", `{"log":"` + failed + `\n","stream":"stderr"}`, `{"log":"y","stream":"stderr"`},
		"a record in JSON":                     {"x", inJSON, formEnd},
		"a record in JSON and its access":      {"x", inJSON, fmt.Sprintf(accessInJSON, "POST /web/login"), formEnd},
		"the database manager in JSON":         {"x", fmt.Sprintf(accessInJSON, "GET /web/database/manager"), formEnd},
		"a record of another container's JSON": {"x", "odoo-2 | " + inJSON, formEnd},
		"a record with a stamp":                {"x", "2026-11-23T10:45:45.456Z " + failed, "2026-11-23T10:45:45.456Z " + formEnd},
	} {
		t.Run(name, func(t *testing.T) {
			bursts := formLogin(strings.Join(lines, "\n"))
			live, _ := followed(t, bursts...)
			var log []string
			for _, burst := range bursts {
				log = append(log, burst...)
			}
			for _, told := range [][]string{live, told(builtIn(t), log...)} {
				if diff := cmp.Diff([]string{"odoo-login 203.0.113.66"}, told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestFormChanges holds that a log may change its form: live at the beginnings
// of bursts, in history after a horizon.
func TestFormChanges(t *testing.T) {
	sealed := fmt.Sprintf(formJSON, "odoo.addons.base.models.res_users", "Login failed for login:y from 203.0.113.7 ")
	failure := "odoo-login 203.0.113.7"
	bursts := formLogin("x")
	for range 5 {
		bursts = append(bursts, []string{sealed})
	}
	want := []string{"odoo-login 203.0.113.66", failure, failure, failure}
	if got, _ := followed(t, bursts...); !cmp.Equal(want, got) {
		t.Errorf("live: %v, want %v", got, want)
	}

	scanner := builtIn(t).NewScanner(time.Time{})
	var failures []rules.Failure
	for _, burst := range formLogin("x") {
		failures = scanner.Feed(failures, rules.Line{Text: []byte(burst[0])})
	}
	for range 2<<20/len(sealed) + 1 {
		failures = scanner.Feed(failures, rules.Line{Text: []byte(sealed)})
	}
	if n := len(scanner.Flush(failures)); n < 1<<20/len(sealed) {
		t.Errorf("history: %d failures", n)
	}
}
