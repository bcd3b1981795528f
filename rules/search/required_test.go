package search

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var requiredTests = []struct {
	name, pattern string
	want          []string
}{
	{"the longest", `^\S+ failed for (?P<addr>\S+) by a password$`, []string{" by a password"}},
	{"in a group", `(?P<addr>\S+) (denied)+`, []string{"denied"}},
	{"what may be missing", `(denied)? (?P<addr>\S+)(refused)*`, nil},
	{"repeated", `(?:abcd){2,3}(?P<addr>\S+)`, []string{"abcd"}},
	{"repeated or not", `(?:abcd){0,3}(?P<addr>\S+)`, nil},
	{"never", `(?:abcd){0}(?P<addr>\S+)`, nil},
	{"alternatives", `(?:refused|Denied) (?P<addr>\S+)`, []string{"refused", "Denied"}},
	{"an alternative without", `(?:refused|\d+) (?P<addr>\S+)`, nil},
	{"too many alternatives", `(?:abc|bcd|cde|def|efg|fgh|ghi|hij|ijk)`, nil},
	{"factored", `login (?:fail|fault) (?P<addr>\S+)`, []string{"login "}},
	{"any case", `(?i)failed (?P<addr>\S+)`, nil},
	{"partly any case", `(?i:failed) from (?P<addr>\S+)`, []string{" from "}},
	{"too short", `a(?P<addr>\S+)b`, nil},
	{"beyond ASCII", `échec de connexion (?P<addr>\S+)`, []string{"chec de connexion "}},
	{"matches broken UTF-8", `abc` + "\uFFFD" + `defg(?P<addr>\S+)`, []string{"defg"}},
	{"Odoo's", `odoo\.addons\.base\.(?:res|models)\.res_users: .* from (?P<addr>\S+) ?$`, []string{"odoo.addons.base."}},
	{"no pattern", `(`, nil},
}

func TestRequired(t *testing.T) {
	for _, tt := range requiredTests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := gocmp.Diff(tt.want, Required(tt.pattern)); diff != "" {
				t.Errorf("required literals (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzRequired holds that a text without any of the literals does not match.
func FuzzRequired(f *testing.F) {
	for _, tt := range requiredTests {
		f.Add(tt.pattern, "10.0.0.1 failed for 10.0.0.1 by a password")
		f.Add(tt.pattern, "abcdabcd refused from denied login fault")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		re, err := regexp.Compile(pattern)
		if err != nil || len(pattern) > 1000 {
			return
		}
		literals := Required(pattern)
		stands := func(l string) bool { return strings.Contains(text, l) }
		if literals != nil && re.MatchString(text) && !slices.ContainsFunc(literals, stands) {
			t.Errorf("%q matches %q, which holds none of %q", pattern, text, literals)
		}
	})
}
