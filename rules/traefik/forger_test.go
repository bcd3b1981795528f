package traefik

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// site is a simulated server behind Traefik: honest people, some who guess, and a forger.
type site struct {
	rate    int // requests a second
	seconds int
	began   uint64        // the count that the log begins with
	forger  *forger       // nil: nobody forges
	long    float64       // how many requests take a minute, of all
	gap     int           // of how many requests one is logged
	look    time.Duration // how often the log is looked at
	restart int           // after how many seconds Traefik starts anew
	knows   bool          // the forger knows the count: then others are hidden from a replay
}

// forger knows the count to within a number, and sends records of lines that accuse a victim.
type forger struct {
	off     int  // how far his counts are from the true ones
	lines   int  // how many in a record
	hidden  bool // his records begin and end in lines without a user's name
	restart bool // his counts begin at 1
	sweep   bool // his counts go from far below to far above what he knows
	every   int  // of how many requests one is his
	apart   bool // each of his lines has a count of its own, far from the others
	login   bool // his own requests are failed logins, in the victim's name
}

const victim = "192.0.2.66"

// record is what one request wrote, at a time.
type written struct {
	at    time.Duration
	lines []string
}

type byEnd []written

func (b byEnd) Len() int           { return len(b) }
func (b byEnd) Less(i, j int) bool { return b[i].at < b[j].at }
func (b byEnd) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *byEnd) Push(x any)        { *b = append(*b, x.(written)) }
func (b *byEnd) Pop() any          { old := *b; x := old[len(old)-1]; *b = old[:len(old)-1]; return x }

func entry(addr, user string, at time.Duration, request string, status int, count uint64, took time.Duration) string {
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Add(at)
	return fmt.Sprintf(`%s - %s [%s] "%s HTTP/1.1" %d 5824 "-" "-" %d "odoo@docker" "http://172.18.0.3:8069" %dms`,
		addr, user, start.Format("02/Jan/2006:15:04:05 -0700"), request, status, count, took.Milliseconds())
}

// run returns what is written, in order, and how many failures each address really had.
func (s *site) run(random *rand.Rand) (log []written, truth map[netip.Addr]int) {
	truth = map[netip.Addr]int{}
	var open byEnd
	count := s.began
	interval := time.Second / time.Duration(s.rate)
	for at := time.Duration(0); at < time.Duration(s.seconds)*time.Second; at += interval {
		if s.restart > 0 && at/time.Second == time.Duration(s.restart) && (at-interval)/time.Second != at/time.Second {
			count, open = 0, nil
		}
		count++
		took := 5*time.Millisecond + time.Duration(random.ExpFloat64()*float64(60*time.Millisecond))
		if random.Float64() < s.long {
			took = time.Minute
		}
		for len(open) > 0 && open[0].at <= at {
			log = append(log, heap.Pop(&open).(written))
		}
		if s.gap > 1 && random.IntN(s.gap) > 0 {
			continue
		}
		w := written{at: at + took}
		switch n := random.IntN(100); {
		case s.forger != nil && int(count)%s.forger.every == 0:
			w.lines = s.forger.record(random, at, count, took)
		case n < 10:
			addr := fmt.Sprintf("203.0.113.%d", 10+random.IntN(8))
			w.lines = []string{entry(addr, "-", at, "POST /web/login", 200, count, took)}
		case n < 12:
			w.lines = []string{entry(fmt.Sprintf("198.51.100.%d", random.IntN(250)), "-", at, "POST /web/login", 303, count, took)}
		case n < 30: // the victim visits the site
			w.lines = []string{entry(victim, "-", at, "GET /web/login", 200, count, took)}
		default:
			w.lines = []string{entry(fmt.Sprintf("198.51.100.%d", random.IntN(250)), "-", at, "GET /web/image/7", 304, count, took)}
		}
		heap.Push(&open, w)
	}
	for len(open) > 0 {
		log = append(log, heap.Pop(&open).(written))
	}
	for _, w := range log {
		if len(w.lines) == 1 && strings.Contains(w.lines[0], "POST /web/login HTTP/1.1\" 200") {
			addr, _, _ := strings.Cut(w.lines[0], " ")
			truth[netip.MustParseAddr(addr)]++
		}
	}
	return log, truth
}

