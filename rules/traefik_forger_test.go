package rules_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"odooban/rules"
)

// entrance is a model of a Traefik that writes the common format: it knows who
// truly failed.
type entrance struct {
	rng    *rand.Rand
	count  int
	writes []write
	truth  map[string]int
}

// entered is a line of the common format, but for the count.
const entered = `%s - %s [%s] "%s HTTP/1.1" 200 4821 "-" "-" %d "odoo@docker" "http://172.18.0.3:8069" %dms`

func newEntrance(seed uint64) *entrance {
	return &entrance{rng: rand.New(rand.NewPCG(seed, 2)), count: 1_000_000, truth: make(map[string]int)}
}

// request is answered after took; user makes the name of the user.
func (e *entrance) request(at time.Time, addr, request string, took time.Duration, user string) {
	e.count++
	line := e.line(at, addr, request, took, user, e.count)
	e.writes = append(e.writes, write{at.Add(took), line + "\n"})
	if strings.HasPrefix(request, "POST /web/login") {
		e.truth[addr]++
	}
}

func (e *entrance) line(at time.Time, addr, request string, took time.Duration, user string, count int) string {
	return fmt.Sprintf(entered, addr, user, at.UTC().Format("02/Jan/2006:15:04:05 -0700"), request, count, took.Milliseconds())
}

// traefikForger says what a forger of lines knows and does.
type traefikForger struct {
	// off is by how much he is wrong about the count.
	off int
	// lines is how many whole lines he forges, in one name.
	lines int
	// ends says that the true end of his record stands behind a victim's address,
	// and closed that he gives the first line an end of its own.
	ends, closed bool
	victim       string
}

// name is the name of a user in which lines are forged.
func (f traefikForger) name(e *entrance, at time.Time) string {
	guess := e.count + 2
	if f.off > 0 {
		guess += e.rng.IntN(2*f.off) - f.off
	}
	if guess = max(guess, 1); f.off < 0 {
		guess = 1
	}
	name := "x"
	if f.closed {
		_, first, _ := strings.Cut(e.line(at, "", "GET /", time.Millisecond, "-", guess), " - ")
		name = first
		guess++
	}
	for range f.lines {
		name += "\n" + e.line(at, f.victim, "POST /web/login", 5*time.Millisecond, "-", guess)
		guess++
	}
	if name += "\n"; f.ends {
		name += f.victim + " - -"
	}
	return name
}

// visit is a minute of visitors, one who guesses passwords, and forgers.
func (e *entrance) visit(rate int, forge func(at time.Time) string) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for n := range 60 * rate {
		at = at.Add(time.Duration(e.rng.ExpFloat64() * float64(time.Second) / float64(rate)))
		took := time.Duration(1+e.rng.IntN(80)) * time.Millisecond
		visitor := fmt.Sprint("192.0.2.", 1+e.rng.IntN(8))
		switch kind := e.rng.IntN(20); {
		case kind < 4:
			e.request(at, "203.0.113.50", "POST /web/login", took+50*time.Millisecond, "-")
		case kind < 6 && forge != nil && n > rate:
			e.request(at, "198.51.100.66", "GET /", took, forge(at))
		case kind == 6:
			e.request(at, visitor, "GET /websocket", time.Duration(e.rng.IntN(30))*time.Second, "-")
		case kind == 7 && e.rng.IntN(5) == 0:
			e.request(at, visitor, "POST /web/login", took, "-")
		default:
			e.request(at, visitor, "GET /web/image/7", took, "-")
		}
	}
}

// read hands the log to a scanner, live or as history.
func (e *entrance) read(t *testing.T, live bool) (got map[string]int, stats rules.Stats) {
	t.Helper()
	slices.SortStableFunc(e.writes, func(a, b write) int { return a.at.Compare(b.at) })
	scanner := trusting(t).NewScanner(e.writes[0].at)
	var failures []rules.Failure
	for i, w := range e.writes {
		var seen time.Time
		if live {
			seen = w.at.Add(100 * time.Microsecond)
		}
		for line := range strings.Lines(w.text) {
			failures = scanner.Feed(failures, rules.Line{Text: []byte(strings.TrimSuffix(line, "\n")), Seen: seen})
		}
		if live && i+1 < len(e.writes) && e.writes[i+1].at.Sub(w.at) >= 10*time.Millisecond {
			failures = scanner.Settle(failures, seen.Add(10*time.Millisecond))
		}
	}
	got = make(map[string]int)
	for _, f := range scanner.Flush(failures) {
		if f.Addr.String() == "8.8.8.8" {
			t.Log(f)
		}
		got[f.Addr.String()]++
	}
	return got, scanner.Stats()
}

