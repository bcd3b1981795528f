package odoo

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/watcher/framing"
)

var ref = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// What lines begin with.
const (
	at      = "2026-11-23 10:45:02,100 "
	info    = at + "41 INFO shop "
	warning = at + "41 WARNING shop "
	failure = at + "41 ERROR shop "

	users  = "odoo.addons.base.models.res_users: "
	signup = "odoo.addons.auth_signup.controllers.main: "

	loginFailed = "Login failed for db:shop login:admin from 203.0.113.50 "
	answered    = `203.0.113.50 - - [23/Nov/2026 10:45:02] "POST /web/login HTTP/1.1" 200 - 6 0.002 0.729`
	cooledDown  = "Login attempt ignored for 203.0.113.50 (user 'admin') on shop: 10 failures since last success, last failure at " +
		"2026-11-23 10:44:01.123456. You can configure the number of login failures before a user is put on cooldown"
)

// parse takes one line as it stands in a log apart.
func parse(line string) *Event {
	var p Parser
	return parseWith(&p, line)
}

func parseWith(p *Parser, line string) *Event {
	var u framing.Unframer
	var f framing.Frame
	var e Event
	u.Next(&f, []byte(line), ref)
	p.Parse(&e, &f, ref)
	return &e
}

// told is what a line tells, but for its header, so that it can be compared.
type told struct {
	Kind     Kind
	Ending   Ending
	Addr     string
	User, DB string
}

func toldBy(e *Event) told {
	t := told{Kind: e.Kind, Ending: e.Ending, User: string(e.User), DB: string(e.DB)}
	if e.Addr.IsValid() {
		t.Addr = e.Addr.String()
	}
	return t
}

// flagsOf lists what is set.
func flagsOf(e *Event) string {
	var set []string
	for _, flag := range []struct {
		name string
		is   bool
	}{
		{"sealed", e.Sealed},
		{"coarse", e.Coarse},
		{"ends", e.Ends},
		{"nomethod", e.Lacks == Method},
		{"fixed", e.Fixed},
		{"holds", e.Holds},
		{"fragment", e.Request.Fragment},
	} {
		if flag.is {
			set = append(set, flag.name)
		}
	}
	return strings.Join(set, " ")
}

// TestKinds has at least one line of each kind.
func TestKinds(t *testing.T) {
	tests := []struct {
		name, line string
		want       told
	}{
		{"the rest of a record", "Traceback (most recent call last):", told{Kind: Text}},
		{"an empty line", "", told{Kind: Text}},
		{"the end of a login", "z from 203.0.113.20 ", told{Kind: Text, Ending: Address, Addr: "203.0.113.20"}},
		{"the end of a login over RPC", "z from n/a ", told{Kind: Text, Ending: Nowhere}},
		{"another program", "2026-11-23 10:45:02.121 UTC [33] LOG:  checkpoint starting: time", told{Kind: Text}},
		{"a record", at + "41 INFO ? odoo: Odoo version 19.0 ", told{Kind: Other}},
		{
			"a record of another logger that looks like a login", info + "odoo.addons.shop: " + loginFailed,
			told{Kind: Other, Ending: Address, Addr: "203.0.113.50", DB: "shop"},
		},
		{"a login code's record of something else", info + users + "Password changed", told{Kind: Other, DB: "shop"}},
		{
			"a failed login", info + users + loginFailed,
			told{Kind: Failed, Ending: Address, Addr: "203.0.113.50", User: "admin", DB: "shop"},
		},
		{
			"a login that passed", info + users + "Login successful for db:shop login:admin from 203.0.113.7 ",
			told{Kind: Passed, Ending: Address, Addr: "203.0.113.7", User: "admin", DB: "shop"},
		},
		{
			"a reset", info + signup + "Password reset attempt for <user0@example.org> by user <public> from 203.0.113.75 ",
			told{Kind: Reset, Ending: Address, Addr: "203.0.113.75", DB: "shop"},
		},
		{
			"a reset without the blank at its end", info + signup + "Password reset attempt for <admin> by user <public> from 203.0.113.50",
			told{Kind: Reset, Ending: Address, Addr: "203.0.113.50", DB: "shop"},
		},
		{
			"a reset that goes on", info + signup + "Password reset attempt for <a",
			told{Kind: Reset, DB: "shop"},
		},
		{
			"a cooldown", warning + users + cooledDown,
			told{Kind: Cooldown, Ending: Address, Addr: "203.0.113.50", User: "admin", DB: "shop"},
		},
		{"an answer", info + "werkzeug: " + answered, told{Kind: Access, Addr: "203.0.113.50", DB: "shop"}},
		{"an answer of the next Odoo", info + "odoo.http.server: " + answered, told{Kind: Access, Addr: "203.0.113.50", DB: "shop"}},
		{"a wrong token", warning + "odoo.http: CSRF validation failed on path '/web/login'", told{Kind: Token, DB: "shop"}},
		{"no token", warning + "odoo.http: No CSRF validation token provided for path '/web/login'", told{Kind: Other, DB: "shop"}},
		{
			"a proxy",
			warning + users + "The rate-limited IP address 203.0.113.77 is classified as private and *might* be a proxy.",
			told{Kind: Proxy, DB: "shop"},
		},
		{"a new text about logins", info + users + "Login refused: admin", told{Kind: Unknown, DB: "shop"}},
		{
			"a server without workers", at + "916 INFO ? odoo.service.server: HTTP service (werkzeug) running on localhost:8069 ",
			told{Kind: Serving},
		},
		{
			"a server for long requests", at + "916 INFO ? odoo.service.server: Evented Service (longpolling) running on 127.0.0.1:8072 ",
			told{Kind: Other},
		},
		{"no such database", at + "41 INFO None odoo.sql_db: Connection to the database failed", told{Kind: Database}},
		{
			"a header with a database that somebody sent", at + "41 INFO x y",
			told{Kind: Cut},
		},
		{
			"such a header that ends in an address", at + "41 INFO x from 203.0.113.20 ",
			told{Kind: Cut, Ending: Address, Addr: "203.0.113.20"},
		},
	}
	seen := map[Kind]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := parse(tt.line)
			seen[e.Kind] = true
			if diff := cmp.Diff(tt.want, toldBy(e)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.line, diff)
			}
		})
	}
	for kind := Text; kind <= Cut; kind++ {
		if !seen[kind] {
			t.Errorf("no line is of kind %d", kind)
		}
	}
}

