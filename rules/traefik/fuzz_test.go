package traefik

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzParse takes any line, and holds what was read of it against what a decoder reads.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		common(), inJSON(), common("- - [", "- [x] [23/Nov/2026:10:45:45 +0000] ["), common(` 7 "`, ` - "`), "{", `{"ClientAddr":1}`,
		common("203.0.113.50", "8.8.8.8, 203.0.113.50"), inJSON("214000000", `"1h"`), common("HTTP/2.0", "HTTP/9.9"), ` - - [`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var q Request
		if bytes.IndexByte(line, '\n') >= 0 || !Parse(&q, line) {
			return
		}
		if q.Start.IsZero() || q.Took < 0 || q.Took > longest || q.Status < 0 || q.Status > 999 {
			t.Errorf("read %+v", q)
		}
		if addr, _ := q.Client(nil); addr.Zone() != "" || addr.Is4In6() {
			t.Errorf("client %v", addr)
		}
		var fields map[string]json.RawMessage
		if q.Sealed && bytes.IndexByte(line, '\\') < 0 && json.Unmarshal(line, &fields) == nil {
			if want := text(fields["ClientAddr"]); !bytes.Equal(q.Peer, want) {
				t.Errorf("ClientAddr is %q, want %q", q.Peer, want)
			}
		}
	})
}

// FuzzLog takes any log, in batches or as history, and holds that every failure is told once, and how much is kept.
func FuzzLog(f *testing.F) {
	f.Add([]byte(common()+"\n"+common(" 7 ", " 8 ")+"\n\n"+common("203.0.113.50", "8.8.8.8")), false)
	f.Add([]byte(strings.Repeat(common()+"\n", 5)+inJSON()+"\nx\n"+common(" 7 ", " 900 ")), true)
	f.Fuzz(func(t *testing.T, log []byte, live bool) {
		l := New(nil)
		var verdicts []Verdict
		var at At
		failures := 0
		for line := range bytes.Lines(log) {
			line = bytes.TrimRight(line, "\n")
			if len(line) == 0 && live {
				at.Batch++
				verdicts = l.Settle(verdicts)
				continue
			}
			var q Request
			if Parse(&q, line) {
				kind, also := q.Kinds()
				failures += int(min(kind, 1) + min(also, 1))
			}
			verdicts = l.Feed(verdicts, line, at)
			if len(l.trust.waiting) > maxWaiting || len(l.held)-l.head > maxHeld || len(l.counts.forged) > mostForged ||
				len(l.counts.left) > mostLeft {
				t.Fatal("too much is kept")
			}
		}
		if verdicts = l.Flush(verdicts); len(verdicts) != failures {
			t.Errorf("told %d of %d failures", len(verdicts), failures)
		}
	})
}

// FuzzCounts takes any counts, and holds that none is fresh twice but behind what looks like a restart or a forgery.
func FuzzCounts(f *testing.F) {
	f.Add([]byte{1, 2, 3, 5, 4, 4, 200, 1, 2, 201})
	f.Add(bytes.Repeat([]byte{101, 99, 255, 1}, 99))
	f.Fuzz(func(t *testing.T, steps []byte) {
		var c counts
		n := uint64(1 << 20)
		seen := map[uint64]bool{}
		for i, step := range steps {
			n += uint64(step) - 100
			moved := len(c.forged) + len(c.left)
			is := c.take(n, uint32(i), int64(i)*100)
			if moved+len(c.forged)+len(c.left) > 0 {
				clear(seen)
			}
			if is == fresh && seen[n] {
				t.Errorf("%d is fresh again", n)
			}
			seen[n] = seen[n] || is == fresh
		}
	})
}

// TestParseAllocates holds that nothing is allocated for a line.
func TestParseAllocates(t *testing.T) {
	for _, line := range [][]byte{[]byte(common()), []byte(inJSON())} {
		var q Request
		if n := testing.AllocsPerRun(100, func() { Parse(&q, line) }); n != 0 {
			t.Errorf("%v allocations for %s", n, line)
		}
	}
}

// BenchmarkForged judges 1 MiB of what costs most.
func BenchmarkForged(b *testing.B) {
	var log []byte
	for i := 0; len(log) < 1<<20; i++ {
		addr := "203.0.113.50"
		if i%3 > 0 {
			addr = "2001:db8:" + strings.Repeat("f", 1+i%4) + "::" + strings.Repeat("a", 1+i%3)
		}
		log = append(log, common("203.0.113.50", addr, ` 7 "`, " "+strings.Repeat("9", 1+i%17)+` "`)+"\n"...)
	}
	for _, batch := range []uint64{0, 1} {
		b.Run(map[uint64]string{0: "history", 1: "live"}[batch], func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			for b.Loop() {
				l := New(nil)
				var v []Verdict
				at := At{Batch: batch}
				for line := range bytes.Lines(log) {
					v = l.Feed(v[:0], bytes.TrimRight(line, "\n"), at)
					if at.Batch > 0 && line[0] == '2' && line[1] == '0' && line[2] == '3' {
						at.Batch++
					}
				}
				l.Flush(v[:0])
			}
		})
	}
}