// wrongs is how many failures were counted against those who did not make them.
func (e *entrance) wrongs(got map[string]int) (n int) {
	for addr, count := range got {
		n += max(0, count-e.truth[addr])
	}
	return n
}

// TestForgedCommonLines holds what a name of a user can do to the common format,
// which holds whole lines, and the true end of its record behind another's address:
// nothing, if the forger does not know Traefik's count.
func TestForgedCommonLines(t *testing.T) {
	const stranger, visitor = "8.8.8.8", "192.0.2.3"
	for _, tt := range []struct {
		name   string
		forger traefikForger
	}{
		{"whole lines", traefikForger{off: 1e6, lines: 3}},
		{"an end", traefikForger{off: 1e6, ends: true}},
		{"an end, and one of the first line", traefikForger{off: 1e6, ends: true, closed: true}},
		{"whole lines, and ends", traefikForger{off: 1e5, lines: 5, ends: true, closed: true}},
		{"many lines", traefikForger{off: 1e6, lines: 100, ends: true, closed: true}},
		{"little counts", traefikForger{off: -1, lines: 5, ends: true, closed: true}},
	} {
		for _, rate := range []int{2, 50} {
			for _, live := range []bool{true, false} {
				for _, victim := range []string{stranger, visitor} {
					t.Run(fmt.Sprint(tt.name, ", ", rate, " a second, live ", live, ", ", victim), func(t *testing.T) {
						e := newEntrance(uint64(rate))
						tt.forger.victim = netip.MustParseAddr(victim).String()
						e.visit(rate, func(at time.Time) string { return tt.forger.name(e, at) })
						got, stats := e.read(t, live)
						t.Logf("wronged %d, counted %d of %d, doubtful %d", e.wrongs(got), got["203.0.113.50"], e.truth["203.0.113.50"], stats.Doubtful)
						if n := e.wrongs(got); n > 0 {
							t.Errorf("%d failures counted against others: %v, want %v", n, got, e.truth)
						}
					})
				}
			}
		}
	}
}

// TestPlainCommonLines holds that all who guess passwords are counted where nobody
// forges.
func TestPlainCommonLines(t *testing.T) {
	for rate, least := range map[int]float64{2: 1, 20: 0.99, 200: 0.9, 500: 0.5} {
		for _, live := range []bool{true, false} {
			e := newEntrance(uint64(rate))
			e.visit(rate, nil)
			got, stats := e.read(t, live)
			tried := e.truth["203.0.113.50"]
			t.Logf("%d a second, live %v: counted %d of %d, doubtful %d", rate, live, got["203.0.113.50"], tried, stats.Doubtful)
			if n := got["203.0.113.50"]; float64(n) < least*float64(tried) || n > tried {
				t.Errorf("%d a second, live %v: counted %d of %d", rate, live, n, tried)
			}
		}
	}
}

// TestForgerWhoKnows holds that even who knows Traefik's count cannot accuse anybody
// who is not there, while the log is followed.
func TestForgerWhoKnows(t *testing.T) {
	for _, rate := range []int{2, 20, 100} {
		e := newEntrance(uint64(rate))
		forger := traefikForger{lines: 2, ends: true, closed: true, victim: "8.8.8.8"}
		e.visit(rate, func(at time.Time) string { return forger.name(e, at) })
		if got, _ := e.read(t, true); got[forger.victim] > 0 {
			t.Errorf("%d a second: %d failures counted against a stranger", rate, got[forger.victim])
		}
	}
}

// TestTraefikRestarts holds that a log goes on to be read when Traefik counts anew,
// or otherwise.
func TestTraefikRestarts(t *testing.T) {
	for _, count := range []int{0, 5000, 7_000_000} {
		for _, live := range []bool{true, false} {
			e := newEntrance(1)
			e.visit(20, nil)
			first := len(e.writes)
			e.count = count
			e.visit(20, nil)
			for i := range e.writes[first:] {
				e.writes[first+i].at = e.writes[first+i].at.Add(2 * time.Minute)
			}
			got, stats := e.read(t, live)
			n, tried := got["203.0.113.50"], e.truth["203.0.113.50"]
			if least := 0.95 * float64(tried); float64(n) < least && (live || count == 0) {
				t.Errorf("from %d, live %v: counted %d of %d, doubtful %d", count, live, n, tried, stats.Doubtful)
			}
		}
	}
}
