package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"odooban/rules"
)

// TestScannerKeepsNoText feeds all lines out of one buffer, as a watcher may:
// each overwrites the one before. They come at once, so that none is decided
// before the last has come.
func TestScannerKeepsNoText(t *testing.T) {
	set, err := rules.Compile(rules.BuiltIn(), nil)
	if err != nil {
		t.Fatal(err)
	}
	const attempts = 40
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	buffer := make([]byte, 512)
	s := set.NewScanner(at)
	var failures []rules.Failure
	feed := func(format string, args ...any) {
		line := at.Format("2006-01-02 15:04:05,000") + fmt.Sprintf(format, args...)
		n := copy(buffer, line)
		failures = s.Feed(failures, rules.Line{Text: buffer[:n], Seen: at})
		copy(buffer, strings.Repeat("x", len(buffer)))
	}
	for i := range attempts {
		at = at.Add(5 * time.Millisecond)
		feed(" %d INFO db odoo.addons.base.models.res_users: Login failed for login:a from 10.0.0.%d ", 400+i%8, i)
		feed(` %d INFO db werkzeug: 10.0.0.%d - - [23/Nov/2026 10:00:00] "POST /web/login HTTP/1.1" 200 - 5 0.001 0.003`,
			400+i%8, i)
	}
	failures = s.Settle(failures, at.Add(10*time.Millisecond))
	if len(failures) != attempts {
		t.Errorf("%d failures of %d", len(failures), attempts)
	}
}
