package ledger

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHonest holds what is counted where nobody forges anything, live and in history.
func TestHonest(t *testing.T) {
	cooldown := cooled(1000, 100, "admin", honest)
	request := func(what string, status int) []write {
		return workers(wrote(1000, answered(1000, 100, 8, honest, what, status)))
	}
	refused := headed(1000, 100, "INFO x odoo.sql_db: Connection to the database failed")
	const failure = `psycopg2.OperationalError: connection to server at "db" failed: FATAL:  database "x" does not exist`
	token := headed(1000, 100, "WARNING shop odoo.http: CSRF validation failed on path '/web/login'")
	rpc := failed(1000, 900, "a", "n/a")
	one := func(way string) []string { return []string{way + " " + honest} }
	for _, tt := range []struct {
		name string
		log  []write
		want []string
	}{
		{"a login", workers(
			wrote(1000, failed(1000, 100, "a", honest)), wrote(1004, posted(1004, 100, honest)),
		), one("login")},
		{"a login in one write with its answer", workers(
			wrote(1004, failed(1000, 100, "a", honest), posted(1004, 100, honest)),
		), one("login")},
		{"two workers at a time", workers(
			wrote(1000, failed(1000, 100, "a", honest)), wrote(1001, failed(1001, 101, "a", other)),
			wrote(1004, posted(1004, 100, honest)), wrote(1005, posted(1005, 101, other)),
		), []string{"login " + honest, "login " + other}},
		{"one that passed", workers(
			wrote(1000, headed(1000, 100, "INFO shop "+users+"Login successful for login:a from "+honest+" ")),
			wrote(1004, answered(1004, 100, 8, honest, "POST /web/login", 303)),
		), nil},
		{"a page", request("GET /web/login", 200), nil},
		{"a cooldown and its echo", workers(
			wrote(1000, cooldown), wrote(1001, failed(1001, 100, "admin", honest)), wrote(1004, posted(1004, 100, honest)),
		), one("cooldown")},
		{"a worker that is killed", workers(
			wrote(1000, failed(1000, 100, "a", honest)), wrote(1400, got(1400, 101)),
		), one("login")},
		{"LDAP, which is slow", workers(
			wrote(1000, failed(1000, 100, "a", honest)), wrote(2500, got(2500, 101)),
			wrote(4000, answered(4000, 100, 3010, honest, "POST /web/login", 200)), wrote(4300, got(4300, 100)),
		), one("login")},
		{"over RPC", workers(
			wrote(1000, failed(1000, 100, "a", "n/a")), wrote(1010, called(1010, 100, honest)),
		), one("login")},
		{"over RPC, of threads, only one fits", threads(
			wrote(1000, rpc), wrote(1010, called(1010, 900, honest)),
			wrote(1011, answered(1011, 900, 20, other, "GET /web", 200)), wrote(1500, called(1500, 900, other)),
		), one("login")},
		{"over RPC, of threads, both failed", threads(
			wrote(1000, rpc, rpc), wrote(1010, called(1010, 900, honest)), wrote(1012, called(1012, 900, other)),
		), []string{"login " + honest, "login " + other}},
		{"over RPC, of threads, two fit", threads(
			wrote(1000, rpc), wrote(1010, called(1010, 900, honest)), wrote(1012, called(1012, 900, other)),
		), []string{"rejected ambiguous"}},
		{"of threads, two at a time", threads(
			wrote(1000, failed(1000, 900, "a", honest)), wrote(1001, failed(1001, 900, "a", other)),
			wrote(1004, posted(1004, 900, other)), wrote(1005, posted(1005, 900, honest)),
		), []string{"login " + honest, "login " + other}},
		{"a wrong token", workers(
			wrote(1000, token), wrote(1001, answered(1001, 100, 8, honest, "POST /web/login", 400)),
		), one("token")},
		{"a wrong token, answered as others are", workers(
			wrote(1000, token), wrote(1001, answered(1001, 100, 8, honest, "POST /web/login", 200)),
		), nil},
		{"no such database", workers(
			wrote(1000, refused), wrote(1001, "Traceback (most recent call last):", failure, ""),
			wrote(1010, called(1010, 100, honest)),
		), one("database")},
		{"no connection to a database", workers(
			wrote(1000, refused), wrote(1001, "Traceback (most recent call last):", "FATAL:  sorry, too many clients already"),
			wrote(1010, called(1010, 100, honest)),
		), nil},
		{"a wrong one-time code", request("POST /web/login/totp", 200), one("totp")},
		{"a right one-time code", request("POST /web/login/totp", 303), nil},
		{"a new password", request("POST /web/reset_password", 200), one("reset")},
		{"the form of new passwords", request("GET /web/reset_password", 200), nil},
		{"the database manager", request("GET /web/database/manager", 200), one("manager")},
		{"a wrong key of the API", request("POST /json/2/res.users/read", 401), one("api")},
		{"a right key of the API", request("POST /json/2/res.users/read", 200), nil},
		{"Odoo 10, which names no address", workers(
			wrote(1000, headed(1000, 100, "INFO shop odoo.addons.base.res.res_users: Login failed for db:shop login:a")),
			wrote(1004, headed(1004, 100, "INFO shop werkzeug: "+honest+
				` - - [23/Nov/2026 10:45:01] "POST /web/login HTTP/1.0" 200 -`)),
		), one("login")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, follow(nil, tt.log), unordered); diff != "" {
				t.Errorf("live (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, replay(nil, tt.log), unordered); diff != "" {
				t.Errorf("in history (-want +got):\n%s", diff)
			}
		})
	}
}
