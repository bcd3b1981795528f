package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// common is a line of Traefik's common format: a failed login, but for what is replaced.
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

// counted gives a line of the common format its count.
func counted(line string, n int) string {
	return strings.Replace(line, ` 7 "odoo@docker"`, fmt.Sprintf(` %d "odoo@docker"`, n), 1)
}

// followed feeds what was written in one go each, as a daemon reads it. Lines of the common
// format get their counts.
func followed(t *testing.T, bursts ...[]string) ([]string, rules.Stats) {
	t.Helper()
	now := time.Date(2026, 11, 23, 10, 45, 46, 0, time.UTC)
	s := builtIn(t).NewScanner(now)
	var failures []rules.Failure
	for n, burst := range bursts {
		for i, line := range burst {
			if i == len(burst)-1 {
				line = counted(line, 100+n)
			}
			failures = s.Feed(failures, rules.Line{Text: []byte(line), Seen: now})
		}
		failures = s.Settle(failures, now.Add(10*time.Millisecond))
		now = now.Add(310 * time.Millisecond)
	}
	failures = s.Settle(failures, now.Add(10*time.Second))
	return told(failures), s.Stats()
}

// odooFailed is a failed login in Odoo's log: two records.
func odooFailed(login string) []string {
	return strings.Split(failedHead+login+" from 203.0.113.7 \n"+loginEnd, "\n")
}

// failedLater is odooFailed, a fifth of a second later: one process does one thing at a time.
func failedLater(login string) []string {
	lines := odooFailed(login)
	for i := range lines {
		lines[i] = strings.Replace(lines[i], "10:45:45,4", "10:45:45,6", 1)
	}
	return lines
}

// TestWhoseLog holds that Odoo's log and Traefik's are told apart, whatever somebody
// writes into one that looks like the other.
func TestWhoseLog(t *testing.T) {
	const login, odoo = "traefik-login 203.0.113.50", "odoo-login 203.0.113.7"
	victim := common("203.0.113.50", "8.8.8.8")
	victimJSON := inJSON("203.0.113.50", "8.8.8.8")
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
		{"Traefik's own words before", [][]string{{own, inJSON()}, {own, inJSON()}}, []string{login, login}, 0},
		{"one burst only", [][]string{{common(), common()}}, nil, 0},
		{"Odoo's", [][]string{odooFailed("a"), odooFailed("b")}, []string{odoo, odoo}, 0},
		{"a login with Traefik's lines", [][]string{odooFailed("a"), failedLater("x\n" + victim + "\n" + victimJSON + "\ny")}, []string{odoo, odoo}, 0},
		{"read from the middle of a login", [][]string{{victim, victimJSON, "y from 203.0.113.7 ", loginEnd}, odooFailed("b"), {victim}}, []string{odoo}, 1},
		{"a user's name with Traefik's lines", [][]string{
			{common()}, {common()}, asked("x\n" + victim + "\n" + victim + "\n8.8.8.8 - -"), {common()},
		}, []string{login, login, login}, 0},
		{"a user's name with Odoo's lines", [][]string{
			{common()}, {common()}, asked("x\n" + strings.Join(odooFailed("a"), "\n") + "\nx"), {common()},
		}, []string{login, login, login}, 0},
		{"Odoo's among Traefik's", [][]string{{inJSON()}, {inJSON()}, odooFailed("a"), {inJSON()}}, []string{login, login, login}, 1},
		{"a user's name with a line in JSON", [][]string{
			{common()}, {common()}, asked("x\n" + victimJSON + "\nx"), {common()},
		}, []string{login, login, login}, 0},
		{"a user's name with an object of Docker's", [][]string{
			{common()}, {common()}, asked("x\n" + `{"log":"` + strings.ReplaceAll(victim, `"`, `\"`) + `\n","stream":"stdout"}` + "\nx"), {common()},
		}, []string{login, login, login}, 0},
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
	var many, becameOdoos []string
	for i := range 200 {
		many = append(many, inJSON(":45:45", fmt.Sprintf(":45:%02d", i%60)))
	}
	for range 20000 {
		becameOdoos = append(becameOdoos, loginEnd)
	}
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
		mixed uint64
	}{
		{"one line", []string{common()}, []string{login}, 0},
		{"Odoo's", append(odooFailed("x\n"+victim+"\ny"), victim), []string{odoo}, 0},
		{"from the middle of a login", append([]string{victim}, odooFailed("b")...), []string{odoo}, 1},
		{"in containers", []string{`{"log":"` + strings.ReplaceAll(inJSON(), `"`, `\"`) + `\n","stream":"stdout","time":"2026-11-23T10:45:45.4Z"}`}, []string{login}, 0},
		{"of docker compose", []string{"traefik-1  | " + common()}, []string{login}, 0},
		{"Traefik's, and one of Odoo's", append(many[:20:20], odooFailed("b")...), repeated(login, 20), 0},
		{"Traefik's, and then Odoo's", append(append(many[:20:20], becameOdoos...), odooFailed("b")...), append(repeated(login, 20), odoo), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := []byte(strings.Join(tt.lines, "\n") + "\n")
			failures, stats := replay(builtIn(t), log)
			if diff := cmp.Diff(tt.want, told(failures)); diff != "" || stats.Mixed != tt.mixed {
				t.Errorf("mixed %d, want %d; told (-want +got):\n%s", stats.Mixed, tt.mixed, diff)
			}
			failures, _ = skim(builtIn(t), log, blocks(3000))
			if diff := cmp.Diff(tt.want, told(failures)); diff != "" {
				t.Errorf("skimmed (-want +got):\n%s", diff)
			}
		})
	}
}

