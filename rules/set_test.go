package rules_test

import (
	"bytes"
	"fmt"
	"slices"
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
			rules.UserRule{Pattern: `^\S+ bad (?P<addr>\S+)$`},
			"2026-11-23T10:45:24Z bad 203.0.113.7",
			[]told{{"203.0.113.7", "", "2026-11-23T10:45:24Z"}},
		},
		{
			"all of a line of syslog",
			rules.UserRule{Pattern: `sshd.*bad (?P<addr>\S+)$`},
			"Nov 23 10:45:24 erp sshd[1]: bad 203.0.113.7",
			[]told{{"203.0.113.7", "", "2026-11-23T10:45:24Z"}},
		},
		{
			"the text in an object of Docker's",
			rules.UserRule{Pattern: `^bad "(?P<addr>\S+)"$`},
			`{"log":"bad \"203.0.113.7\"\n","stream":"stderr","time":"2026-11-23T10:45:24.5Z"}`,
			[]told{{"203.0.113.7", "", "2026-11-23T10:45:24.5Z"}},
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
			live := set.NewScanner(seen).Feed(nil, rules.Line{Text: []byte(tt.line), Seen: seen})
			block := []byte(tt.line + "\n")
			skimmed := set.NewScanner(seen).Skim(nil, block, rules.Place{}, set.Search(nil, block))
			for _, failures := range [][]rules.Failure{live, skimmed} {
				var got []told
				for _, f := range failures {
					got = append(got, told{f.Addr.String(), f.User, f.Time.Format(time.RFC3339Nano)})
					if f.Rule != "mine" {
						t.Errorf("rule %q", f.Rule)
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestUserRuleInContainers holds that a rule reads what a program wrote, in a saved log of
// several containers as well.
func TestUserRuleInContainers(t *testing.T) {
	set, err := rules.Compile(rules.BuiltIn(), []rules.UserRule{{Name: "mine", Pattern: `^2026\S+ \S+ \d+ INFO db my.portal: denied (?P<addr>\S+)$`}})
	if err != nil {
		t.Fatal(err)
	}
	log := "odoo-1  | 2026-11-23 10:45:24,131 7 INFO db odoo.http: hello\nodoo-1  | 2026-11-23 10:45:24,132 7 INFO db my.portal: denied 203.0.113.7\n"
	failures, _ := replay(set, []byte(log))
	if diff := cmp.Diff([]string{"mine 203.0.113.7"}, told(failures)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestManyRules holds that a rule beyond those that have a bit of their own still matches.
func TestManyRules(t *testing.T) {
	var user []rules.UserRule
	for i := range 100 {
		user = append(user, rules.UserRule{Name: "r", Pattern: "rule" + strings.Repeat("x", i+1) + ` (?P<addr>\S+)`})
	}
	set, err := rules.Compile(rules.BuiltIn(), user)
	if err != nil {
		t.Fatal(err)
	}
	for i := range user {
		block := fmt.Appendf(nil, "rule%s 10.0.0.1\n", strings.Repeat("x", i+1))
		failures := set.NewScanner(later).Skim(nil, block, rules.Place{}, set.Search(nil, block))
		fed := set.NewScanner(later).Feed(nil, rules.Line{Text: bytes.TrimSpace(block)})
		if len(failures) != 1 || !slices.Equal(failures, fed) {
			t.Errorf("rule %d: %v, fed %v", i, failures, fed)
		}
	}
}

// TestSlowRules holds that a rule without a literal sees every line of history, and is told.
func TestSlowRules(t *testing.T) {
	set, err := rules.Compile(rules.BuiltIn(), []rules.UserRule{{Name: "slow", Pattern: `^(?P<addr>\d\S+)$`}, {Name: "fast", Pattern: `denied (?P<addr>\S+)$`}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"slow"}, set.Slow()); diff != "" {
		t.Error(diff)
	}
	failures, _ := skim(set, []byte("203.0.113.7\ntext\n203.0.113.8\n"), blocks(1000))
	if diff := cmp.Diff([]string{"slow 203.0.113.7", "slow 203.0.113.8"}, told(failures)); diff != "" {
		t.Error(diff)
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

const (
	loginHead  = "2026-11-23 10:45:45,456 7 INFO db odoo.addons.base.models.res_users: "
	loginEnd   = `2026-11-23 10:45:45,460 7 INFO db werkzeug: 203.0.113.7 - - [23/Nov/2026 10:45:45] "POST /web/login HTTP/1.1" 200 - 5 0.001 0.020`
	failedHead = loginHead + "Login failed for login:"
)

// TestUnknown holds when the format is said to have changed: for a line about logins that
// says nothing known, but not for Odoo's other messages.
func TestUnknown(t *testing.T) {
	for line, want := range map[string]uint64{
		loginHead + "Login refused for login:admin from 203.0.113.7":                            1,
		loginHead + "Login failed for user admin":                                               1,
		loginHead + "Login failed for login:admin from 203.0.113.7 ":                            0,
		loginHead + "Login successful for login:admin from 203.0.113.7 ":                        0,
		loginHead + "Password of user #2 changed":                                               0,
		loginHead + "The rate-limited IP address 10.0.0.1 is classified as private and *might*": 0,
	} {
		if _, stats := replay(builtIn(t), []byte(line+"\n")); stats.Unknown != want {
			t.Errorf("%q: unknown %d, want %d", line, stats.Unknown, want)
		}
	}
}

// TestDisabled holds that what no rule looks for is neither counted nor missed: here a
// login over RPC of which nothing tells the address, and a request of Traefik's that is forged.
func TestDisabled(t *testing.T) {
	set, err := rules.Compile([]string{rules.ResetRule, rules.ProxyLimit}, nil)
	if err != nil {
		t.Fatal(err)
	}
	failures, stats := replay(set, []byte(failedHead+"a from n/a \n"+failedHead+"b from 203.0.113.7 \n"+loginEnd+"\n"))
	if len(failures) > 0 || stats.Unattributed > 0 || len(stats.Rejected) > 0 {
		t.Errorf("failures %v, stats %+v", failures, stats)
	}
	failures, stats = replay(set, []byte(common("203.0.113.50", "localhost")+"\n"))
	if len(failures) > 0 || stats.Doubtful > 0 || len(stats.Rejected) > 0 {
		t.Errorf("failures %v, stats %+v", failures, stats)
	}
}

// TestReasons holds that each reason is told once, with a title and a cure.
func TestReasons(t *testing.T) {
	known := make(map[rules.Reason]bool)
	for _, r := range rules.Reasons() {
		if known[r.Reason] || r.Title == "" || r.Cure == "" || strings.ToLower(string(r.Reason)) != string(r.Reason) {
			t.Errorf("%+v", r)
		}
		known[r.Reason] = true
	}
	for name, log := range captures(t) {
		_, stats := replay(builtIn(t), log)
		for why := range stats.Rejected {
			if !known[why] {
				t.Errorf("%s: reason %q is not explained", name, why)
			}
		}
	}
}

// TestRejected holds that rejections are kept until they are asked for, and not without bound.
func TestRejected(t *testing.T) {
	const most, lines = 1024, 3000
	s := builtIn(t).NewScanner(later)
	for i := range lines {
		s.Feed(nil, rules.Line{Text: []byte(common("203.0.113.50", "localhost")), Place: rules.Place{Generation: "g", Offset: int64(i)}})
	}
	s.Flush(nil)
	kept := s.Rejected()
	if len(kept) != most || kept[1].Rule != rules.ProxyLogin || kept[1].Reason != "no-client-address" || kept[1].Place.Generation != "g" {
		t.Errorf("%d kept, the second %+v", len(kept), kept[1])
	}
	if stats := s.Stats(); len(s.Rejected()) > 0 || stats.Doubtful != lines || stats.Rejected["no-client-address"] != lines {
		t.Errorf("stats %+v", stats)
	}
}
