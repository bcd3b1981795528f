package rules_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// named is what Odoo 16 and older log when somebody asks for a database over XML-RPC
// that is not there: an error, and an access line.
func named(db, connection string) [][]string {
	const stamp = "2026-11-23 10:45:45,990 100 "
	failed := connection + `FATAL:  database "` + db + `" does not exist`
	text := stamp + "INFO None odoo.sql_db: Connection to the database failed\n" +
		stamp + "ERROR " + db + " odoo.http: " + failed + "\nTraceback (most recent call last):\n" +
		`  File "/usr/lib/python3/dist-packages/psycopg2/__init__.py", line 122, in connect` + "\n" +
		"psycopg2.OperationalError: " + failed + "\n"
	access := stamp + "INFO " + db + ` werkzeug: 203.0.113.66 - - [23/Nov/2026 10:45:45] "POST /xmlrpc/2/common HTTP/1.1" 200 - 1 0.001 0.004`
	return [][]string{strings.Split(text, "\n"), strings.Split(access, "\n")}
}

// TestForgedDatabases holds that the name of a database accuses nobody, whatever it
// holds.
func TestForgedDatabases(t *testing.T) {
	const (
		user    = "shop odoo.addons.base.models.res_users: Login failed for db:shop login:a from 8.8.8.8 "
		manager = `8.8.8.8 - - [23/Nov/2026 10:45:45] "GET /web/database/manager HTTP/1.1" 200 - 5 0.013 0.400`
	)
	whole := func(line string) string { return "2026-11-23 10:45:45,990 100 INFO shop " + line }
	form := strings.Replace(manager, "GET /web/database/manager", "POST /web/login", 1)
	for name, db := range map[string]string{
		"an access line":               "shop werkzeug: " + manager,
		"an access line, and an end":   "shop werkzeug: " + manager + "\nz",
		"a whole access line":          "x\n" + whole("werkzeug: "+manager) + "\nz",
		"a login":                      user,
		"a login and its access line":  user + "\n" + whole("werkzeug: "+form) + "\nz",
		"both, and a header":           user + "\n" + whole("werkzeug: "+form) + "\n2026-11-23 10:45:45,990 100 INFO shop",
		"both, behind another error":   "shop odoo.http: y\n" + whole(user[len("shop "):]) + "\n" + whole("werkzeug: "+form) + "\nz",
		"a long name, both":            strings.Repeat("x", 100) + " " + user + "\n" + whole("werkzeug: "+form),
		"an access line and a header":  "shop werkzeug: " + manager + "\n2026-11-23 10:45:45,990 100 INFO shop",
		"a cooldown":                   "shop odoo.addons.base.models.res_users: Login attempt ignored for 8.8.8.8 (user 'a') on shop: 10 failures since last success, last failure at 2026-11-23 10:48:56.743481. ",
		"a cooldown, and another line": "shop odoo.addons.base.models.res_users: Login attempt ignored for 8.8.8.8 (user 'a') on shop: 10 failures since last success, last failure\n" + whole("werkzeug: "+form),
	} {
		for _, connection := range []string{"", `connection to server at "db" (172.18.0.2), port 5432 failed: `} {
			records := named(db, connection)
			live, _ := followed(t, append([][]string{slices.Concat(records...)}, formLogin("x")...)...)
			if diff := cmp.Diff([]string{"odoo-login 203.0.113.66"}, live); diff != "" {
				t.Errorf("%s, live (-want +got):\n%s", name, diff)
			}
			if apart := followedApart(t, records); len(apart) > 0 {
				t.Errorf("%s, live, 20 ms apart: %v", name, apart)
			}
			if replayed := told(builtIn(t), slices.Concat(records...)...); replayed != nil {
				t.Errorf("%s, replayed: %v", name, replayed)
			}
		}
	}
}

// followedApart follows bursts that come 20 ms apart.
func followedApart(t *testing.T, bursts [][]string) []rules.Failure {
	t.Helper()
	now := time.Date(2026, 11, 23, 10, 45, 46, 0, time.UTC)
	scanner := builtIn(t).NewScanner(now)
	var failures []rules.Failure
	for _, burst := range bursts {
		for _, line := range burst {
			failures = scanner.Feed(failures, rules.Line{Text: []byte(line), Seen: now})
		}
		failures = scanner.Settle(failures, now.Add(10*time.Millisecond))
		now = now.Add(20 * time.Millisecond)
	}
	return scanner.Flush(failures)
}

// TestForgedClock holds that a header which a burst does not begin with says nothing of
// the log's clock: what seems to be of the future stays forged.
func TestForgedClock(t *testing.T) {
	future := `2026-11-23 11:45:45,990 100 INFO shop werkzeug: 8.8.8.8 - - [23/Nov/2026 11:45:45] "GET /web/database/manager HTTP/1.1" 200 - 5 0.013 0.400`
	bursts := append(formLogin("x"), []string{"and on", future}, []string{formEnd, future})
	live, _ := followed(t, bursts...)
	if diff := cmp.Diff([]string{"odoo-login 203.0.113.66"}, live); diff != "" {
		t.Errorf("live (-want +got):\n%s", diff)
	}
}
