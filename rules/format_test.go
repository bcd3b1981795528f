package rules

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// told is what a failed login's line says, of any shape.
type said struct {
	When, Logger, User, DB, Addr string
	None                         bool
}

// say takes a line apart.
func say(t *testing.T, line string) (said, bool) {
	t.Helper()
	set, err := Compile(BuiltIn(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := set.NewScanner(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC))
	var r record
	if !s.parse(&r, []byte(line)) {
		return said{}, false
	}
	l := parseLogin(&r)
	if l.event != loginFailed {
		return said{}, false
	}
	got := said{
		When: r.when.Format("2006-01-02 15:04:05.000"), Logger: string(r.logger),
		User: string(l.user), DB: string(r.database()), None: l.none,
	}
	if l.addr.IsValid() {
		got.Addr = l.addr.String()
	}
	return got, true
}

// TestFailedLoginLines holds the line of a failed login, by version and by the
// shape that the way to us gave it.
func TestFailedLoginLines(t *testing.T) {
	const (
		when   = "2026-11-23 10:45:45.456"
		models = "odoo.addons.base.models.res_users"
		head   = "2026-11-23 10:45:45,456 7 INFO db " + models + ": "
	)
	tests := []struct {
		name, line string
		want       said
	}{
		{
			"Odoo 8", "2026-11-23 10:45:45,456 7 INFO db openerp.addons.base.res.res_users: Login failed for db:db login:admin",
			said{when, "openerp.addons.base.res.res_users", "admin", "db", "", false},
		},
		{
			"Odoo 10", "2026-11-23 10:45:45,456 7 INFO db odoo.addons.base.res.res_users: Login failed for db:db login:admin",
			said{when, "odoo.addons.base.res.res_users", "admin", "db", "", false},
		},
		{
			"Odoo 11", "2026-11-23 10:45:45,456 7 INFO db odoo.addons.base.res.res_users: Login failed for db:db login:admin from 203.0.113.7",
			said{when, "odoo.addons.base.res.res_users", "admin", "db", "203.0.113.7", false},
		},
		{"Odoo 12 to 18", head + "Login failed for db:db login:admin from 203.0.113.7 ", said{when, models, "admin", "db", "203.0.113.7", false}},
		{"Odoo 19", head + "Login failed for login:admin from 203.0.113.7 ", said{when, models, "admin", "db", "203.0.113.7", false}},
		{"after 19", head + "Login failed for login:admin from 203.0.113.7", said{when, models, "admin", "db", "203.0.113.7", false}},
		{
			"over RPC", "2026-11-23 10:45:45,456 7 INFO None " + models + ": Login failed for login:admin from n/a ",
			said{when, models, "admin", "", "", true},
		},
		{
			"no database", "2026-11-23 10:45:45,456 7 INFO ? " + models + ": Login failed for login:admin from 203.0.113.7 ",
			said{when, models, "admin", "", "203.0.113.7", false},
		},

		{"IPv6", head + "Login failed for login:a from 2001:db8::7 ", said{when, models, "a", "db", "2001:db8::7", false}},
		{"IPv4 in IPv6", head + "Login failed for login:a from ::ffff:203.0.113.7 ", said{when, models, "a", "db", "203.0.113.7", false}},
		{"a zone", head + "Login failed for login:a from fe80::1%eth0 ", said{when, models, "a", "db", "fe80::1", false}},
		{"no address", head + "Login failed for login:a from nowhere ", said{when, models, "a from nowhere ", "db", "", false}},
		{"an address with a port", head + "Login failed for login:a from 203.0.113.7:80 ", said{when, models, "a", "db", "203.0.113.7", false}},

		{"an address in the login", head + "Login failed for login:x from 8.8.8.8 from 203.0.113.7 ", said{when, models, "x from 8.8.8.8", "db", "203.0.113.7", false}},
		{"spaces", head + "Login failed for login: a  b  from 203.0.113.7 ", said{when, models, " a  b ", "db", "203.0.113.7", false}},
		{"empty", head + "Login failed for login: from 203.0.113.7 ", said{when, models, "", "db", "203.0.113.7", false}},
		{"a line separator", head + "Login failed for login:a\u2028b from 203.0.113.7 ", said{when, models, "a\u2028b", "db", "203.0.113.7", false}},
		{"an escape", head + "Login failed for login:a\x1b[31mb from 203.0.113.7 ", said{when, models, "a\x1b[31mb", "db", "203.0.113.7", false}},
		{"a NUL", head + "Login failed for login:a\x00b from 203.0.113.7 ", said{when, models, "a\x00b", "db", "203.0.113.7", false}},
		{"broken UTF-8", head + "Login failed for login:\xff\xfe from 203.0.113.7 ", said{when, models, "\xff\xfe", "db", "203.0.113.7", false}},

		{
			"colours", "2026-11-23 10:45:45,456 7 \x1b[1;32m\x1b[1;49mINFO\x1b[0m db " + models + ": Login failed for login:admin from 203.0.113.7 ",
			said{when, models, "admin", "db", "203.0.113.7", false},
		},
		{"compose", "odoo-1  | " + head + "Login failed for login:admin from 203.0.113.7 ", said{when, models, "admin", "db", "203.0.113.7", false}},
		{
			"syslog", "Nov 23 10:45:45 erp Odoo Server 18.0:db:INFO:" + models + ":Login failed for db:db login:admin from 203.0.113.7 ",
			said{"2026-11-23 10:45:45.000", models, "admin", "db", "203.0.113.7", false},
		},
		{
			"syslog with RFC 3339", "2026-11-23T11:45:45.456789+01:00 erp Odoo Server 18.0:db:INFO:" + models + ":Login failed for db:db login:admin from 203.0.113.7 ",
			said{when, models, "admin", "db", "203.0.113.7", false},
		},
		{
			"JSON", `{"asctime": "2026-11-23 10:45:45,456", "pid": 7, "levelname": "INFO", "dbname": "db", "name": "` + models + `", "message": "Login failed for login:a\nb from 203.0.113.7", "perf_info": ""}`,
			said{when, models, "a\nb", "db", "203.0.113.7", false},
		},
		{
			"JSON of --log-config", `{"message": "Login failed for login:admin from 203.0.113.7", "name": "` + models + `", "levelname": "INFO", "dbname": "db", "created": 1795430745.4567, "process": 7}`,
			said{when, models, "admin", "db", "203.0.113.7", false},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := say(t, tt.line)
			if !ok {
				t.Fatalf("not read: %q", tt.line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.line, diff)
			}
		})
	}
}

