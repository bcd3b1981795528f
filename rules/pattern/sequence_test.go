package pattern

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const loginPattern = `^\S+ \S+ \d+ \w+ \S+ odoo\.addons\.base\.models\.res_users\S*: .* from (?P<addr>\S+) *$`

// patterns says which expressions are sequences.
var patterns = []struct {
	name, pattern string
	sequence      bool
}{
	{"a record", loginPattern, true},
	{"a class in the middle", `(?P<addr>[\d.]+) - - .* 200 `, true},
	{"bounds", `a{2,3}b?(a*)(a{0,2})$`, true},
	{"an address", `^bad (?P<addr>\S+)$`, true},
	{"what may be missing", `x?`, true},
	{"groups in groups", `(a(b+)) *`, true},
	{"any character", `^.[^a].`, true},
	{"line ends", `(?s)^a.b`, true},
	{"two groups", `\[(?P<time>[^]]+)\] "(?P<user>.*)" `, true},
	{"an end in the middle", `^a$b`, true},
	{"a begin in the middle", `a^b`, true},
	{"control characters", "a\tb\\x00", true},
	{"nothing", ``, false},
	{"alternatives", `(?:refused|denied) (?P<addr>\S+)`, false},
	{"any case", `(?i)bad (\S+)`, false},
	{"a group often", `(ab)+`, false},
	{"as few as possible", `a+?b`, false},
	{"a border of a word", `\bx`, false},
	{"beyond ASCII", `é\S+`, false},
}

func TestSequence(t *testing.T) {
	for _, tt := range patterns {
		t.Run(tt.name, func(t *testing.T) {
			e, err := compile(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(e.sequence) > 0; got != tt.sequence {
				t.Errorf("%s is a sequence: %t, want %t", tt.pattern, got, tt.sequence)
			}
		})
	}
}

// FuzzSequence holds sequences against regexp.
func FuzzSequence(f *testing.F) {
	for _, tt := range patterns {
		for _, line := range []string{
			"2026-11-23 10:45:24,131 7 INFO db odoo.addons.base.models.res_users: Login failed for x from y from 203.0.113.7 ",
			`203.0.113.7 - - [23/Nov/2026:10:45:24 +0100] "GET / 200 HTTP/1.1" 200 4`, "bad 203.0.113.7", "aaaaab abb é aaaa", "a\nb", "a\tb\x00", "",
		} {
			f.Add(tt.pattern, line)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, line string) {
		e, err := compile(pattern)
		if err != nil || len(pattern) > 1000 || len(line) > 1<<12 {
			return
		}
		want, got := e.FindStringSubmatchIndex(line), e.find(nil, []byte(line))
		if !slices.Equal(want, got) {
			t.Errorf("%q in %q: %v, want %v", pattern, line, got, want)
		}
	})
}

// TestTries holds that a line that takes many tries is left to regexp, which
// takes linear time, and that both find the same.
func TestTries(t *testing.T) {
	e, err := compile(`a*a*a*a*a*(b)$`)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{strings.Repeat("a", 1<<14), strings.Repeat("a", 1<<10) + "b", strings.Repeat("ab", 1<<12)} {
		trial := trial{line: []byte(line), edges: make([]int, 4), left: triesPerByte * len(line)}
		for start := 0; start < len(line) && trial.left > 0; start++ {
			trial.matches(e.sequence, start)
		}
		if trial.left < -2*len(line) {
			t.Errorf("%d more tries than allowed", -trial.left)
		}
		if diff := cmp.Diff(e.FindStringSubmatchIndex(line), e.find(nil, []byte(line))); diff != "" {
			t.Errorf("groups (-regexp +find):\n%s", diff)
		}
	}
}

// TestNoAllocation holds that lines cost no memory that a sequence does not match.
func TestNoAllocation(t *testing.T) {
	p, err := Compile(Rule{Pattern: loginPattern, Ignore: []string{`^monitor`}})
	if err != nil {
		t.Fatal(err)
	}
	line := bytes.Repeat([]byte("a line of another kind "), 20)
	var m Match
	if n := testing.AllocsPerRun(100, func() { p.Match(&m, line, time.Time{}, seen) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFind(b *testing.B) {
	e, err := compile(loginPattern)
	if err != nil {
		b.Fatal(err)
	}
	line := []byte("2026-11-23 10:45:24,131 28342 INFO db odoo.addons.base.models.res_users: Login failed for db:erp login:admin from 203.0.113.7")
	var some [16]int
	for name, find := range map[string]func() []int{
		"sequence": func() []int { return e.find(some[:0], line) },
		"regexp":   func() []int { return e.FindSubmatchIndex(line) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if find() == nil {
					b.Fatal("not found")
				}
			}
		})
	}
}
