package main

import (
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