// TestOtherLines holds what is no failed login, though it looks a little like
// one.
func TestOtherLines(t *testing.T) {
	for name, line := range map[string]string{
		"empty":             "",
		"another logger":    "2026-11-23 10:45:45,456 7 INFO db odoo.http: Login failed for login:a from 203.0.113.7 ",
		"a traceback":       `  File "/opt/odoo/odoo/http.py", line 2800, in __call__`,
		"no process":        "2026-11-23 10:45:45,456 INFO db odoo.addons.base.models.res_users: Login failed for login:a from 203.0.113.7 ",
		"no such day":       "2026-02-30 10:45:45,456 7 INFO db odoo.addons.base.models.res_users: Login failed for login:a from 203.0.113.7 ",
		"no such level":     "2026-11-23 10:45:45,456 7 NOTE db odoo.addons.base.models.res_users: Login failed for login:a from 203.0.113.7 ",
		"broken JSON":       `{"asctime": "2026-11-23 10:45:45,456", "message": "Login failed`,
		"no product":        "Nov 23 10:45:45 erp Web Server 18.0:db:INFO:odoo.addons.base.models.res_users:Login failed for login:a from 203.0.113.7",
		"a success":         "2026-11-23 10:45:45,456 7 INFO db odoo.addons.base.models.res_users: Login successful for login:a from 203.0.113.7 ",
		"a looser spelling": "2026-11-23 10:45:45,456 7 INFO db odoo.addons.base.models.res_users: login failed for login:a from 203.0.113.7 ",
	} {
		if got, ok := say(t, line); ok {
			t.Errorf("%s: read %+v", name, got)
		}
	}
}