// TestLevels holds that what Odoo always writes with one level is none of Odoo's with
// another: then the database in front of it, which somebody sent, looks like a header.
func TestLevels(t *testing.T) {
	const (
		passed = users + "Login successful for db:shop login:admin from 203.0.113.7 "
		reset  = signup + "Password reset attempt for <a> by user <public> from 203.0.113.75 "
	)
	tests := []struct {
		name, level, rest string
		want              Kind
	}{
		{"failed", "INFO", users + loginFailed, Failed},
		{"failed, warning", "WARNING", users + loginFailed, Cut},
		{"failed, error", "ERROR", users + loginFailed, Cut},
		{"failed, debug", "DEBUG", users + loginFailed, Cut},
		{"passed", "INFO", passed, Passed},
		{"passed, warning", "WARNING", passed, Cut},
		{"reset", "INFO", reset, Reset},
		{"reset, error", "ERROR", reset, Cut},
		{"access", "INFO", "werkzeug: " + answered, Access},
		{"access, warning", "WARNING", "werkzeug: " + answered, Cut},
		{"cooldown", "WARNING", users + cooledDown, Cooldown},
		{"cooldown, info", "INFO", users + cooledDown, Cut},
		{"cooldown, critical", "CRITICAL", users + cooledDown, Cut},
		{"coloured failure", "\x1b[1;32m\x1b[1;49mINFO\x1b[0m", users + loginFailed, Failed},
		{"coloured failure, warning", "\x1b[1;33m\x1b[1;49mWARNING\x1b[0m", users + loginFailed, Cut},
		{"coloured cooldown", "\x1b[1;33m\x1b[1;49mWARNING\x1b[0m", users + cooledDown, Cooldown},
		{"other", "CRITICAL", "odoo.http: Access Denied", Other},
		{"token", "INFO", "odoo.http: CSRF validation failed on path '/web/login'", Token},
		{"unknown", "ERROR", users + "Login refused", Unknown},
		{"database", "INFO", "odoo.sql_db: Connection to the database failed", Database},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e := parse(at + "41 " + tt.level + " shop " + tt.rest); e.Kind != tt.want {
				t.Errorf("is of kind %d, want %d", e.Kind, tt.want)
			}
		})
	}
}

