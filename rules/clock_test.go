package rules_test

import (
	"testing"
	"time"

	"odooban/rules"
)

// TestYearless holds that times without a year are of the day on which they are read,
// however long ago the Scanner began.
func TestYearless(t *testing.T) {
	began := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	const record = "Mar  5 10:45:24 erp Odoo Server 18.0:db:INFO:odoo.addons.base.models.res_users:Login failed for db:db login:x from 203.0.113.7 "
	scanner := builtIn(t).NewScanner(began)
	now := time.Date(2027, 3, 5, 10, 45, 24, 5e8, time.UTC)
	failures := scanner.Feed(nil, rules.Line{Text: []byte(record), Seen: now})
	failures = scanner.Flush(scanner.Settle(failures, now.Add(time.Second)))
	if want := now.Truncate(time.Second); len(failures) != 1 || !failures[0].Time.Equal(want) {
		t.Errorf("told %v, want one of %v", failures, want)
	}
}
