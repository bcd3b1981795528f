package main

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/config"
	"odooban/rules"
)

// TestEveryRuleHasAJail holds that the rules there are and those that the
// configuration knows are the same, in the same order.
func TestEveryRuleHasAJail(t *testing.T) {
	var jails []string
	for _, j := range config.Default().Jails {
		jails = append(jails, j.Rule)
	}
	if diff := cmp.Diff(rules.BuiltIn(), jails); diff != "" {
		t.Errorf("jails (-rules +jails):\n%s", diff)
	}
}

// TestExisting holds that a configuration which cannot be looked at is not taken
// for none.
func TestExisting(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name, path, want string
	}{
		{"there", dir, dir},
		{"not there", filepath.Join(dir, "odooban.yaml"), ""},
		{"not to be looked at", "/dev/null/odooban.yaml", "/dev/null/odooban.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := existing(tt.path); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