// record is a forged one: the first line begins with his address, the last ends in the true count.
func (f *forger) record(random *rand.Rand, at time.Duration, count uint64, took time.Duration) (lines []string) {
	n := count + uint64(f.off)
	switch {
	case f.restart:
		n = 1
	case f.off > 0 && random.IntN(2) == 0:
		n = count - min(count-1, uint64(f.off))
	}
	if f.sweep {
		n -= min(n-1, uint64(f.lines/2))
	}
	next := func() uint64 {
		if n++; f.apart {
			n += 1000 + random.Uint64N(100000)
		}
		return n - 1
	}
	if f.hidden {
		lines = append(lines, entry("203.0.113.99", "-", at, "GET /", 200, next(), took))
	} else {
		lines = append(lines, "203.0.113.99 - x")
	}
	for range f.lines {
		lines = append(lines, entry(victim, "-", at, "POST /web/login", 200, next(), took))
	}
	last := entry("203.0.113.99", "x", at, "GET /", 200, count, took)
	if f.hidden {
		last = entry(victim, "-", at, "GET /", 200, count, took)
	}
	if f.login {
		last = entry(victim, "-", at, "POST /web/login", 200, count, took)
	}
	return append(lines, last)
}

// judged feeds a log as history, or as it is read while it is written, and returns how many failures of whom count.
func judged(log []written, look time.Duration) (counted map[netip.Addr]int) {
	counted = map[netip.Addr]int{}
	l := New(nil)
	var verdicts []Verdict
	var at At
	next := time.Duration(0)
	for _, w := range log {
		if look > 0 && w.at >= next {
			at.Batch++
			next = w.at + look
			if at.Batch%7 == 0 {
				verdicts = l.Settle(verdicts)
			}
		}
		for _, line := range w.lines {
			verdicts = l.Feed(verdicts, []byte(line), at)
		}
	}
	for _, v := range l.Flush(verdicts) {
		if v.Reason == "" {
			counted[v.Addr]++
		}
	}
	return counted
}

// TestForgers holds that nobody who has not failed is accused, by any of the forgers, and how much is counted of what
// is true.
func TestForgers(t *testing.T) {
	const busy, million = 50, 1_000_000
	look := 4 * time.Millisecond
	for _, tt := range []struct {
		name string
		site
	}{
		{"nobody", site{}},
		{"nobody, saturated", site{rate: 800, look: 10 * time.Millisecond}},
		{"nobody, long requests", site{rate: 400, long: 0.01}},
		{"nobody, a filter", site{gap: 4}},
		{"nobody, a restart", site{restart: 30}},
		{"knows nothing", site{forger: &forger{off: 7_777_777, lines: 15}}},
		{"knows nothing, hidden", site{forger: &forger{off: 7_777_777, lines: 15, hidden: true}}},
		{"knows nothing, random", site{forger: &forger{off: 7_777_777, lines: 60, hidden: true, apart: true}}},
		{"within 10,000", site{forger: &forger{off: 10_000, lines: 15, hidden: true}}},
		{"within 10,000, a login", site{forger: &forger{off: 10_000, lines: 1, hidden: true, login: true}}},
		{"within 1,000, a sweep", site{knows: true, forger: &forger{off: 900, lines: 5000, hidden: true, sweep: true, every: 1500}}},
		{"exact", site{knows: true, forger: &forger{off: 0, lines: 15, hidden: true}}},
		{"exact, seen", site{knows: true, forger: &forger{off: 0, lines: 15}}},
		{"exact, a login", site{forger: &forger{off: 0, lines: 1, hidden: true, login: true}}},
		{"a restart that is none", site{forger: &forger{restart: true, lines: 15, hidden: true}}},
		{"a long one", site{forger: &forger{restart: true, lines: 300, hidden: true, every: 400}}},
		{"a restart, and one more", site{restart: 30, forger: &forger{restart: true, lines: 300, hidden: true, every: 400}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.site
			random := rand.New(rand.NewPCG(1, 2))
			s.rate, s.seconds, s.began = max(s.rate, busy), 60, million
			s.look = max(s.look, look)
			if s.forger != nil {
				s.forger.every = max(s.forger.every, 20)
			}
			log, truth := s.run(random)
			for mode, counted := range map[string]map[netip.Addr]int{"history": judged(log, 0), "live": judged(log, s.look)} {
				if n := counted[netip.MustParseAddr(victim)]; n > 0 {
					t.Errorf("%s: %d counted of who has not failed", mode, n)
				}
				all, found := 0, 0
				for addr, n := range truth {
					all += n
					found += min(n, counted[addr])
					if counted[addr] > n {
						t.Errorf("%s: %d of %v, who failed %d times", mode, counted[addr], addr, n)
					}
				}
				if t.Logf("%s: %d of %d", mode, found, all); found*100 < all*97 && (mode == "live" || !s.knows) {
					t.Errorf("%s: counted %d of %d", mode, found, all)
				}
			}
		})
	}
}
