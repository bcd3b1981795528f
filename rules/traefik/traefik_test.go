package traefik

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// common is a line of the common format: a failed login, but for what is replaced.
func common(oldnew ...string) string {
	return strings.NewReplacer(oldnew...).Replace(`203.0.113.50 - - [23/Nov/2026:10:45:45 +0000] ` +
		`"POST /web/login HTTP/2.0" 200 4821 "https://erp.example.org/web/login" "Mozilla/5.0" 7 "odoo@docker" "http://172.18.0.3:8069" 214ms`)
}

// inJSON is the same in JSON.
func inJSON(oldnew ...string) string {
	return strings.NewReplacer(oldnew...).Replace(`{"ClientAddr":"203.0.113.50:49152","ClientHost":"203.0.113.50","ClientPort":"49152",` +
		`"ClientUsername":"-","DownstreamContentSize":4821,"DownstreamStatus":200,"Duration":214000000,"OriginStatus":200,` +
		`"RequestHost":"erp.example.org","RequestMethod":"POST","RequestPath":"/web/login","RequestProtocol":"HTTP/2.0",` +
		`"StartLocal":"2026-11-23T11:45:45.123456789+01:00","StartUTC":"2026-11-23T10:45:45.123456789Z",` +
		`"entryPointName":"websecure","level":"info","msg":"","time":"2026-11-23T11:45:45+01:00"}`)
}

// String is what tests write.
func (k Kind) String() string {
	return [...]string{"none", "login", "database", "ratelimit", "api", "reset", "upload"}[k]
}

// told is verdicts, as "kind address reason".
func told(verdicts []Verdict) (all []string) {
	for _, v := range verdicts {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%v %v %s", v.Kind, v.Addr, v.Reason)))
	}
	return all
}

// TestCommonLines holds what single lines tell.
func TestCommonLines(t *testing.T) {
	const login, database, limited = "login 203.0.113.50", "database 203.0.113.50", "ratelimit 203.0.113.50"
	for _, tt := range []struct{ name, from, to, want string }{
		{"failed", "", "", login},
		{"passed", " 200 ", " 303 ", ""},
		{"passed in Odoo 14", " 4821 ", " 93 ", ""},
		{"cut off behind the headers", " 4821 ", " 0 ", login},
		{"no size", " 4821 ", " - ", login},
		{"form fetched", "POST", "GET", ""},
		{"other case", "POST", "poSt", login},
		{"gone away", " 200 ", " 499 ", ""},
		{"query", "/web/login", "/web/login?redirect=/odoo", login},
		{"dots", "/web/login", "/web/x/../login", login},
		{"language", "/web/login", "/pt_BR/web/login", login},
		{"one-time code", "/web/login", "/web/login/totp", login},
		{"JSON login", "/web/login", "/web/session/authenticate", ""},
		{"refused", " 200 ", " 429 ", limited},
		{"JSON login refused", `/web/login HTTP/2.0" 200`, `/web/session/authenticate HTTP/2.0" 429`, limited},
		{"call refused", `/web/login HTTP/2.0" 200`, `/en/jsonrpc HTTP/2.0" 429`, limited},
		{"picture refused", `POST /web/login HTTP/2.0" 200`, `GET /web/image/7 HTTP/2.0" 429`, ""},
		{"form refused", `POST /web/login HTTP/2.0" 200`, `GET /web/login HTTP/2.0" 429`, ""},
		{"manager", "POST /web/login", "GET /web/database/manager", database},
		{"manager that is not there", `/web/login HTTP/2.0" 200 4821`, `/web/database/drop HTTP/2.0" 404 19`, database},
		{"manager by HTTP, sent on", `/web/login HTTP/2.0" 200`, `/web/database/manager HTTP/2.0" 301`, ""},
		{"choice of databases", "/web/login", "/web/database/selector", ""},
		{"a login by the manager's name", "/web/login", "/web/databasex", database + ", " + login},
		{"a login by the manager's path", "/web/login", "/web/database/login", database + ", " + login},
		{"key", `/web/login HTTP/2.0" 200`, `/json/2/res.partner/search HTTP/2.0" 401`, "api 203.0.113.50"},
		{"right key", `/web/login`, `/json/2/res.partner/search`, ""},
		{"upload", `/web/login HTTP/2.0" 200`, `/base_import_module/login_upload HTTP/2.0" 500`, "upload 203.0.113.50"},
		{"new password", "/web/login", "/web/reset_password", "reset 203.0.113.50"},
		{"IPv6 in brackets", "203.0.113.50", "[2001:db8::50]", "login 2001:db8::50"},
		{"zone", "203.0.113.50", "fe80::1%eth0", "login fe80::1"},
		{"mapped", "203.0.113.50", "::ffff:203.0.113.50", login},
		{"port", "203.0.113.50", "203.0.113.50:4711", login},
		{"several hops", "203.0.113.50", "8.8.8.8, 203.0.113.50", "login invalid IP " + ProxyNotNamed},
		{"no address", "203.0.113.50", "-", ""},
		{"half an address", "203.0.113.50", "203.0.113", "login invalid IP " + NoAddress},
		{"user", "- - [", "- alice [", login},
		{"user with brackets", "- - [", "- a [x] [y [", login},
		{"agent with quotes", "Mozilla/5.0", `a" "b`, login},
		{"agent with escaped quotes", "Mozilla/5.0", `a\"b`, login},
		{"agent that answers", "Mozilla/5.0", `x HTTP/1.1" 303 5`, "login invalid IP " + TwoAnswers},
		{"another method", "POST", "P0ST", ""},
		{"no protocol", "HTTP/2.0", "HTTP/two", ""},
		{"no such day", "23/Nov", "31/Nov", ""},
		{"no such month", "Nov", "Nor", ""},
		{"no milliseconds", " 214ms", " 214", ""},
		{"no server until 2.1", `"http://172.18.0.3:8069"`, `-`, login},
		{"no count", ` 7 "`, ` - "`, "login 203.0.113.50 " + NoCount},
		{"genericCLF", ` 7 "odoo@docker" "http://172.18.0.3:8069" 214ms`, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(told(history([]byte(common(tt.from, tt.to)+"\n"))), ", ")
			if got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
		})
	}
}