// TestLevelsOfJSON holds that a formatter may write levels in small letters, or none.
func TestLevelsOfJSON(t *testing.T) {
	const rest = `"asctime": "2026-11-23 10:45:02,100", "name": "odoo.addons.base.models.res_users", "message": "`
	tests := []struct {
		name, line string
		want       Kind
	}{
		{"no level", `{` + rest + loginFailed + `"}`, Failed},
		{"small letters", `{"levelname": "info", ` + rest + loginFailed + `"}`, Failed},
		{"another level", `{"levelname": "error", ` + rest + loginFailed + `"}`, Cut},
		{"a cooldown without a level", `{` + rest + cooledDown + `"}`, Cooldown},
		{"a cooldown in small letters", `{"level": "warning", ` + rest + cooledDown + `"}`, Cooldown},
		{"a cooldown of another level", `{"level": "info", ` + rest + cooledDown + `"}`, Cut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e := parse(tt.line); e.Kind != tt.want || !e.Sealed {
				t.Errorf("%s is of kind %d, sealed: %v; want %d, true", tt.line, e.Kind, e.Sealed, tt.want)
			}
		})
	}
}

// TestFlags holds what a line may hold, and how it ends.
func TestFlags(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"a failed login", info + users + loginFailed, ""},
		{"an answer", info + "werkzeug: " + answered, ""},
		{"a cooldown", warning + users + cooledDown, ""},
		{"a reset", info + signup + "Password reset attempt for <a> by user <public> from 203.0.113.75 ", ""},
		{"a start", at + "41 INFO ? odoo: Odoo version 19.0 ", ""},
		{"a debug record", at + "41 DEBUG shop odoo.api: call res.users().read()", ""},

		{"text", "Traceback (most recent call last):", "holds"},
		{"an empty line", "", "holds"},
		{"a cut header", at + "41 INFO x y", "holds"},
		{"an error", failure + `odoo.sql_db: bad query: b'INSERT INTO "res_users" ("login") VALUES (\'a\')'`, "holds"},
		{"a coloured error", at + "41 \x1b[1;31m\x1b[1;49mERROR\x1b[0m shop odoo.sql_db: bad query: x", "holds"},
		{"a coloured start", at + "41 \x1b[1;32m\x1b[1;49mINFO\x1b[0m ? odoo: Odoo version 19.0 ", ""},
		{"a path that is quoted", warning + "odoo.http: No CSRF validation token provided for path '/web/login'", "holds"},
		{"a wrong token", warning + "odoo.http: CSRF validation failed on path '/web/login'", "holds"},
		{
			"a mail about a password",
			info + "odoo.addons.auth_signup.models.res_users: Password reset email sent for user <a@example.org> to <a@example.org> ", "holds",
		},
		{
			"a mail about a device",
			info + "odoo.addons.auth_totp_mail.models.res_users: New device alert email sent for user <a> to <a> ", "holds",
		},
		{"a mail", info + "odoo.addons.mail.models.mail_mail: Mail with ID 3 successfully sent", "holds"},
		{"a code", info + "odoo.addons.auth_totp.models.res_users: 2FA check: FAIL for res.users(2,) 'admin'", "holds"},
		{"a reset in other words", info + signup + "Password was reset", "holds"},
		{"a new text about logins", info + users + "Login refused: admin", "holds"},

		{"a refused JSON login", warning + "odoo.http: Access Denied", ""},
		{"a refused JSON login, Odoo 17", warning + "odoo.http: Access Denied ", ""},
		{"a session that is over", warning + "odoo.http: Session expired", ""},
		{"a JSON login in cooldown", warning + "odoo.http: Too many login failures, please wait a bit before trying again.", ""},
		{"no database", warning + "odoo.http: Database not found.", ""},
		{"a text that begins so", warning + "odoo.http: Access Denied by x", "holds"},

		{"a method that there is not", "AttributeError: The method 'res.users.x' does not exist", "nomethod holds"},
		{"another such error", "AttributeError: 'x' object has no attribute 'y'", "holds"},
		{"a record that quotes it", warning + "odoo.http: AttributeError: The method 'x' does not exist", "holds"},

		{"RPC that is old", warning + "odoo.addons.rpc.controllers.jsonrpc: The /xmlrpc, /xmlrpc/2 and /jsonrpc endpoints are deprecated", "fixed"},
		{"XML-RPC that is old", warning + "odoo.addons.rpc.controllers.xmlrpc: The /xmlrpc, /xmlrpc/2 and /jsonrpc endpoints are deprecated", "fixed"},

		{"no such database", at + "41 INFO None odoo.sql_db: Connection to the database failed", "ends"},
		{"an exception", failure + "odoo.http: Exception during request handling. ", "ends holds"},
		{"the end of a name of a database", `x odoo.sql_db: Connection to the database failed`, "ends holds"},
		{"the end of one that another request named", "x odoo.http: Exception during request handling. ", "ends holds"},
		{"more behind such an end", "x odoo.http: Exception during request handling. y", "holds"},
		{"a logger that only ends so", "x my.odoo.http: Exception during request handling.", "holds"},

		{"no milliseconds", "2026-11-23 10:45:02 41 INFO shop " + users + loginFailed, "coarse"},
		{"JSON", `{"asctime": "2026-11-23 10:45:02,100", "levelname": "INFO", "name": "odoo", "message": "x"}`, "sealed"},
		{"JSON to the second", `{"asctime": "2026-11-23 10:45:02", "levelname": "INFO", "name": "odoo", "message": "x"}`, "sealed coarse"},
		{
			"a path with what is called there",
			info + `werkzeug: 203.0.113.201 - - [23/Nov/2026 10:45:02] "POST /web/dataset/call_kw#res.partner.x HTTP/1.1" 200 - 1 0.001 0.001`,
			"holds fragment",
		},
		{
			"such a path with a line end",
			info + `werkzeug: 203.0.113.201 - - [23/Nov/2026 10:45:02] "POST /web/dataset/call_kw#res.partner.x`, "holds fragment",
		},
		{"an access log's other words", info + "werkzeug: Running on http://0.0.0.0:8069/", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := flagsOf(parse(tt.line)); got != tt.want {
				t.Errorf("%s: %q is set, want %q", tt.line, got, tt.want)
			}
		})
	}
}

