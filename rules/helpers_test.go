package rules_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// later is a moment shortly after the captures were written.
var later = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var sameAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// builtIn compiles the built-in rules.
func builtIn(t testing.TB) *rules.Set {
	t.Helper()
	set, err := rules.Compile(rules.BuiltIn(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// count is how often an address (IPv6: its /64) failed by each rule.
func count(failures []rules.Failure) map[string]int {
	counts := make(map[string]int)
	for _, f := range failures {
		bits := 32
		if f.Addr.Is6() {
			bits = 64
		}
		prefix, _ := f.Addr.Prefix(bits)
		counts[f.Rule+" "+prefix.String()]++
	}
	return counts
}

// told are failures as "rule address".
func told(failures []rules.Failure) (all []string) {
	for _, f := range failures {
		all = append(all, f.Rule+" "+f.Addr.String())
	}
	return all
}

// replay feeds a whole log as history.
func replay(set *rules.Set, log []byte) ([]rules.Failure, rules.Stats) {
	s := set.NewScanner(later)
	var failures []rules.Failure
	at := rules.Place{Generation: "first"}
	for line := range bytes.Lines(log) {
		failures = s.Feed(failures, rules.Line{Text: bytes.TrimRight(line, "\r\n"), Place: at, Size: int64(len(line))})
		at.Offset += int64(len(line))
	}
	return s.Flush(failures), s.Stats()
}

// skim reads a log in blocks of whole lines of about the sizes that next returns.
func skim(set *rules.Set, log []byte, next func() int) ([]rules.Failure, rules.Stats) {
	s := set.NewScanner(later)
	var failures []rules.Failure
	var found *rules.Found
	at := rules.Place{Generation: "first"}
	for len(log) > 0 {
		end := min(next(), len(log))
		end += bytes.IndexByte(log[end-1:], '\n')
		found = set.Search(found, bytes.Clone(log[:end]))
		failures = s.Skim(failures, log[:end], at, found)
		at.Offset += int64(end)
		log = log[end:]
	}
	return s.Flush(failures), s.Stats()
}

func capture(t testing.TB, name string) []byte {
	t.Helper()
	log, err := os.ReadFile(filepath.Join("..", "testdata", "logs", name))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// captures are all logs in testdata.
func captures(t testing.TB) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for _, pattern := range []string{"*.log", "min/*"} {
		names, err := filepath.Glob(filepath.Join("..", "testdata", "logs", pattern))
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			name, _ = filepath.Rel(filepath.Join("..", "testdata", "logs"), name)
			all[name] = capture(t, name)
		}
	}
	return all
}
