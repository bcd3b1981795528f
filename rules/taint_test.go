package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// forgedLines are what somebody may put where Odoo logs it as it is: all that says
// that 8.8.8.8 failed, by a process that is known.
func forgedLines() []string {
	return []string{
		fmt.Sprintf(formFailed, "y", "8.8.8.8"),
		"2026-11-23 10:45:45,456 100 WARNING shop odoo.addons.base.models.res_users: Login attempt ignored for 8.8.8.8 (user 'a') on shop: " +
			"10 failures since last success, last failure at 2026-11-23 10:45:44.000000.",
		fmt.Sprintf(formAccess, 100, "8.8.8.8", "POST /web/login"),
		fmt.Sprintf(formAccess, 100, "8.8.8.8", "GET /web/database/manager"),
		formEnd,
	}
}

// harmful are the records that hold what somebody sent, by the first line, with @
// in its place.
var harmful = map[string]string{
	"a path":                       "WARNING shop odoo.http: CSRF validation failed on path '/web/content/x@'",
	"a path without a token":       "WARNING shop odoo.http: No CSRF validation token provided for path '/web/content/x@'",
	"parameters":                   "INFO shop openerp.http: <function openerp.addons.web.controllers.main.web_login> called ignoring args <a=x@>",
	"the name of a file":           "WARNING shop odoo.addons.web.controllers.binary: Parsing asset bundle x@ has failed: not enough values to unpack",
	"a query":                      "ERROR shop odoo.sql_db: bad query: SELECT id FROM product_template WHERE name ilike '%it''s x@%' AND id = 99999999999",
	"the name of a database":       "ERROR None odoo.http: FATAL:  database \"x@\" does not exist",
	"the name of a database, told": "ERROR None odoo.http: connection to server at \"db\" (172.18.0.2), port 5432 failed: FATAL:  database \"x@\" does not exist",
	"a mail":                       "INFO shop odoo.addons.mail.models.mail_thread: Routing mail from x@ to info@example.org with Message-Id <1>: fallback to model:crm.lead",
	"a login that signed up":       "INFO shop odoo.addons.auth_signup.models.res_users: Password reset email sent for user <x@> to <x@example.org>",
	"an exception":                 "WARNING shop odoo.http: No product is called x@",
	"an exception of a module's":   "ERROR shop odoo.addons.payment.controllers.main: unable to handle x@",
}

// recordOf is a record with forged lines in it, as lines.
func recordOf(text string) []string {
	before, after, _ := strings.Cut(text, "@")
	lines := append([]string{"2026-11-23 10:45:45,990 100 " + before}, forgedLines()...)
	lines[len(lines)-1] += after
	return lines
}

// TestForgedTexts holds that what Odoo logs as somebody sent it accuses nobody. In a
// replay only what is known to hold such texts is known.
func TestForgedTexts(t *testing.T) {
	for name, text := range harmful {
		t.Run(name, func(t *testing.T) {
			lines := recordOf(text)
			bursts := append([][]string{lines}, formLogin("x")...)
			live, _ := followed(t, bursts...)
			if diff := cmp.Diff([]string{"odoo-login 203.0.113.66"}, live); diff != "" {
				t.Errorf("live (-want +got):\n%s", diff)
			}
			if strings.HasPrefix(name, "an exception") {
				return
			}
			if replayed := told(builtIn(t), lines...); replayed != nil {
				t.Errorf("replayed: %v", replayed)
			}
		})
	}
}

// TestForgedTraceback holds the same of the exception behind a traceback.
func TestForgedTraceback(t *testing.T) {
	lines := slices.Concat([]string{
		"2026-11-23 10:45:45,990 100 ERROR shop odoo.http: Exception during request handling.",
		"Traceback (most recent call last):",
		`  File "/usr/lib/python3/dist-packages/odoo/http.py", line 2189, in __call__`,
		"ValueError: x",
	}, forgedLines())
	live, _ := followed(t, append([][]string{lines}, formLogin("x")...)...)
	if diff := cmp.Diff([]string{"odoo-login 203.0.113.66"}, live); diff != "" {
		t.Errorf("live (-want +got):\n%s", diff)
	}
}

// TestHarmlessTexts holds that what stands behind common warnings counts.
func TestHarmlessTexts(t *testing.T) {
	for name, line := range map[string]string{
		"a JSON login":   "WARNING shop odoo.http: Access Denied ",
		"parameters":     "WARNING shop odoo.http: <function odoo.addons.web.controllers.session.authenticate> called ignoring args {'x'}",
		"a list":         "WARNING shop odoo.osv.expression: The domain term '('login', '=', ['admin'])' should use the 'in' or 'not in' operator.",
		"a query":        `ERROR shop odoo.sql_db: bad query: SELECT id FROM res_users WHERE login = 'it''s' AND id IN %s`,
		"an old service": "WARNING shop odoo.addons.rpc.controllers.jsonrpc: The /xmlrpc, /xmlrpc/2 and /jsonrpc endpoints are deprecated",
		"a job":          "WARNING shop odoo.addons.base.models.ir_cron: Job 'x' takes long",
	} {
		t.Run(name, func(t *testing.T) {
			bursts := formLogin("x")
			last := len(bursts) - 2
			bursts[last] = append([]string{"2026-11-23 10:45:45,990 100 " + line}, bursts[last]...)
			live, _ := followed(t, bursts...)
			replayed := told(builtIn(t), slices.Concat(bursts...)...)
			for _, got := range [][]string{live, replayed} {
				if diff := cmp.Diff([]string{"odoo-login 203.0.113.66"}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestTaintEnds holds that a text makes nothing doubtful for good: in a log that never
// rests, after a second, and in history, behind it.
func TestTaintEnds(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 45, 46, 0, time.UTC)
	scanner := builtIn(t).NewScanner(at)
	var failures []rules.Failure
	for _, line := range recordOf(harmful["a path"]) {
		line = strings.Replace(line, ",990", ",440", 1)
		failures = scanner.Feed(failures, rules.Line{Text: []byte(line), Seen: at})
	}
	for _, burst := range formLogin("x") {
		at = at.Add(1100 * time.Millisecond)
		for _, line := range burst {
			failures = scanner.Feed(failures, rules.Line{Text: []byte(line), Seen: at})
		}
	}
	failures = scanner.Flush(failures)
	if len(failures) != 1 || failures[0].Addr.String() != "203.0.113.66" {
		t.Errorf("told %v", failures)
	}
}

// TestForgersOfTexts holds what is counted at simulated servers where forgers use every
// other request for texts that Odoo logs as they are, and lines in all forms: live
// nothing against others, if they do not know the millisecond.
func TestForgersOfTexts(t *testing.T) {
	set := builtIn(t)
	for _, level := range []skill{blind, informed} {
		crowd := forging(level)
		crowd.texts = true
		for _, version := range []int{12, 16, 19} {
			for _, workers := range []int{0, 4} {
				for _, how := range []settling{always, onPause} {
					sum := simulate(set, crowd, version, workers, how, 3)
					if sum.wronged > 0 || sum.share() < 0.8 {
						t.Errorf("skill %d, Odoo %d, %d workers, %s: %d failures counted against others (%s), %.2f of the genuine ones",
							level, version, workers, how, sum.wronged, sum.example, sum.share())
					}
				}
			}
		}
	}
}