// TestRaw holds of which records further lines may be a part.
func TestRaw(t *testing.T) {
	const object = `{"asctime": "2026-11-23 10:45:02,100", "levelname": "INFO", "name": "odoo.addons.base.models.res_users", "message": "` +
		loginFailed + `"}`
	tests := []struct {
		name, line string
		raw, login bool
	}{
		{"failed", info + users + loginFailed, true, true},
		{"passed", info + users + "Login successful for login:x from 203.0.113.7 ", true, true},
		{"reset", info + signup + "Password reset attempt for <a> by user <public> from 203.0.113.75 ", true, true},
		{"cooldown", warning + users + cooledDown, false, true},
		{"failed, in JSON", object, false, true},
		{"access", info + "werkzeug: " + answered, false, false},
		{"text", "x from 203.0.113.7 ", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e := parse(tt.line); e.Raw() != tt.raw || e.Login() != tt.login {
				t.Errorf("%s: raw %v, login %v; want %v, %v", tt.line, e.Raw(), e.Login(), tt.raw, tt.login)
			}
		})
	}
}

// TestLoginWithLineEnds holds what the lines of one record tell each for itself: the
// first has no address, and one that somebody sent looks as good as a true one.
func TestLoginWithLineEnds(t *testing.T) {
	lines := []struct {
		line string
		want told
	}{
		{info + users + "Login failed for login:x", told{Kind: Failed, User: "x", DB: "shop"}},
		{warning + users + cooledDown, told{Cooldown, Address, "203.0.113.50", "admin", "shop"}},
		{info + users + "Login failed for login:y from 8.8.4.4 ", told{Failed, Address, "8.8.4.4", "y", "shop"}},
		{info + "werkzeug: " + answered, told{Access, Open, "203.0.113.50", "", "shop"}},
		{"", told{Kind: Text}},
		{info + users + "Login failed for login:z from 8.8.8.8 ", told{Failed, Address, "8.8.8.8", "z", "shop"}},
		{"z from 8.8.8.8 from 203.0.113.20 ", told{Kind: Text, Ending: Address, Addr: "203.0.113.20"}},
	}
	var p Parser // What was read before changes nothing.
	for _, l := range lines {
		if diff := cmp.Diff(l.want, toldBy(parseWith(&p, l.line))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", l.line, diff)
		}
	}
	const sealed = `{"asctime": "2026-11-23 10:45:02,100", "levelname": "INFO", "dbname": "erp", "name": "odoo.addons.base.models.res_users", ` +
		`"message": "Login failed for db:erp login:x from 8.8.8.8\n2026-11-23 10:45:02,100 41 INFO erp ` + users +
		`Login failed for db:erp login:y from 203.0.113.20"}`
	want := told{
		Failed, Address, "203.0.113.20",
		"x from 8.8.8.8\n2026-11-23 10:45:02,100 41 INFO erp " + users + "Login failed for db:erp login:y", "erp",
	}
	if diff := cmp.Diff(want, toldBy(parse(sealed))); diff != "" {
		t.Errorf("in JSON (-want +got):\n%s", diff)
	}
}
