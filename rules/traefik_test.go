package rules_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// trusting compiles the built-in rules, with trusted proxies.
func trusting(t testing.TB, proxies ...string) *rules.Set {
	t.Helper()
	var prefixes []netip.Prefix
	for _, p := range proxies {
		prefixes = append(prefixes, netip.MustParsePrefix(p))
	}
	set, err := rules.Compile(rules.BuiltIn(), nil, prefixes...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// common is a line of Traefik's common format: a failed login, but for what is
// replaced.
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

// told is what a set tells of lines that are the whole of a log, as "rule
// address".
func told(set *rules.Set, lines ...string) []string {
	failures, _ := replay(set, []byte(strings.Join(lines, "\n")+"\n"))
	var all []string
	for _, f := range failures {
		all = append(all, f.Rule+" "+f.Addr.String())
	}
	return all
}

// TestTraefikLines holds what single lines tell.
func TestTraefikLines(t *testing.T) {
	const login, database, limited = "traefik-login 203.0.113.50", "traefik-database 203.0.113.50", "traefik-ratelimit 203.0.113.50"
	for _, tt := range []struct {
		name string
		// from and to are what is replaced in a failed login.
		from, to string
		want     string
	}{
		{"failed", "", "", login},
		{"passed", " 200 ", " 303 ", ""},
		{"passed in Odoo 14", " 4821 ", " 93 ", ""},
		{"no size", " 4821 ", " - ", login},
		{"form fetched", "POST", "GET", ""},
		{"form looked for", "POST", "HEAD", ""},
		{"other case", "POST", "poSt", login},
		{"gone away", " 200 ", " 499 ", ""},
		{"Odoo down", " 200 ", " 502 ", ""},
		{"query", "/web/login", "/web/login?redirect=/odoo", login},
		{"query alone", "/web/login", "/?/web/login", ""},
		{"slash behind", "/web/login", "/web/login/", login},
		{"language", "/web/login", "/fr/web/login", login},
		{"language of a country", "/web/login", "/pt_BR/web/login", login},
		{"language in a script", "/web/login", "/sr@latin/web/login?x", login},
		{"no language", "/web/login", "/shop/web/login", ""},
		{"percent", "/web/login", "/%77eb/l%6Fgin", login},
		{"half a percent", "/web/login", "/web/login%2", ""},
		{"one-time code", "/web/login", "/web/login/totp", login},
		{"another page", "/web/login", "/web/login_layout", ""},
		{"JSON login", "/web/login", "/web/session/authenticate", ""},
		{"too many", " 200 ", " 429 ", limited},
		{"too many pictures", `POST /web/login HTTP/2.0" 200`, `GET /web/image/7 HTTP/2.0" 429`, limited},
		{"manager", "POST /web/login", "GET /web/database/manager", database},
		{"manager that is not there", `/web/login HTTP/2.0" 200 4821`, `/web/database/drop HTTP/2.0" 404 19`, database},
		{"manager for people who speak", "/web/login", "/de/web/database/create", database},
		{"manager by HTTP, sent on", `/web/login HTTP/2.0" 200`, `/web/database/manager HTTP/2.0" 301`, ""},
		{"choice of databases", "/web/login", "/web/database/selector", ""},
		{"list of databases", "/web/login", "/web/database/list", ""},
		{"IPv6", "203.0.113.50", "2001:db8::50", "traefik-login 2001:db8::50"},
		{"IPv6 in brackets", "203.0.113.50", "[2001:db8::50]", "traefik-login 2001:db8::50"},
		{"zone", "203.0.113.50", "fe80::1%eth0", "traefik-login fe80::1"},
		{"mapped", "203.0.113.50", "::ffff:203.0.113.50", login},
		{"mapped, in brackets", "203.0.113.50", "[::ffff:203.0.113.50]", login},
		{"IPv4 in brackets", "203.0.113.50", "[203.0.113.50]", ""},
		{"port", "203.0.113.50", "203.0.113.50:4711", login},
		{"no address", "203.0.113.50", "localhost", ""},
		{"none", "203.0.113.50", "-", ""},
		{"user", "- - [", "- alice [", login},
		{"user with brackets", "- - [", "- a [x] [y [", login},
		{"agent with quotes", "Mozilla/5.0", `a" "b`, login},
		{"agent that answers", "Mozilla/5.0", `x HTTP/1.1" 303 5`, ""},
		{"query that answers", "/web/login", `/web/login?x HTTP/2.0" 303 5 "`, ""},
		{"another method", "POST", "P0ST", ""},
		{"no protocol", "HTTP/2.0", "HTTP/two", ""},
		{"no such day", "23/Nov", "31/Nov", ""},
		{"no such month", "Nov", "Nor", ""},
		{"no milliseconds", " 214ms", " 214", ""},
		{"no service", `"http://172.18.0.3:8069"`, `"-"`, login},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			if diff := cmp.Diff(want, told(trusting(t), common(tt.from, tt.to))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTraefikJSON holds what is different in JSON.
func TestTraefikJSON(t *testing.T) {
	const login = "traefik-login 203.0.113.50"
	for _, tt := range []struct {
		name, from, to, want string
	}{
		{"failed", "", "", login},
		{"passed", `"DownstreamStatus":200`, `"DownstreamStatus":303`, ""},
		{"passed in Odoo 14", `"DownstreamContentSize":4821`, `"DownstreamContentSize":93`, ""},
		{"refused by Traefik", `"DownstreamStatus":200`, `"DownstreamStatus":429`, "traefik-ratelimit 203.0.113.50"},
		{"refused by a server", `"OriginStatus":200`, `"OriginStatus":429`, login},
		{"fetched", `"POST"`, `"GET"`, ""},
		{"query", `/web/login"`, `/web/login?a=1\u0026b=\"2"`, login},
		{"manager", `/web/login"`, `/web/database/backup"`, "traefik-database 203.0.113.50"},
		{"IPv6", "203.0.113.50:49152", "[2001:db8::50]:49152", "traefik-login 2001:db8::50"},
		{"zone", "203.0.113.50:49152", "[fe80::1%eth0]:49152", "traefik-login fe80::1"},
		{"claimed", `"ClientHost":"203.0.113.50"`, `"ClientHost":"198.51.100.9"`, login},
		{"claimed in a header", `{`, `{"request_X-Forwarded-For":"198.51.100.9",`, login},
		{"peer dropped", `"ClientAddr":"203.0.113.50:49152",`, ``, login},
		{"size dropped", `"DownstreamContentSize":4821,`, ``, login},
		{"local time alone", `"StartUTC":"2026-11-23T10:45:45.123456789Z",`, ``, login},
		{"no time", `"Start`, `"Begin`, ""},
		{"no status", `"DownstreamStatus":200,`, ``, ""},
		{"no method", `"RequestMethod":"POST",`, ``, ""},
		{"lists and objects", `{`, `{"a": {"RequestPath":"/","b":[1,"}"]} , "c":[ ],`, login},
		{"blanks", `,`, ` , `, login},
		{"cut off", `"time":"2026-11-23T11:45:45+01:00"}`, `"time":"2026-`, ""},
		{"more behind", `+01:00"}`, `+01:00"} x`, ""},
		{"within another", `{`, `{"x":{`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			if diff := cmp.Diff(want, told(trusting(t), inJSON(tt.from, tt.to))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTraefikTimes holds that a login has failed when it was answered.
func TestTraefikTimes(t *testing.T) {
	for _, tt := range []struct{ name, line, want string }{
		{"common", common(), "2026-11-23T10:45:45.214Z"},
		{"a zone ahead", common("+0000", "+0530"), "2026-11-23T05:15:45.214Z"},
		{"a zone behind", common("+0000", "-0800"), "2026-11-23T18:45:45.214Z"},
		{"slow", common(" 214ms", " 61000ms"), "2026-11-23T10:46:46Z"},
		{"JSON", inJSON(), "2026-11-23T10:45:45.337456789Z"},
		{"JSON, local", inJSON("StartUTC", "x"), "2026-11-23T10:45:45.337456789Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			failures, _ := replay(trusting(t), []byte(tt.line+"\n"))
			if len(failures) != 1 || failures[0].Time.Format(time.RFC3339Nano) != tt.want {
				t.Errorf("%v, want one at %s", failures, tt.want)
			}
			if at, ok := rules.RecordTime([]byte(tt.line), time.Time{}); !ok || at.Format(time.RFC3339Nano) != tt.want {
				t.Errorf("RecordTime is %v", at)
			}
		})
	}
}

// TestForwarded holds who is blamed behind proxies: whom the last trusted one
// names, and never whom somebody claims to be.
func TestForwarded(t *testing.T) {
	const proxy, cdn = "192.0.2.10/32", "198.51.100.0/28"
	for _, tt := range []struct {
		name    string
		trusted []string
		peer    string // only JSON names it
		hops    string
		want    string
	}{
		{"nobody is trusted", nil, "203.0.113.50:1", "8.8.8.8", "203.0.113.50"},
		{"a stranger", []string{proxy}, "203.0.113.50:1", "8.8.8.8, 192.0.2.10", "203.0.113.50"},
		{"a proxy close by", nil, "172.18.0.5:1", "203.0.113.50", ""},
		{"a client close by", nil, "172.18.0.5:1", "172.18.0.5", "172.18.0.5"},
		{"one proxy", []string{proxy}, "192.0.2.10:1", "203.0.113.50", "203.0.113.50"},
		{"a claim before it", []string{proxy}, "192.0.2.10:1", "8.8.8.8, 203.0.113.50", "203.0.113.50"},
		{"two proxies", []string{proxy, cdn}, "192.0.2.10:1", "8.8.8.8,203.0.113.50,198.51.100.7", "203.0.113.50"},
		{"a port and brackets", []string{proxy}, "192.0.2.10:1", "8.8.8.8, [2001:db8::50]:99", "2001:db8::50"},
		{"mapped", []string{proxy}, "[::ffff:192.0.2.10]:1", "::ffff:203.0.113.50", "203.0.113.50"},
		{"the proxy itself", []string{proxy}, "192.0.2.10:1", "192.0.2.10", "192.0.2.10"},
		{"nonsense", []string{proxy}, "192.0.2.10:1", "8.8.8.8, unknown", ""},
		{"nothing at the end", []string{proxy}, "192.0.2.10:1", "8.8.8.8, ", ""},
		{"common, one", nil, "", "203.0.113.50", "203.0.113.50"},
		{"common, several", nil, "", "8.8.8.8, 203.0.113.50", ""},
		{"common, several, one proxy", []string{cdn}, "", "8.8.8.8, 203.0.113.50, 198.51.100.7", "203.0.113.50"},
		{"common, by a proxy that is not named", []string{cdn}, "", "8.8.8.8, 203.0.113.50", "203.0.113.50"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line := inJSON("203.0.113.50:49152", tt.peer, `"ClientHost":"203.0.113.50"`, `"ClientHost":"`+tt.hops+`"`)
			if tt.peer == "" {
				line = common("203.0.113.50", tt.hops)
			}
			failures, stats := replay(trusting(t, tt.trusted...), []byte(line+"\n"))
			got := ""
			if len(failures) == 1 {
				got = failures[0].Addr.String()
			}
			if got != tt.want || stats.Doubtful != 1-uint64(len(failures)) {
				t.Errorf("blamed %q, want %q; doubtful %d", got, tt.want, stats.Doubtful)
			}
		})
	}
}

// A text that a client sends through a proxy that adds to X-Forwarded-For may
// hold a whole line.
func TestForwardedLine(t *testing.T) {
	forged := common("203.0.113.50", "8.8.8.8", "HTTP/2.0", "HTTP/1.1")
	line := forged + ", " + common("POST", "GET")
	for _, trusted := range [][]string{nil, {"192.0.2.10/32"}} {
		if got := told(trusting(t, trusted...), line); got != nil {
			t.Errorf("trusting %v: %v", trusted, got)
		}
	}
}

// followed feeds bursts of lines as a daemon reads them, and returns what it
// tells.
func followed(t *testing.T, bursts ...[]string) (all []string, stats rules.Stats) {
	t.Helper()
	now := time.Date(2026, 11, 23, 10, 45, 46, 0, time.UTC)
	scanner := trusting(t).NewScanner(now)
	var failures []rules.Failure
	for n, burst := range bursts {
		for i, line := range burst {
			if i == len(burst)-1 {
				line = counted(line, 100+n)
			}
			failures = scanner.Feed(failures, rules.Line{Text: []byte(line), Seen: now})
		}
		now = now.Add(10 * time.Millisecond)
		failures = scanner.Settle(failures, now)
		now = now.Add(300 * time.Millisecond)
	}
	for _, f := range failures {
		all = append(all, f.Rule+" "+f.Addr.String())
	}
	return all, scanner.Stats()
}

// counted gives a line of the common format its count.
func counted(line string, n int) string {
	return strings.Replace(line, ` 7 "odoo@docker"`, fmt.Sprintf(` %d "odoo@docker"`, n), 1)
}

// odooFailed is a failed login in Odoo's log, in two records.
func odooFailed(login string) []string {
	text := fmt.Sprintf("2026-11-23 10:45:45,456 28342 INFO shop odoo.addons.base.models.res_users: Login failed for login:%s from 203.0.113.7 \n"+
		`2026-11-23 10:45:45,464 28342 INFO shop werkzeug: 203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 - 5 0.013 1.227`, login)
	return strings.Split(text, "\n")
}

// TestWhoseLog holds that Odoo's log and Traefik's are told apart, whatever
// somebody writes into one that looks like the other.
func TestWhoseLog(t *testing.T) {
	const login, odoo = "traefik-login 203.0.113.50", "odoo-login 203.0.113.7"
	victim := common("203.0.113.50", "8.8.8.8")
	victimJSON := inJSON("203.0.113.50", "8.8.8.8")
	forged := odooFailed("x\n" + victim + "\n" + victimJSON + "\ny")
	// What stands behind a user's name: Traefik asked for the password.
	asked := func(user string) []string {
		return strings.Split(common("- - [", "- "+user+" [", "POST /web/login", "GET /dashboard/", " 200 4821", " 401 17",
			`"http://172.18.0.3:8069"`, `"-"`), "\n")
	}
	own := `time="2026-11-23T10:45:44Z" level=info msg="Starting provider"`
	for _, tt := range []struct {
		name   string
		bursts [][]string
		want   []string
		mixed  uint64
	}{
		{"Traefik's", [][]string{{common()}, {common()}, {common()}}, []string{login, login, login}, 0},
		{"Traefik's in JSON", [][]string{{inJSON()}, {inJSON()}}, []string{login, login}, 0},
		{"Traefik's own words before", [][]string{{own, common()}, {own, common()}}, []string{login, login}, 0},
		{"one burst only", [][]string{{common(), common()}}, nil, 0},
		{"Odoo's", [][]string{odooFailed("a"), odooFailed("b")}, []string{odoo, odoo}, 0},
		{"a login with Traefik's lines", [][]string{odooFailed("a"), forged}, []string{odoo, odoo}, 0},
		{"read from the middle of a login", [][]string{forged[1:3], forged[3:], odooFailed("b"), {victim}}, []string{odoo}, 1},
		{"read from the middle of a login, at once", [][]string{forged[1:], odooFailed("b"), {victim}}, []string{odoo}, 1},
		{"a user's name with Traefik's lines", [][]string{
			{common()}, {common()}, asked("x\n" + victim + "\n" + victim + "\n8.8.8.8 - -"), {common()},
		}, []string{login, login, login}, 0},
		{"a user's name that ends in no line", [][]string{
			{common()}, {common()}, asked("- [23/Nov/2026:10:45:45 +0000] x\n" + victim + "\n\x1b"), {common()},
		}, []string{login, login, login}, 0},
		{"a user's name with Odoo's lines", [][]string{
			{common()}, {common()}, asked("x\n" + strings.Join(odooFailed("a"), "\n") + "\nx"), {common()},
		}, []string{login, login, login}, 0},
		{"Odoo's among Traefik's", [][]string{
			{common()}, {common()}, odooFailed("a"), {common()}, odooFailed("b"),
		}, []string{login, login, odoo, odoo}, 1},
		{"a user's name with a line in JSON", [][]string{
			{common()}, {common()}, asked("x\n" + victimJSON + "\nx"), {common()},
		}, []string{login, login, login}, 0},
		{"a user's name with an object of Docker's", [][]string{
			{common()}, {common()}, asked("x\n" + victim + "\n" + `{"log":"y","stream":"stdout"`), {common()},
		}, []string{login, login, login}, 0},
		{"a user in the URL with Odoo's lines", [][]string{
			{common()},
			{common()},
			strings.Split(common("- - [", "- x\n"+victim+"\n"+odooFailed("a")[0]+"\nx ["), "\n"),
			{common()},
		}, []string{login, login, login}, 0},
		{"from the common format to JSON", [][]string{
			{common()}, {common()}, {inJSON()}, {inJSON()}, {inJSON()}, {inJSON()},
		}, []string{login, login, login, login}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, stats := followed(t, tt.bursts...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if stats.Mixed != tt.mixed {
				t.Errorf("mixed %d, want %d", stats.Mixed, tt.mixed)
			}
		})
	}
}

// TestWhoseOldLog holds the same in a replay.
func TestWhoseOldLog(t *testing.T) {
	const login, odoo = "traefik-login 203.0.113.50", "odoo-login 203.0.113.7"
	victim := common("203.0.113.50", "8.8.8.8")
	asked := common("- - [", "- x\n"+victim+"\n"+victim+"\n8.8.8.8 - - [", "POST /web/login", "GET /", " 200 4821", " 401 17",
		`"http://172.18.0.3:8069"`, `"-"`, " 7 ", " 6 ")
	later := counted(common(":45:45 ", ":47:45 "), 8)
	earlier := counted(common(":45:45 ", ":40:45 "), 5)
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"one line", []string{common()}, []string{login}},
		{"both kinds", []string{inJSON(), common()}, []string{login, login}},
		{"JSON where it may be a part of a user's name", []string{common(), inJSON()}, []string{login}},
		{"Odoo's", append(odooFailed("x\n"+victim+"\ny"), victim), []string{odoo}},
		{"from the middle of a login", append([]string{victim}, odooFailed("b")...), []string{odoo}},
		{"a user's name", []string{earlier, asked, later}, []string{login, login}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, told(trusting(t), tt.lines...)); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTraefikStories holds what a daemon tells of the two logs, line by line,
// against what a replay does: the same, but for what only a replay cannot know.
func TestTraefikStories(t *testing.T) {
	for name, more := range map[string][]string{
		"traefik-common.log": {"traefik-login 198.51.100.7"},
		"traefik-json.log":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			log := strings.TrimSpace(string(capture(t, name)))
			var bursts [][]string
			for line := range strings.SplitSeq(log, "\n") {
				if strings.HasPrefix(line, "8.8.8.8") {
					bursts[len(bursts)-1] = append(bursts[len(bursts)-1], line)
					continue
				}
				bursts = append(bursts, []string{line})
			}
			live, _ := followed(t, bursts...)
			replayed := append(told(trusting(t), log), more...)
			slices.Sort(live)
			slices.Sort(replayed)
			if diff := cmp.Diff(replayed, live); diff != "" {
				t.Errorf("told (-replayed +live):\n%s", diff)
			}
		})
	}
}

// TestTraefikGarbage holds that lines without a failure cost nothing.
func TestTraefikGarbage(t *testing.T) {
	for name, line := range map[string]string{
		"common": common("POST /web/login", "GET /web/image/7"),
		"JSON":   inJSON(`"POST"`, `"GET"`),
	} {
		scanner := trusting(t).NewScanner(time.Time{})
		text := rules.Line{Text: []byte(line)}
		dst := scanner.Feed(nil, text)
		if allocs := testing.AllocsPerRun(100, func() { dst = scanner.Feed(dst[:0], text) }); allocs > 0 {
			t.Errorf("%s: %v allocations a line", name, allocs)
		}
	}
}
