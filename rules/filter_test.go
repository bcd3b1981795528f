package rules

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestRequired(t *testing.T) {
	tests := []struct {
		name, pattern string
		want          []string
	}{
		{"the longest", `^\S+ failed for (?P<addr>\S+) by a password$`, []string{" by a password"}},
		{"in a group", `(?P<addr>\S+) (denied)+`, []string{"denied"}},
		{"what may be missing", `(denied)? (?P<addr>\S+)(refused)*`, nil},
		{"repeated", `(?:abcd){2,3}(?P<addr>\S+)`, []string{"abcd"}},
		{"alternatives", `(?:refused|Denied) (?P<addr>\S+)`, []string{"refused", "Denied"}},
		{"an alternative without", `(?:refused|\d+) (?P<addr>\S+)`, nil},
		{"factored", `login (?:fail|fault) (?P<addr>\S+)`, []string{"login "}},
		{"any case", `(?i)failed (?P<addr>\S+)`, nil},
		{"partly any case", `(?i:failed) from (?P<addr>\S+)`, []string{" from "}},
		{"too short", `a(?P<addr>\S+)b`, nil},
		{"beyond ASCII", `échec de connexion (?P<addr>\S+)`, []string{"chec de connexion "}},
		{"matches broken UTF-8", `abc` + "\uFFFD" + `defg(?P<addr>\S+)`, []string{"defg"}},
		{"Odoo's", `odoo\.addons\.base\.(?:res|models)\.res_users: .* from (?P<addr>\S+) ?$`, []string{"odoo.addons.base."}},
		{"no pattern", `(`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := gocmp.Diff(tt.want, required(tt.pattern)); diff != "" {
				t.Errorf("required literals (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzFinder holds both ways of searching against each other, and their counts
// of lines.
func FuzzFinder(f *testing.F) {
	f.Add([]byte("2026 INFO db odoo.addons.base.models.res_users: Login failed from 1.2.3.4 \n"), "res_users| from |Login", uint8(1))
	f.Add([]byte(strings.Repeat("abcabcd", 40)), "abc|bca|cabcd|abcabcdabcabcd", uint8(33))
	f.Add([]byte(strings.Repeat("\nPOST /%77eb/login\n POST \xc3\xa4%6", 20)), "%|POST /|/login|\n P", uint8(5))
	f.Fuzz(func(t *testing.T, text []byte, list string, skip uint8) {
		var needles []needle
		for i, s := range strings.Split(list, "|") {
			n := needle{text: []byte(s), rules: userBit(i), posted: i%5 == 4, escape: s == "%"}
			if (len(s) >= shortestLiteral || n.escape) && longestASCII([]rune(s)) == s && len(needles) < finderSize {
				needles = append(needles, n)
			}
		}
		if len(needles) == 0 {
			return
		}
		text = text[min(int(skip), len(text)):]
		filter := newFilter(needles, 0)
		byPlace := func(a, b hit) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rules, b.rules)) }
		fast, lines := filter.hits(nil, text)
		slices.SortFunc(fast, byPlace)
		slow := pieces(filter.finders[0].hitsInTurn(nil, text), text)
		slices.SortFunc(slow, byPlace)
		if counted := number(slow, text); !slices.Equal(slow, fast) || counted != lines {
			t.Errorf("in turn %v in %d lines, at once %v in %d", slow, counted, fast, lines)
		}
		if (filter.line(text) != 0) != (len(slow) > 0) {
			t.Errorf("a line with %d is taken for one with %b", len(slow), filter.line(text))
		}
	})
}

// Search must name each line once, in order, with where it begins.
func TestSearch(t *testing.T) {
	set, err := Compile(nil, []UserRule{
		{Name: "a", Pattern: `alpha (?P<addr>\S+)`}, {Name: "b", Pattern: `beta (?P<addr>\S+)`},
	})
	if err != nil {
		t.Fatal(err)
	}
	filler := strings.Repeat("nothing to see here, but for what stands beside it\n", 40)
	block := []byte("alpha beta alpha \n" + filler + "  beta \n\nalpha \n" + filler + "beta " + "\n")
	want := []mark{
		{0, 0, userBit(0) | userBit(1)},
		{18 + len(filler), 41, userBit(1)},
		{18 + len(filler) + 9, 43, userBit(0)},
		{18 + 2*len(filler) + 16, 84, userBit(1)},
	}
	found := set.Search(nil, block)
	found = set.Search(found, block)
	if diff := gocmp.Diff(want, found.marks, gocmp.AllowUnexported(mark{})); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	if found.lines != uint64(bytes.Count(block, newline)) {
		t.Errorf("%d lines", found.lines)
	}
}

// A rule beyond those that have a bit of their own still matches.
func TestManyRules(t *testing.T) {
	var user []UserRule
	for i := range 100 {
		user = append(user, UserRule{Name: "r", Pattern: "rule" + strings.Repeat("x", i+1) + ` (?P<addr>\S+)`})
	}
	set, err := Compile(BuiltIn(), user)
	if err != nil {
		t.Fatal(err)
	}
	for i := range user {
		block := []byte("rule" + strings.Repeat("x", i+1) + " 10.0.0.1\n")
		s := set.NewScanner(fuzzRef)
		failures := s.Skim(nil, block, Place{}, set.Search(nil, block))
		if len(failures) != 1 || !slices.Equal(failures, set.NewScanner(fuzzRef).Feed(nil, Line{Text: block[:len(block)-1]})) {
			t.Errorf("rule %d: %v", i, failures)
		}
	}
}
