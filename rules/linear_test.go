package rules_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"odooban/rules"
)

// nasty writes inputs that have taken, or might take, more than linear time: each writes its
// i-th lines.
func nasty() map[string]func(b *bytes.Buffer, rng *rand.Rand, i int) {
	stamp := func(i int) string {
		return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Millisecond).Format("2006-01-02 15:04:05,000")
	}
	failed := func(b *bytes.Buffer, at, pid int, login, from string) {
		fmt.Fprintf(b, "%s %d INFO db odoo.addons.base.models.res_users: Login failed for login:%s from %s \n", stamp(at), pid, login, from)
	}
	answer := func(b *bytes.Buffer, at, pid int, addr, path string) {
		fmt.Fprintf(b, "%s %d INFO db werkzeug: %s - - [23/Nov/2026 10:00:00] \"POST %s HTTP/1.1\" 200 - 5 0.001 0.020\n", stamp(at), pid, addr, path)
	}
	return map[string]func(b *bytes.Buffer, rng *rand.Rand, i int){
		"pairs of any process": func(b *bytes.Buffer, rng *rand.Rand, i int) {
			pid := rng.IntN(40000)
			failed(b, i, pid, "x", "192.0.2.1")
			answer(b, i+1, pid, "192.0.2.1", "/web/login")
		},
		"pairs of one process": func(b *bytes.Buffer, _ *rand.Rand, i int) {
			failed(b, i, 7, "x", "192.0.2.1")
			answer(b, i+1, 7, "192.0.2.1", "/web/login")
		},
		"records of one millisecond": func(b *bytes.Buffer, rng *rand.Rand, _ int) { failed(b, 0, rng.IntN(9), "x", "192.0.2.1") },
		"records from n/a":           func(b *bytes.Buffer, _ *rand.Rand, i int) { failed(b, i, 7, "x", "n/a") },
		"answers over RPC": func(b *bytes.Buffer, rng *rand.Rand, i int) {
			if failed(b, i/40, 7, "x", "n/a"); i%3 == 0 {
				answer(b, i/40, 7, fmt.Sprintf("192.0.2.%d", rng.IntN(200)), "/jsonrpc")
			}
		},
		"text between": func(b *bytes.Buffer, rng *rand.Rand, i int) {
			failed(b, i, rng.IntN(16), "x", "192.0.2.1")
			b.WriteString("text from 192.0.2.2 \ntext\n")
			answer(b, i+1, rng.IntN(16), "192.0.2.1", "/web/login")
		},
		"regions in regions": func(b *bytes.Buffer, _ *rand.Rand, i int) {
			failed(b, i, i%64, "x\ny", fmt.Sprintf("192.0.2.%d", i%64))
			answer(b, i, 63-i%64, fmt.Sprintf("192.0.2.%d", 63-i%64), "/web/login")
		},
		"fragments": func(b *bytes.Buffer, rng *rand.Rand, i int) {
			answer(b, i, 7, "192.0.2.1", "/web/dataset/call_kw/a#b\n")
			failed(b, i, rng.IntN(9), "x", "192.0.2.1")
		},
		"cut headers": func(b *bytes.Buffer, rng *rand.Rand, i int) {
			fmt.Fprintf(b, "%s %d INFO x\n", stamp(i), rng.IntN(9))
			failed(b, i, rng.IntN(9), "x", "192.0.2.1")
		},
		"pieces": func(b *bytes.Buffer, _ *rand.Rand, i int) {
			fmt.Fprintf(b, `{"log":"x","stream":"stderr","time":"2026-11-23T10:00:00.%06dZ"}`+"\n", i)
		},
		"short lines": func(b *bytes.Buffer, _ *rand.Rand, _ int) { b.WriteString("\n") },
		"one line":    func(b *bytes.Buffer, _ *rand.Rand, _ int) { b.WriteString("POST /web/login from %77 ") },
		"Traefik's": func(b *bytes.Buffer, rng *rand.Rand, _ int) {
			b.WriteString(counted(common(), 1+rng.IntN(100000)) + "\n")
		},
		"Traefik's ends": func(b *bytes.Buffer, _ *rand.Rand, i int) {
			b.WriteString(counted(common(), i%7+1) + "\nx 7 \"-\" \"-\" 1ms\n")
		},
		"bytes": func(b *bytes.Buffer, rng *rand.Rand, _ int) {
			for range 16 {
				b.WriteByte(byte(rng.Uint32()))
			}
		},
	}
}

// write makes a log of a size, which begins with something.
func write(start string, one func(*bytes.Buffer, *rand.Rand, int), size int) []byte {
	b := bytes.NewBufferString(start)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := 0; b.Len() < size; i++ {
		one(b, rng, i)
	}
	return append(b.Bytes(), '\n')
}

