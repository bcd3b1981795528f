package pattern

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var seen = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// told is a Match in words.
type told struct{ Addr, User, Time string }

// matched returns what a rule reads from a line, nil where it is no failure.
func matched(t *testing.T, r Rule, line string, recorded, ref time.Time) *told {
	t.Helper()
	p, err := Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	var m Match
	if !p.Match(&m, []byte(line), recorded, ref) {
		return nil
	}
	return &told{m.Addr.String(), string(m.User), m.Time.Format(time.RFC3339Nano)}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name string
		rule Rule
		line string
		want *told
	}{
		{
			"address alone",
			Rule{Pattern: `^bad (?P<addr>\S+)$`},
			"bad 203.0.113.7",
			&told{"203.0.113.7", "", "2026-11-24T08:00:00Z"},
		},
		{
			"user",
			Rule{Pattern: `^bad (?P<addr>\S+) (?P<user>.*)$`},
			"bad ::ffff:203.0.113.7 a b",
			&told{"203.0.113.7", "a b", "2026-11-24T08:00:00Z"},
		},
		{
			"long user",
			Rule{Pattern: `^bad (?P<addr>\S+) (?P<user>.*)$`},
			"bad 203.0.113.7 " + strings.Repeat("u", 1000),
			&told{"203.0.113.7", strings.Repeat("u", 256), "2026-11-24T08:00:00Z"},
		},
		{
			"a user that may be missing",
			Rule{Pattern: `^bad (?P<addr>\S+)(?: (?P<user>\w+))?$`},
			"bad 203.0.113.7",
			&told{"203.0.113.7", "", "2026-11-24T08:00:00Z"},
		},
		{
			"zone of an address",
			Rule{Pattern: `^bad (?P<addr>\S+)$`},
			"bad fe80::1%eth0",
			&told{"fe80::1", "", "2026-11-24T08:00:00Z"},
		},
		{
			"time group",
			Rule{Pattern: `^(?P<addr>\S+) - - \[(?P<time>[^]]+)\] .* 401$`},
			`203.0.113.7 - - [23/Nov/2026:10:45:24 +0100] "GET / HTTP/1.1" 401`,
			&told{"203.0.113.7", "", "2026-11-23T09:45:24Z"},
		},
		{
			"time before the line",
			Rule{Pattern: `bad (?P<addr>\S+)$`},
			"2026-11-23T10:45:24Z bad 203.0.113.7",
			&told{"203.0.113.7", "", "2026-11-23T10:45:24Z"},
		},
		{
			"time of two words",
			Rule{Pattern: `bad (?P<addr>\S+)$`},
			"2026-11-23 10:45:24,131 bad 203.0.113.7",
			&told{"203.0.113.7", "", "2026-11-23T10:45:24.131Z"},
		},
		{
			"time of syslog",
			Rule{Pattern: `sshd.*bad (?P<addr>\S+)$`},
			"Nov 23 10:45:24 erp sshd[1]: bad 203.0.113.7",
			&told{"203.0.113.7", "", "2026-11-23T10:45:24Z"},
		},
		{
			"a time that is none",
			Rule{Pattern: `^bad (?P<addr>\S+) (?P<time>.*)$`},
			"bad 203.0.113.7 soon",
			&told{"203.0.113.7", "", "2026-11-24T08:00:00Z"},
		},
		{
			"beyond ASCII",
			Rule{Pattern: `^(?P<user>\S+): bad (?P<addr>\S+)$`},
			"zoé: bad 203.0.113.7",
			&told{"203.0.113.7", "zoé", "2026-11-24T08:00:00Z"},
		},
		{"ignored", Rule{Pattern: `^bad (?P<addr>\S+)`, Ignore: []string{`monitor`, `probe`}}, "bad 203.0.113.7 probe", nil},
		{"no address", Rule{Pattern: `^bad (?P<addr>\S+)`}, "bad company", nil},
		{"no match", Rule{Pattern: `^bad (?P<addr>\S+)`}, "good 203.0.113.7", nil},
		{"nothing", Rule{Pattern: `^bad (?P<addr>\S*)`}, "bad ", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, matched(t, tt.rule, tt.line, time.Time{}, seen)); diff != "" {
				t.Errorf("match (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTimes holds which of the times is taken that there are.
func TestTimes(t *testing.T) {
	recorded := time.Date(2026, 11, 23, 10, 45, 24, 131e6, time.UTC)
	tests := []struct {
		name, line    string
		recorded, ref time.Time
		want          string
	}{
		{"the group's first", "2026-01-01 01:00:00 bad 203.0.113.7 at=2026-11-20T10:00:00Z", recorded, seen, "2026-11-20T10:00:00Z"},
		{"the header's", "2026-01-01 01:00:00 bad 203.0.113.7 at=?", recorded, seen, "2026-11-23T10:45:24.131Z"},
		{"the line's", "2026-01-01 01:00:00 bad 203.0.113.7 at=?", time.Time{}, seen, "2026-01-01T01:00:00Z"},
		{"when it was seen", "bad 203.0.113.7 at=?", time.Time{}, seen.In(time.FixedZone("", 3600)), "2026-11-24T08:00:00Z"},
		{"none", "bad 203.0.113.7 at=?", time.Time{}, time.Time{}, "0001-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := matched(t, Rule{Pattern: `bad (?P<addr>\S+) at=(?P<time>\S+)`}, tt.line, tt.recorded, tt.ref)
			if diff := cmp.Diff(&told{"203.0.113.7", "", tt.want}, got); diff != "" {
				t.Errorf("match (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMistakes holds that an error names the rule and the cure.
func TestMistakes(t *testing.T) {
	tests := []struct {
		name string
		rule Rule
		want string
	}{
		{"no address", Rule{Name: "a", Pattern: `bad`}, `rule "a": pattern names no address; put (?P<addr>\S+) where it stands`},
		{"bad pattern", Rule{Name: "a", Pattern: `(`}, `rule "a": compile pattern: `},
		{"bad ignore", Rule{Name: "a", Pattern: `(?P<addr>.)`, Ignore: []string{`(`}}, `rule "a": compile ignore pattern: `},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := Compile(tt.rule); p != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("pattern %v, error %v, want %q", p, err, tt.want)
			}
		})
	}
}

// TestLiterals holds for which rules lines can be searched.
func TestLiterals(t *testing.T) {
	tests := []struct {
		name, pattern string
		want          []string
	}{
		{"text", `^\S+ failed for (?P<addr>\S+)$`, []string{" failed for "}},
		{"none", `(?i)failed for (?P<addr>\S+)$`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Compile(Rule{Name: "mine", Pattern: tt.pattern})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p.Literals()); diff != "" || p.Name() != "mine" {
				t.Errorf("literals of %s (-want +got):\n%s", p.Name(), diff)
			}
		})
	}
}

// FuzzMatch holds that no line, of whatever bytes, gives more than a Match may hold.
func FuzzMatch(f *testing.F) {
	p, err := Compile(Rule{Pattern: `bad (?P<addr>\S+)(?: (?P<user>.*?))?(?: at (?P<time>.+))?$`, Ignore: []string{`^monitor`}})
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range []string{
		"bad 203.0.113.7", "bad 2001:db8::1 zoé at 2026-11-23 10:45:24,131", "bad ::ffff:203.0.113.7 x at Nov 23 10:45:24",
		"Feb 29 10:45:24 bad fe80::1%eth0 \xff", "bad 1.2.3.4 at 9999999999", "monitor bad 1.2.3.4", "2026-02-30 bad 1.2.3.4",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var m Match
		if !p.Match(&m, line, time.Time{}, seen) {
			return
		}
		if !m.Addr.IsValid() || m.Addr.Zone() != "" || m.Addr.Is4In6() || len(m.User) > longestUser || m.Time.Location() != time.UTC {
			t.Errorf("%q gives %+v", line, m)
		}
	})
}
