package rules_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"odooban/rules"
)

// lines is the log of a crowd, line by line.
func lines(c crowd) [][]byte {
	s := newSite(1, 19, 4)
	s.run(c)
	var lines [][]byte
	for _, w := range s.log() {
		for line := range bytes.Lines([]byte(w.text)) {
			lines = append(lines, bytes.TrimRight(line, "\r\n"))
		}
	}
	return lines
}

func BenchmarkScanner(b *testing.B) {
	quiet := bytes.Repeat([]byte("2026-11-23 10:45:25,770 28281 INFO openspp odoo.modules.loading: 1 modules loaded in 0.02s\n"), 1000)
	for _, bb := range []struct {
		name  string
		lines [][]byte
		live  bool
	}{
		{"quiet", bytes.Split(quiet, []byte("\n")), false},
		{"visited", lines(crowd{visits: 3000, span: 300 * time.Second}), false},
		{"attacked", lines(crowd{visits: 3000, span: 300 * time.Second, attackers: 6}), false},
		{"forged", lines(crowd{visits: 3000, span: 300 * time.Second, attackers: 6, forgers: 3, skill: informed}), false},
		{"live", lines(crowd{visits: 3000, span: 300 * time.Second, attackers: 6}), true},
	} {
		b.Run(bb.name, func(b *testing.B) {
			set, err := rules.Compile(rules.BuiltIn(), nil)
			if err != nil {
				b.Fatal(err)
			}
			var failures []rules.Failure
			size, n := 0, 0
			var now time.Time
			b.ReportAllocs()
			for b.Loop() {
				scanner := set.NewScanner(time.Time{})
				for _, line := range bb.lines {
					if bb.live {
						now = time.Unix(1_800_000_000, int64(n)*int64(20*time.Millisecond))
					}
					failures = scanner.Feed(failures[:0], rules.Line{Text: line, Seen: now})
					if bb.live {
						failures = scanner.Settle(failures[:0], now)
					}
					size += len(line) + 1
					n++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/line")
			b.ReportMetric(float64(size)/b.Elapsed().Seconds()/1e6, "MB/s")
		})
	}
}

// TestFlood holds that a login full of forged lines of one moment, which may
// all belong together, takes no more than a moment itself: without bounds this
// took minutes.
func TestFlood(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var log bytes.Buffer
	for i := range 6000 {
		victim := victims[i%len(victims)]
		fmt.Fprintf(&log, "%sLogin failed for login:x from %s \n", header(at, 1+i%3, "INFO", "db", "odoo.addons.base.models.res_users"), victim)
		fmt.Fprintf(&log, "%s%s 5 0.100 0.200\n", header(at, 1+i%3, "INFO", "db", "werkzeug"),
			accessMessage(at, victim, "POST", "/web/login", 200))
	}
	_, stats := replay(builtIn(t), log.Bytes())
	if stats.Lines != 12000 {
		t.Errorf("%d lines", stats.Lines)
	}
}
