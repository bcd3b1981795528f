package rules

import (
	"slices"
	"testing"
)

// patterns are rows, but for the last ones.
var rowPatterns = []string{
	`^\S+ \S+ \d+ \w+ \S+ odoo\.addons\.base\.models\.res_users\S*: .* from (?P<addr>\S+) *$`,
	`(?P<addr>[\d.]+) - - .* 200 `, `a{2,3}b?(a*)(a{0,2})$`, `^bad (?P<addr>\S+)$`, `x?`, `(a(b+)) *`, `^.[^a].`,
	`(?s)^a.b`, `\[(?P<time>[^]]+)\] "(?P<user>.*)" `, `^a$b`, `a^b`, `(?:refused|denied) (?P<addr>\S+)`, `(?i)bad (\S+)`,
	`(ab)+`, `a+?b`, `\bx`, `é\S+`,
}

// TestRow holds which patterns are rows.
func TestRow(t *testing.T) {
	for i, pattern := range rowPatterns {
		e, err := compileExpression(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if want := i < len(rowPatterns)-6; (len(e.row) > 0) != want {
			t.Errorf("%s is a row: %t, want %t", pattern, !want, want)
		}
	}
}

// FuzzRow holds a row against regexp.
func FuzzRow(f *testing.F) {
	for _, pattern := range rowPatterns {
		for _, line := range []string{
			"2026-11-23 10:45:24,131 7 INFO db odoo.addons.base.models.res_users: Login failed for x from y from 203.0.113.7 ",
			`203.0.113.7 - - [23/Nov/2026:10:45:24 +0100] "GET / 200 HTTP/1.1" 200 4`, "bad 203.0.113.7", "aaaaab abb é aaaa", "a\nb", "",
		} {
			f.Add(pattern, line)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, line string) {
		e, err := compileExpression(pattern)
		if err != nil || len(pattern) > 1000 || len(line) > 1<<12 {
			return
		}
		want, got := e.FindStringSubmatchIndex(line), e.find(nil, []byte(line))
		if !slices.Equal(want, got) {
			t.Errorf("%q in %q: %v, want %v", pattern, line, got, want)
		}
	})
}

func BenchmarkRow(b *testing.B) {
	e, err := compileExpression(rowPatterns[0])
	if err != nil {
		b.Fatal(err)
	}
	line := []byte("2026-11-23 10:45:24,131 28342 INFO db odoo.addons.base.models.res_users: Login failed for db:erp login:admin from 203.0.113.7")
	var some [16]int
	for _, way := range []struct {
		name string
		find func() []int
	}{{"row", func() []int { return e.find(some[:0], line) }}, {"regexp", func() []int { return e.FindSubmatchIndex(line) }}} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if way.find() == nil {
					b.Fatal("not found")
				}
			}
		})
	}
}
