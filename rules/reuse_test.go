package rules_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// TestNothingRefersToSpares holds that what is used again is not asked about any
// more: whatever is written into it changes nothing.
func TestNothingRefersToSpares(t *testing.T) {
	set := builtIn(t)
	for _, workers := range []int{0, 4} {
		for seed := range uint64(12) {
			s := newSite(seed, []int{8, 12, 19}[seed%3], workers)
			s.run(forging([]skill{blind, informed, perfect}[seed/4]))
			for _, live := range []int{0, len(s.log()) / 2, len(s.log())} {
				want, wantStats := poisoned(set, s, live, func(*rules.Scanner) {})
				for kind := range 3 {
					got, stats := poisoned(set, s, live, func(s *rules.Scanner) { s.Poison(kind) })
					same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
					if diff := cmp.Diff(want, got, same) + cmp.Diff(wantStats, stats, same); diff != "" {
						t.Errorf("%d workers, seed %d, %d records live, poison %d (-want +got):\n%.1000s", workers, seed, live, kind, diff)
					}
				}
			}
		}
	}
}

// poisoned feeds a log, the last so many records live, and calls poison behind each.
// Between the records stands much that is none, so that some are decided.
func poisoned(set *rules.Set, s *site, live int, poison func(*rules.Scanner)) ([]rules.Failure, rules.Stats) {
	scanner := set.NewScanner(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	var failures []rules.Failure
	log := s.log()
	for i, w := range log {
		seen := time.Time{}
		if i >= len(log)-live {
			seen = w.at.Add(time.Millisecond)
		}
		for line := range bytes.Lines([]byte(w.text)) {
			failures = scanner.Feed(failures, rules.Line{Text: bytes.TrimRight(line, "\r\n"), Seen: seen, Size: 20 << 10})
			poison(scanner)
		}
		if !seen.IsZero() && i%3 == 0 {
			failures = scanner.Settle(failures, seen)
			poison(scanner)
		}
	}
	return scanner.Flush(failures), scanner.Stats()
}
