package rules_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// Skimming a log is the same as feeding it line by line, however it is cut into
// blocks.

// skim reads a log in blocks of whole lines of about the size.
func skim(set *rules.Set, log []byte, size int) ([]rules.Failure, rules.Stats) {
	scanner := set.NewScanner(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	var failures []rules.Failure
	var found *rules.Found
	at := rules.Place{Generation: "first"}
	for len(log) > 0 {
		block := log[:min(size, len(log))]
		if end := bytes.IndexByte(log[len(block)-1:], '\n'); end >= 0 {
			block = log[:len(block)+end]
		} else if end := bytes.LastIndexByte(block, '\n'); end >= 0 {
			block = log[:end+1]
		}
		if block[len(block)-1] == '\n' {
			found = set.Search(found, block)
			failures = scanner.Skim(failures, bytes.Clone(block), at, found)
		} else {
			failures = scanner.Feed(failures, rules.Line{Text: block, Place: at})
		}
		log = log[len(block):]
		at.Offset += int64(len(block))
	}
	return scanner.Flush(failures), scanner.Stats()
}

// fed reads a log line by line.
func fed(set *rules.Set, log []byte) ([]rules.Failure, rules.Stats) {
	scanner := set.NewScanner(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	var failures []rules.Failure
	at := rules.Place{Generation: "first"}
	for line := range bytes.Lines(log) {
		text := bytes.TrimSuffix(line, []byte("\n"))
		whole := len(text) < len(line)
		if whole {
			text = bytes.TrimSuffix(text, []byte("\r"))
		}
		failures = scanner.Feed(failures, rules.Line{Text: text, Place: at, Size: int64(max(len(line), len(text)+1))})
		at.Offset += int64(len(line))
	}
	return scanner.Flush(failures), scanner.Stats()
}

// wantSkimmed holds that blocks of all sizes give what lines give.
func wantSkimmed(t *testing.T, set *rules.Set, log []byte, sizes ...int) {
	t.Helper()
	want, wantStats := fed(set, log)
	for _, size := range sizes {
		got, stats := skim(set, log, size)
		same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Errorf("failures in blocks of %d (-fed +skimmed):\n%.2000s", size, diff)
		}
		if diff := cmp.Diff(wantStats, stats, same); diff != "" {
			t.Errorf("stats in blocks of %d (-fed +skimmed):\n%.2000s", size, diff)
		}
	}
}

// withUserRules has rules with and without literals beside the built-in ones.
func withUserRules(t testing.TB, patterns ...string) *rules.Set {
	t.Helper()
	var user []rules.UserRule
	for i, pattern := range patterns {
		user = append(user, rules.UserRule{Name: fmt.Sprint("user-", i), Pattern: pattern})
	}
	set, err := rules.Compile(rules.BuiltIn(), user)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestSkimIsFeed(t *testing.T) {
	logs := make(map[string][]byte)
	paths, err := filepath.Glob(filepath.Join("..", "testdata", "logs", "*.log"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		logs[filepath.Base(path)] = capture(t, filepath.Base(path))
	}
	for _, version := range []int{9, 19} {
		for _, workers := range []int{0, 4} {
			for _, c := range []crowd{rushed, forging(perfect)} {
				s := newSite(uint64(version), version, workers)
				s.run(c)
				var log bytes.Buffer
				for _, w := range s.log() {
					log.WriteString(w.text)
				}
				logs[fmt.Sprint("Odoo ", version, " with ", workers, " workers, ", c)] = log.Bytes()
			}
		}
	}
	sets := map[string]*rules.Set{
		"built in":      builtIn(t),
		"literals, too": withUserRules(t, `Access Denied.*(?P<addr>x)`, `werkzeug: (?P<addr>\S+) .*POST /web/data`, `(?P<addr>[\d.]+) - - .* 200 `),
		"every line":    withUserRules(t, `(?P<addr>\S+) - - \[`, `^(?P<time>\S+ \S+) .* from (?P<addr>\S+) `),
	}
	for name, log := range logs {
		for rules, set := range sets {
			t.Run(name+" "+rules, func(t *testing.T) {
				wantSkimmed(t, set, log, 1, 300, 4096, 64<<10)
				wantSkimmed(t, set, padded(log), 1000, 256<<10)
				wantSkimmed(t, set, bytes.ReplaceAll(log, []byte("\n"), []byte("\r\n")), 5000)
			})
		}
	}
}

// padded is a log with stretches between its lines in which nothing matters,
// shorter and longer than anything is waited for.
func padded(log []byte) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	var b bytes.Buffer
	for line := range bytes.Lines(log) {
		b.Write(line)
		if rng.IntN(20) == 0 {
			for range rng.IntN(1 << rng.IntN(12)) {
				fmt.Fprintf(&b, "2026-11-23 10:45:25,770 %d INFO openspp odoo.modules.loading: 1 modules loaded in 0.02s\n", rng.IntN(5))
				if rng.IntN(9) == 0 {
					b.WriteString("Traceback (most recent call last):\n" +
						"2026-11-23 10:45:36,163 28342 INFO openspp werkzeug: 203.0.113.7 - - [23/Nov/2026 10:45:36] \"GET /web HTTP/1.1\" 200 - 52 0.265 0.493\n")
				}
			}
		}
	}
	return b.Bytes()
}

// FuzzSkim holds the same of any bytes.
func FuzzSkim(f *testing.F) {
	for _, name := range []string{"odoo19-prefork.log", "compose.log", "odoo18-json.log", "syslog.log", "forged-cooldown.log"} {
		f.Add(capture(f, name), uint16(300))
	}
	set := withUserRules(f, `Access Denied.*(?P<addr>x)`, `(?P<addr>[\d.]+) - - .* 200 `)
	f.Fuzz(func(t *testing.T, log []byte, size uint16) {
		if len(log) > 1<<16 {
			return
		}
		wantSkimmed(t, set, log, max(1, int(size)))
		wantSkimmed(t, set, padded(log), max(1, int(size)))
	})
}
