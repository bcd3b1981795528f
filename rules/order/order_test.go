package order_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules/odoo"
	"odooban/rules/order"
	"odooban/watcher/framing"
)

// at writes a time as Odoo does, some milliseconds after the hour.
func at(ms int) string {
	return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond).Format("2006-01-02 15:04:05,000")
}

// failed is a failed login's record, and answered its answer, which took 5 ms.
func failed(ms, pid int, login, from string) string {
	return fmt.Sprintf("%s %d INFO prod odoo.addons.base.models.res_users: Login failed for login:%s from %s ", at(ms), pid, login, from)
}

func answered(ms, pid int, addr string) string {
	return fmt.Sprintf(`%s %d INFO prod werkzeug: %s - - [23/Nov/2026 10:00:00] "POST /web/login HTTP/1.1" 200 - 5 0.001 0.004`, at(ms), pid, addr)
}

// off returns the numbers of the lines whose times cannot be true.
func off(lines []string) (all []int) {
	var q order.Queue[int]
	judge := func(end bool) {
		q.Judge(end, func(h *order.Held[int]) {
			if h.Off {
				all = append(all, h.At)
			}
		})
	}
	var p odoo.Parser
	offset := int64(0)
	for i, line := range lines {
		var e odoo.Event
		p.Parse(&e, &framing.Frame{Text: []byte(line)}, time.Unix(0, 0))
		q.Add(&e, i, "", offset)
		offset += int64(len(line)) + 1
		if q.Full() {
			judge(false)
		}
	}
	judge(true)
	return all
}

// busy is a log of two processes where nobody forges, from one time up to another.
func busy(from, to int) (lines []string) {
	for ms := from; ms < to; ms += 20 {
		lines = append(lines, failed(ms, 11, "a", "198.51.100.1"), answered(ms+2, 11, "198.51.100.1"), answered(ms+11, 12, "198.51.100.2"))
	}
	return lines
}

// forged are records at times that somebody guessed.
func forged(from, to, step int) (lines []string) {
	for ms := from; ms < to; ms += step {
		lines = append(lines, failed(ms, 12, "y", "192.0.2.1"), answered(ms, 12, "192.0.2.1"))
	}
	return lines
}

func TestJudge(t *testing.T) {
	opener, end := failed(500, 11, "x", "203.0.113.9"), "z from 203.0.113.7 "
	answer := answered(504, 11, "203.0.113.7")
	holding := func(lines ...string) []string {
		return slices.Concat(busy(0, 500), []string{opener}, lines, []string{end, answer}, busy(520, 2000))
	}
	begin := len(busy(0, 500)) + 1
	tests := []struct {
		name  string
		lines []string
		from  int // the lines that are off
		n     int
	}{
		{"nobody forges", busy(0, 2000), 0, 0},
		{"processes hold one another up", []string{answered(10, 11, "198.51.100.1"), answered(4, 12, "198.51.100.2"), answered(11, 11, "198.51.100.1")}, 0, 0},
		{"a forger is ahead", holding(forged(900, 910, 10)...), begin, 2},
		{"a forger is behind", holding(forged(100, 110, 10)...), begin, 2},
		{"a forger tries each millisecond", holding(forged(0, 1000, 1)...), begin, 2000},
		{"a forger is a day ahead", holding(forged(86_400_000, 86_400_100, 10)...), begin, 20},
		{"the clock was put back", slices.Concat(busy(3_600_000, 3_620_000), busy(0, 20_000)), 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var want []int
			for i := range tt.n {
				want = append(want, tt.from+i)
			}
			if diff := cmp.Diff(want, off(tt.lines)); diff != "" {
				t.Errorf("lines off (-want +got):\n%.2000s", diff)
			}
		})
	}
}

// TestOtherOrder holds that nothing is off in a log that was sorted the other way round.
func TestOtherOrder(t *testing.T) {
	lines := busy(0, 5000)
	slices.Reverse(lines)
	if got := off(lines); len(got) > 0 {
		t.Errorf("%d of %d lines off, want none", len(got), len(lines))
	}
}

// TestBounded holds that lines are handed on, whatever they are.
func TestBounded(t *testing.T) {
	for name, line := range map[string]string{
		"text":       "Traceback (most recent call last):",
		"open":       failed(0, 11, "x", "203.0.113.9"),
		"unanswered": strings.TrimSuffix(failed(0, 11, "x", ""), " from  "),
	} {
		t.Run(name, func(t *testing.T) {
			const most = 200_000
			var q order.Queue[int]
			var e odoo.Event
			new(odoo.Parser).Parse(&e, &framing.Frame{Text: []byte(line)}, time.Unix(0, 0))
			for i := range 3 * most {
				if q.Add(&e, i, "", int64(i)); q.Full() {
					q.Judge(false, func(*order.Held[int]) {})
				}
				if q.Len() > most {
					t.Fatalf("%d lines held back, want at most %d", q.Len(), most)
				}
			}
		})
	}
}

// FuzzJudge holds that each line comes back once, in its order.
func FuzzJudge(f *testing.F) {
	for _, lines := range [][]string{busy(0, 100), forged(0, 10, 1), {failed(5, 1, "x", "n/a"), "z from n/a", answered(7, 1, "192.0.2.1")}} {
		f.Add(strings.Join(lines, "\n"))
	}
	f.Fuzz(func(t *testing.T, log string) {
		var q order.Queue[int]
		var p odoo.Parser
		n := 0
		for line := range strings.Lines(log) {
			var e odoo.Event
			p.Parse(&e, &framing.Frame{Text: []byte(line)}, time.Unix(0, 0))
			q.Add(&e, n, "", int64(n))
			n++
		}
		back := 0
		q.Judge(true, func(h *order.Held[int]) {
			if h.At != back {
				t.Fatalf("line %d came as %d", h.At, back)
			}
			back++
		})
		if back != n {
			t.Fatalf("%d lines came back of %d", back, n)
		}
	})
}