func repeated(text string, n int) (all []string) {
	for range n {
		all = append(all, text)
	}
	return all
}

// TestProxyRules holds by which rule each kind of failure counts.
func TestProxyRules(t *testing.T) {
	for _, tt := range []struct {
		name, from, to string
		want           []string
	}{
		{"a login", "", "", []string{"traefik-login"}},
		{"the manager", "POST /web/login", "GET /web/database/manager", []string{"traefik-database"}},
		{"the manager, behind a rule that asks for a login", "/web/login", "/web/database/manager", []string{"traefik-database", "traefik-login"}},
		{"too many", " 200 4821", " 429 17", []string{"traefik-ratelimit"}},
		{"a key", `/web/login HTTP/2.0" 200`, `/json/2/res.users/search HTTP/2.0" 401`, []string{"traefik-login"}},
		{"a new password", "/web/login", "/web/reset_password", []string{"traefik-login"}},
		{"a module", `/web/login HTTP/2.0" 200`, `/base_import_module/login_upload HTTP/2.0" 500`, []string{"traefik-login"}},
		{"a page", "POST /web/login", "GET /web/login", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			failures, _ := replay(builtIn(t), []byte(common(tt.from, tt.to)+"\n"))
			var got []string
			for _, f := range failures {
				got = append(got, f.Rule)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDistrust holds that the form shown again proves nothing while Odoo shows it to everybody.
func TestDistrust(t *testing.T) {
	s := builtIn(t).NewScanner(later)
	s.Distrust(later)
	s.Feed(nil, rules.Line{Text: []byte(inJSON())})
	if failures := s.Flush(nil); len(failures) > 0 || s.Stats().Rejected["cooldown-of-proxy"] != 1 {
		t.Errorf("%v, %+v", failures, s.Stats())
	}
}

// TestProxyGarbage holds that lines without a failure cost nothing.
func TestProxyGarbage(t *testing.T) {
	for name, line := range map[string]string{
		"common": common("POST /web/login", "GET /web/image/7"),
		"JSON":   inJSON(`"POST"`, `"GET"`),
		"Odoo's": loginEnd[:len(loginEnd)-len("200 - 5 0.001 0.020")] + "200 - 0 0.000 0.001",
	} {
		s := builtIn(t).NewScanner(later)
		text := rules.Line{Text: []byte(line)}
		for range 100 {
			s.Feed(nil, text)
		}
		if allocs := testing.AllocsPerRun(100, func() { s.Feed(nil, text) }); allocs > 1 {
			t.Errorf("%s: %v allocations a line", name, allocs)
		}
	}
}