func TestParseAccess(t *testing.T) {
	type read struct {
		Addr       string
		Page       page
		Post, OK   bool
		Status     int
		Took       time.Duration
		Login, RPC bool
	}
	tests := []struct {
		name, msg string
		want      read
	}{
		{
			"with times", `203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 - 5 0.013 1.227`,
			read{"203.0.113.7", loginPage, true, true, 200, 1240 * time.Millisecond, true, false},
		},
		{
			"with a fourth token", `203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 - 5 0.013 1.227 4`,
			read{"203.0.113.7", loginPage, true, true, 200, 1240 * time.Millisecond, true, false},
		},
		{
			"without times", `203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 - - - -`,
			read{"203.0.113.7", loginPage, true, true, 200, 0, true, false},
		},
		{
			"Odoo 11", `203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 -`,
			read{"203.0.113.7", loginPage, true, true, 200, 0, true, false},
		},
		{
			"a language", `203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /fr/web/login?x=1 HTTP/1.1" 200 -`,
			read{"203.0.113.7", loginPage, true, true, 200, 0, true, false},
		},
		{
			"RPC", `203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /jsonrpc HTTP/1.1" 200 - 8 0.001 0.002`,
			read{"203.0.113.7", jsonrpcPage, true, true, 200, 3 * time.Millisecond, true, true},
		},
		{
			"the version over RPC", `203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /jsonrpc HTTP/1.1" 200 - 0 0.000 0.002`,
			read{"203.0.113.7", jsonrpcPage, true, true, 200, 2 * time.Millisecond, false, false},
		},
		{
			"objects over RPC", `203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /xmlrpc/2/object HTTP/1.1" 200 - 8 0.001 0.002`,
			read{"203.0.113.7", otherPage, true, true, 200, 3 * time.Millisecond, false, false},
		},
		{
			"a page", `203.0.113.7 - - [23/Nov/2026 10:45:45] "GET /web/login HTTP/1.1" 200 - 5 0.013 1.227`,
			read{"203.0.113.7", loginPage, false, true, 200, 1240 * time.Millisecond, false, false},
		},
		{
			"colours", "203.0.113.7 - - [23/Nov/2026 10:45:45] \"\x1b[1mPOST /web/login HTTP/1.1\x1b[0m\" 400 -",
			read{"203.0.113.7", loginPage, true, true, 400, 0, false, false},
		},
		{"the end of a login", `203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 - 5 0.013 1.227 from 203.0.113.8`, read{}},
		{
			"a port", `203.0.113.7:51234 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 -`,
			read{"203.0.113.7", loginPage, true, true, 200, 0, true, false},
		},
		{
			"IPv6 and a port", `[2001:db8::7]:51234 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 -`,
			read{"2001:db8::7", loginPage, true, true, 200, 0, true, false},
		},
		{"a name", `localhost - - [23/Nov/2026 10:45:45] "GET / HTTP/1.1" 200 -`, read{}},
		{"something else", `Listening on 8069`, read{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, ok := parseAccess([]byte(tt.msg))
			got := read{}
			if ok {
				got = read{a.addr.String(), a.page, a.post, ok, a.status, a.took, a.login(), a.rpc()}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.msg, diff)
			}
		})
	}
}

func TestParseTime(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	ref := time.Date(2026, 1, 2, 0, 0, 0, 0, berlin)
	tests := []struct{ text, want string }{
		{"2026-11-23 10:45:24,131", "2026-11-23T10:45:24.131Z"},
		{"[2026-11-23 10:45:24.131]", "2026-11-23T10:45:24.131Z"},
		{"2026-11-23T10:45:24Z", "2026-11-23T10:45:24Z"},
		{"2026-11-23T10:45:24.123456+01:00", "2026-11-23T09:45:24.123456Z"},
		{"2026-11-23T10:45:24.123+0100", "2026-11-23T09:45:24.123Z"},
		{"2026-11-23 10:45:24+02:00", "2026-11-23T08:45:24Z"},
		{"2026-11-23 10:45:24", "2026-11-23T10:45:24Z"},
		{"2026-11-23T10:45:24", "2026-11-23T10:45:24Z"},
		{"23/Nov/2026:10:45:24 +0100", "2026-11-23T09:45:24Z"},
		{"23/Nov/2026 10:45:24", "2026-11-23T10:45:24Z"},
		{"1795430724", "2026-11-23T10:45:24Z"},
		{"1795430724.131", "2026-11-23T10:45:24.131Z"},
		{"Jan  1 10:45:24", "2026-01-01T09:45:24Z"},
		{"Dec 31 10:45:24", "2025-12-31T09:45:24Z"},
		{"Feb 29 10:45:24", "2024-02-29T09:45:24Z"},
		{"Nov 31 10:45:24", ""},
		{"yesterday", ""},
		{"", ""},
		{"1234", ""},
	}
	for _, tt := range tests {
		got := ""
		if when, ok := ParseTime([]byte(tt.text), ref); ok {
			got = when.Format(time.RFC3339Nano)
		}
		if got != tt.want {
			t.Errorf("ParseTime(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
	if _, ok := ParseTime([]byte("Jan  1 10:45:24"), time.Time{}); ok {
		t.Error("a time without a year was read without a moment to go by")
	}
}