// ways are how a log is read.
var ways = map[string]func(set *rules.Set, log []byte){
	"history": func(set *rules.Set, log []byte) { replay(set, log) },
	"skimmed": func(set *rules.Set, log []byte) { skim(set, log, func() int { return 1 << 20 }) },
	"live": func(set *rules.Set, log []byte) {
		s := set.NewScanner(later)
		now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
		for line := range bytes.Lines(log) {
			now = now.Add(2 * time.Millisecond)
			s.Feed(nil, rules.Line{Text: bytes.TrimSuffix(line, []byte("\n")), Seen: now})
		}
		s.Settle(nil, now)
	},
	"at once": func(set *rules.Set, log []byte) {
		s := set.NewScanner(later)
		for line := range bytes.Lines(log) {
			s.Feed(nil, rules.Line{Text: bytes.TrimSuffix(line, []byte("\n")), Seen: later, Found: int64(len(log))})
		}
		s.Settle(nil, later)
	},
}

// TestLinear holds that four times as much of any input takes about four times as much memory.
// BenchmarkLinear shows the same of time.
func TestLinear(t *testing.T) {
	eachNasty(t, builtIn(t), func(name string, small, large func()) {
		t.Run(name, func(t *testing.T) {
			const most, slack = 8, 1 << 20
			if bytes, bytes4 := allocated(small), allocated(large); bytes4 > most*bytes+slack {
				t.Errorf("256 KiB took %d bytes, 1 MiB %d", bytes, bytes4)
			}
		})
	})
}

// BenchmarkLinear reports how much longer four times as much of any input takes: four times is
// linear, and what is quadratic takes sixteen times as long.
func BenchmarkLinear(b *testing.B) {
	eachNasty(b, builtIn(b), func(name string, small, large func()) {
		b.Run(name, func(b *testing.B) {
			var took, took4 time.Duration
			for b.Loop() {
				start := time.Now()
				small()
				took += time.Since(start)
				start = time.Now()
				large()
				took4 += time.Since(start)
			}
			b.ReportMetric(float64(took4)/float64(took), "times-as-long")
		})
	})
}

// eachNasty calls f with what reads 256 KiB and 1 MiB of each input in each way.
func eachNasty(tb testing.TB, set *rules.Set, f func(name string, small, large func())) {
	tb.Helper()
	for name, one := range nasty() {
		start := loginEnd + "\n" // it is Odoo's
		if strings.HasPrefix(name, "Traefik's") {
			start = ""
		}
		small, large := write(start, one, 256<<10), write(start, one, 1<<20)
		for way, read := range ways {
			f(name+", "+way, func() { read(set, small) }, func() { read(set, large) })
		}
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzScanner reads any log in any way, with pauses, stamps and blocks, and holds that only
// addresses are told that stand in it, that logins are bounded, and that nothing stays open.
func FuzzScanner(f *testing.F) {
	for _, log := range captures(f) {
		f.Add(log[:min(len(log), 8<<10)], uint64(1))
		f.Add(log[:min(len(log), 2<<10)], uint64(0x5a5a))
	}
	for _, one := range nasty() {
		f.Add(write("", one, 2000), uint64(3))
	}
	set, err := rules.Compile(rules.BuiltIn(), []rules.UserRule{{Name: "mine", Pattern: `denied (?P<user>\S*) from (?P<addr>\S+)`}})
	if err != nil {
		f.Fatal(err)
	}
	known := make(map[rules.Reason]bool)
	for _, r := range rules.Reasons() {
		known[r.Reason] = true
	}
	f.Fuzz(func(t *testing.T, log []byte, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := set.NewScanner(later)
		var failures []rules.Failure
		history := rng.IntN(len(log) + 1)
		if end := bytes.LastIndexByte(log[:history], '\n') + 1; end > 0 && rng.IntN(2) == 0 {
			failures = s.Skim(failures, log[:end], rules.Place{Generation: "g"}, set.Search(nil, log[:end]))
			log = log[end:]
		}
		now := later
		for line := range bytes.Lines(log) {
			l := rules.Line{Text: bytes.TrimSuffix(line, []byte("\n")), Place: rules.Place{Generation: "g"}, Continues: rng.IntN(9) == 0}
			if history -= len(line); history < 0 {
				now = now.Add(time.Duration(rng.IntN(3)) * time.Duration(rng.IntN(9)) * time.Millisecond)
				l.Seen, l.Found = now, int64(rng.IntN(1<<20))
			}
			if rng.IntN(9) == 0 {
				l.Stamp = now.Add(-time.Millisecond)
			}
			if failures = s.Feed(failures, l); rng.IntN(16) == 0 {
				failures = s.Settle(failures, now)
			}
		}
		open := len(s.Open())
		failures = s.Flush(failures)
		if n := len(s.Open()); n > 0 {
			t.Errorf("open: %d before the end, %d behind", open, n)
		}
		for _, one := range failures {
			if !one.Addr.IsValid() || one.Addr.Is4In6() || one.Addr.Zone() != "" || one.Rule == "" || len(one.User) > 256 || len(one.DB) > 256 {
				t.Errorf("told %+v", one)
			}
		}
		for _, one := range s.Rejected() {
			if !known[one.Reason] || one.Rule == "" {
				t.Errorf("rejected %+v", one)
			}
		}
	})
}