// TestJSONLines holds what is different in JSON.
func TestJSONLines(t *testing.T) {
	const login = "login 203.0.113.50"
	for _, tt := range []struct{ name, from, to, want string }{
		{"failed", "", "", login},
		{"passed", `"DownstreamStatus":200`, `"DownstreamStatus":303`, ""},
		{"passed in Odoo 14", `"DownstreamContentSize":4821`, `"DownstreamContentSize":93`, ""},
		{"cut off within the page", `4821,"DownstreamStatus":200,"Duration":214000000,"OriginStatus":200`, `93,"DownstreamStatus":200,"OriginStatus":0`, login},
		{"refused by Traefik", `"DownstreamStatus":200`, `"DownstreamStatus":429`, "ratelimit 203.0.113.50"},
		{"server down", `"DownstreamStatus":200`, `"DownstreamStatus":500`, ""},
		{"query", `/web/login"`, `/web/login?a=1\u0026b=\"2"`, login},
		{"IPv6", `203.0.113.50:49152","ClientHost":"203.0.113.50`, `[2001:db8::50]:49152","ClientHost":"2001:db8::50`, "login 2001:db8::50"},
		{"for somebody", `"ClientHost":"203.0.113.50"`, `"ClientHost":"198.51.100.9"`, login + " " + ProxyNotNamed},
		{"peer dropped", `"ClientAddr":"203.0.113.50:49152",`, ``, login},
		{"size dropped", `"DownstreamContentSize":4821,`, ``, login},
		{"local time alone", `"StartUTC":"2026-11-23T10:45:45.123456789Z",`, ``, login},
		{"a duration of a shipper", `214000000`, `"214ms"`, login},
		{"no time", `"Start`, `"Begin`, ""},
		{"no status", `"DownstreamStatus":200,`, ``, ""},
		{"no method", `"RequestMethod":"POST",`, ``, ""},
		{"lists and objects", `{`, `{"a": {"RequestPath":"/","b":[1,"}"]} , "c":[ ],`, login},
		{"blanks", `,`, ` , `, login},
		{"cut off", `"time":"2026-11-23T11:45:45+01:00"}`, `"time":"2026-`, ""},
		{"within another", `{`, `{"x":{`, ""},
		{"Caddy's", `"ClientAddr":"203.0.113.50:49152","ClientHost":"203.0.113.50"`, `"remote_ip":"203.0.113.50"`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(told(history([]byte(inJSON(tt.from, tt.to)+"\n"))), ", ")
			if got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
		})
	}
}

