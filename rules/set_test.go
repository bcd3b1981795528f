package rules_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// TestUserRules holds what rules of users' own read.
func TestUserRules(t *testing.T) {
	type told struct{ Addr, User, Time string }
	seen := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		rule rules.UserRule
		line string
		want []told
	}{
		{
			"address alone",
			rules.UserRule{Pattern: `^bad (?P<addr>\S+)$`},
			"bad 203.0.113.7",
			[]told{{"203.0.113.7", "", "2026-11-24T08:00:00Z"}},
		},
		{
			"user",
			rules.UserRule{Pattern: `^bad (?P<addr>\S+) (?P<user>.*)$`},
			"bad ::ffff:203.0.113.7 a b",
			[]told{{"203.0.113.7", "a b", "2026-11-24T08:00:00Z"}},
		},
		{
			"time group",
			rules.UserRule{Pattern: `^(?P<addr>\S+) - - \[(?P<time>[^]]+)\] .* 401$`},
			`203.0.113.7 - - [23/Nov/2026:10:45:24 +0100] "GET / HTTP/1.1" 401`,
			[]told{{"203.0.113.7", "", "2026-11-23T09:45:24Z"}},
		},
		{
			"time before the line",
			rules.UserRule{Pattern: `bad (?P<addr>\S+)$`},
			"2026-11-23T10:45:24Z bad 203.0.113.7",
			[]told{{"203.0.113.7", "", "2026-11-23T10:45:24Z"}},
		},
		{
			"time of syslog",
			rules.UserRule{Pattern: `sshd.*bad (?P<addr>\S+)$`},
			"Nov 23 10:45:24 erp sshd[1]: bad 203.0.113.7",
			[]told{{"203.0.113.7", "", "2026-11-23T10:45:24Z"}},
		},
		{
			"time of Odoo's header",
			rules.UserRule{Pattern: `odoo.http: bad key from (?P<addr>\S+)`},
			"2026-11-23 10:45:24,131 7 INFO db odoo.http: bad key from 203.0.113.7",
			[]told{{"203.0.113.7", "", "2026-11-23T10:45:24.131Z"}},
		},
		{
			"a time that is none",
			rules.UserRule{Pattern: `^bad (?P<addr>\S+) (?P<time>.*)$`},
			"bad 203.0.113.7 soon",
			[]told{{"203.0.113.7", "", "2026-11-24T08:00:00Z"}},
		},
		{"ignored", rules.UserRule{Pattern: `^bad (?P<addr>\S+)`, Ignore: []string{`monitor`, `probe`}}, "bad 203.0.113.7 probe", nil},
		{"no address", rules.UserRule{Pattern: `^bad (?P<addr>\S+)`}, "bad company", nil},
		{"no match", rules.UserRule{Pattern: `^bad (?P<addr>\S+)`}, "good 203.0.113.7", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.rule.Name = "mine"
			set, err := rules.Compile(nil, []rules.UserRule{tt.rule})
			if err != nil {
				t.Fatal(err)
			}
			var got []told
			for _, f := range set.NewScanner(seen).Feed(nil, rules.Line{Text: []byte(tt.line), Seen: seen}) {
				got = append(got, told{f.Addr.String(), f.User, f.Time.Format(time.RFC3339Nano)})
				if f.Rule != "mine" {
					t.Errorf("rule %q", f.Rule)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestCompileMistakes holds that an error names the rule and the cure.
func TestCompileMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		builtin []string
		user    rules.UserRule
		want    string
	}{
		"no such rule": {
			[]string{"odo-login"},
			rules.UserRule{Name: "a", Pattern: `(?P<addr>.)`},
			`rule "odo-login" is not built in; there are`,
		},
		"no address":  {nil, rules.UserRule{Name: "a", Pattern: `bad`}, `rule "a": pattern names no address; put (?P<addr>\S+) where it stands`},
		"bad pattern": {nil, rules.UserRule{Name: "a", Pattern: `(`}, `rule "a": compile pattern: `},
		"bad ignore":  {nil, rules.UserRule{Name: "a", Pattern: `(?P<addr>.)`, Ignore: []string{`(`}}, `rule "a": compile ignore pattern: `},
	} {
		_, err := rules.Compile(tt.builtin, []rules.UserRule{tt.user})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

// TestUnknown holds when the format is said to have changed: for a line about
// logins that says nothing known, but not for what a login holds, nor for
// Odoo's other messages.
func TestUnknown(t *testing.T) {
	const head = "2026-11-23 10:45:45,456 7 INFO db odoo.addons.base.models.res_users: "
	for line, want := range map[string]uint64{
		head + "Login refused for login:admin from 203.0.113.7":                            1,
		head + "Login failed for user admin":                                               1,
		head + "Login failed for login:admin from 203.0.113.7 ":                            0,
		head + "Login successful for login:admin from 203.0.113.7 ":                        0,
		head + "Password of user #2 changed":                                               0,
		head + "The rate-limited IP address 10.0.0.1 is classified as private and *might*": 0,
	} {
		_, stats := replay(builtIn(t), []byte(line+"\n"))
		if stats.Unknown != want {
			t.Errorf("%q: unknown %d, want %d", line, stats.Unknown, want)
		}
	}
	forged := head + "Login failed for login:x\n" + head + "Login refused for y from 203.0.113.7 \n" +
		"2026-11-23 10:45:45,460 7 INFO db werkzeug: 203.0.113.7 - - [23/Nov/2026 10:45:45] \"POST /web/login HTTP/1.1\" 200 - 5 0.001 0.020\n"
	failures, stats := replay(builtIn(t), []byte(forged))
	if stats.Unknown != 0 || len(failures) > 1 {
		t.Errorf("a forged line: unknown %d, failures %v", stats.Unknown, failures)
	}
}