// TestTimes holds that a login has failed when it was answered.
func TestTimes(t *testing.T) {
	for _, tt := range []struct{ name, line, want string }{
		{"common", common(), "2026-11-23T10:45:45.214Z"},
		{"a zone ahead", common("+0000", "+0530"), "2026-11-23T05:15:45.214Z"},
		{"a zone behind", common("+0000", "-0800"), "2026-11-23T18:45:45.214Z"},
		{"slow", common(" 214ms", " 61000ms"), "2026-11-23T10:46:46Z"},
		{"JSON", inJSON(), "2026-11-23T10:45:45.337456789Z"},
		{"JSON, local", inJSON("StartUTC", "x"), "2026-11-23T10:45:45.337456789Z"},
		{"JSON, a shipper's", inJSON("214000000", `"214ms"`), "2026-11-23T10:45:45.337456789Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := history([]byte(tt.line))
			if len(v) != 1 || v[0].Time.Format(time.RFC3339Nano) != tt.want {
				t.Errorf("%v, want one at %s", v, tt.want)
			}
		})
	}
}

// TestClient holds who is blamed behind proxies: whom the last trusted one names, and never whom somebody claims to be.
func TestClient(t *testing.T) {
	const proxy, cdn = "192.0.2.10/32", "198.51.100.0/28"
	for _, tt := range []struct {
		name    string
		trusted []string
		peer    string // only JSON names it
		hops    string
		want    string
	}{
		{"a CDN that nobody named", nil, "198.51.100.1:1", "203.0.113.50", "198.51.100.1 " + ProxyNotNamed},
		{"a stranger", []string{proxy}, "203.0.113.50:1", "8.8.8.8, 192.0.2.10", "203.0.113.50"},
		{"a proxy close by", []string{proxy}, "172.18.0.5:1", "203.0.113.50", "172.18.0.5 " + ProxyNotNamed},
		{"a client close by", nil, "172.18.0.5:1", "172.18.0.5", "172.18.0.5"},
		{"one proxy", []string{proxy}, "192.0.2.10:1", "203.0.113.50", "203.0.113.50"},
		{"a claim before it", []string{proxy}, "192.0.2.10:1", "8.8.8.8, 203.0.113.50", "203.0.113.50"},
		{"two proxies", []string{proxy, cdn}, "192.0.2.10:1", "8.8.8.8,203.0.113.50,198.51.100.7", "203.0.113.50"},
		{"a port and brackets", []string{proxy}, "192.0.2.10:1", "8.8.8.8, [2001:db8::50]:99", "2001:db8::50"},
		{"mapped", []string{proxy}, "[::ffff:192.0.2.10]:1", "::ffff:203.0.113.50", "203.0.113.50"},
		{"the proxy itself", []string{proxy}, "192.0.2.10:1", "192.0.2.10", "192.0.2.10"},
		{"nonsense", []string{proxy}, "192.0.2.10:1", "8.8.8.8, unknown", "invalid IP " + NoAddress},
		{"common, one", nil, "", "203.0.113.50", "203.0.113.50"},
		{"common, several, one proxy", []string{cdn}, "", "8.8.8.8, 203.0.113.50, 198.51.100.7", "203.0.113.50"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line := inJSON("203.0.113.50:49152", tt.peer, `"ClientHost":"203.0.113.50"`, `"ClientHost":"`+tt.hops+`"`)
			if tt.peer == "" {
				line = common("203.0.113.50", tt.hops)
			}
			var proxies []netip.Prefix
			for _, p := range tt.trusted {
				proxies = append(proxies, netip.MustParsePrefix(p))
			}
			l := New(proxies)
			got := told(l.Flush(l.Feed(nil, []byte(line), At{})))
			if diff := cmp.Diff([]string{"login " + tt.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLogs holds what lines tell together. A blank line is a pause; in "live" cases all between two is a batch.
func TestLogs(t *testing.T) {
	const login = "login 203.0.113.50"
	counted := func(n int, oldnew ...string) string {
		return strings.Replace(common(oldnew...), ` 7 "odoo`, fmt.Sprintf(` %d "odoo`, n), 1)
	}
	him := func(n int) string { return counted(n) }
	victim := func(n int) string { return counted(n, "203.0.113.50", "8.8.8.8") }
	own := `time="2026-11-23T10:45:44Z" level=info msg="Starting provider"`
	for _, tt := range []struct {
		name string
		live bool
		log  []string
		want []string
	}{
		{"Traefik's own words before", false, []string{own, him(1)}, []string{login}},
		{"anything else before", false, []string{"x", him(1)}, []string{login + " " + Unproven}},
		{"counts with gaps", false, []string{him(200), him(270), him(340)}, []string{login, login, login}},
		{"a count twice, of two", false, []string{him(1), victim(2), him(2), him(3)}, []string{login, login, login, "login 8.8.8.8 " + Unproven}},
		{"a count twice, of one", false, []string{him(1), him(2), him(1), him(2)}, []string{login, login, login + " " + Forged, login + " " + Forged}},
		{"the line before ends in nothing", false, []string{him(1), "x", victim(2)}, []string{login, "login 8.8.8.8 " + Unproven}},
		{"JSON among common", false, []string{him(1), inJSON("203.0.113.50", "8.8.8.8"), him(2)}, []string{login, login, "login 8.8.8.8 " + Unproven}},
		{"live, first lines", true, []string{him(5), "", victim(1), "", him(5)}, []string{login, "login 8.8.8.8", login}},
		{"live, what follows", true, []string{counted(5, "POST", "GET"), victim(6), "", him(7)}, []string{login, "login 8.8.8.8 " + Unproven}},
		{"live, vouched later", true, []string{counted(5, "POST", "GET"), him(6), "", him(7)}, []string{login, login}},
		{"live, vouched before", true, []string{him(5), "", counted(6, "POST", "GET"), him(7)}, []string{login, login}},
		{"live, JSON", true, []string{inJSON(), inJSON()}, []string{login, login}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := New(nil)
			var verdicts []Verdict
			at := At{}
			if tt.live {
				at.Batch = 1
			}
			for _, line := range tt.log {
				if line == "" {
					at.Batch++
					verdicts = l.Settle(verdicts)
					continue
				}
				verdicts = l.Feed(verdicts, []byte(line), at)
			}
			if diff := cmp.Diff(tt.want, told(l.Flush(verdicts))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDistrust200 holds that a form proves nothing while Odoo shows it to everybody.
func TestDistrust200(t *testing.T) {
	l := New(nil)
	l.Distrust200(time.Date(2026, 11, 23, 10, 46, 0, 0, time.UTC))
	var v []Verdict
	for _, line := range []string{inJSON(), inJSON("/web/login", "/web/database/x"), inJSON("10:45:45", "10:46:01")} {
		v = l.Feed(v, []byte(line), At{})
	}
	want := []string{"login 203.0.113.50 " + Cooldown, "database 203.0.113.50", "login 203.0.113.50"}
	if diff := cmp.Diff(want, told(l.Flush(v))); diff != "" {
		t.Error(diff)
	}
}

// TestExplanations holds that every reason has a title and a cure.
func TestExplanations(t *testing.T) {
	var known []string
	for _, e := range Explanations() {
		known = append(known, e.Reason)
		if e.Title == "" || e.Cure == "" {
			t.Errorf("%s is not explained", e.Reason)
		}
	}
	all := []string{ProxyNotNamed, NoAddress, TwoAnswers, Forged, Unproven, NoCount, Cooldown}
	if diff := cmp.Diff(all, known); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}
