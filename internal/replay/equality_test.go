package replay_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"odooban/internal/replay"
)

// The same log, followed while it is written and replayed afterwards, gives the
// same bans to the millisecond.

// pace is how the daemon keeps up with the server.
type pace struct {
	name string
	wait func(*testing.T, *daemon, *server)
}

var paces = []pace{
	{"record by record", func(t *testing.T, d *daemon, s *server) { d.awaitSettled(t, s.lines) }},
	{"close behind", func(t *testing.T, d *daemon, s *server) { d.awaitLines(t, s.lines) }},
	bursts,
}

var bursts = pace{"in bursts", func(*testing.T, *daemon, *server) {}}

// record is what a server writes at once, at a moment.
type record func(time.Time) string

// history is what a server writes.
type history struct {
	name string
	// records makes them anew for each server.
	records func() []record
	// rest is after how many records a while passes; 0 means never.
	rest int
}

// histories are what the bans must be the same for. No server answers several
// logins within a millisecond, so the one that stamps its records now rests
// after each request.
func histories(t *testing.T) []history {
	t.Helper()
	all := []history{{"forgeries", func() []record { return forgeries(rand.New(rand.NewPCG(1, 2)), 80) }, 2}}
	for _, name := range []string{"odoo17-prefork", "odoo19-prefork", "odoo19-threaded", "odoo19-warn"} {
		var records []record
		for _, text := range capture(t, name+".log") {
			records = append(records, func(time.Time) string { return text })
		}
		all = append(all, history{name, func() []record { return records }, 0})
	}
	return all
}

// run writes the history while a daemon follows it, and rotates the log after
// each third of it.
func (h history) run(t *testing.T, p pace, rotate func(*daemon, *server)) (*daemon, *server) {
	t.Helper()
	records := h.records()
	third := len(records) / 3
	s := newServer(t)
	s.write(records[0](time.Now()))
	d := follow(t, s.path)
	d.awaitSettled(t, s.lines)
	for i, record := range records[1:] {
		if i == third || i == 2*third {
			rotate(d, s)
		}
		s.write(record(time.Now()))
		p.wait(t, d, s)
		if h.rest > 0 && i%h.rest == 0 {
			d.awaitSettled(t, s.lines)
		}
	}
	d.awaitSettled(t, s.lines)
	return d, s
}

// header is the beginning of a record of a process that was there; the forged
// ones have 1.
var header = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \d{2,} `)

// capture returns the records of a capture as they were written.
func capture(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "logs", name))
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	for line := range strings.Lines(string(text)) {
		if len(records) == 0 || header.MatchString(line) {
			records = append(records, "")
		}
		records[len(records)-1] += line
	}
	return records
}

const (
	accessLine = "%s %d INFO shop werkzeug: %s - - [%s] \"POST %s HTTP/1.1\" 200 - 5 0.000 %.3f\n"
	failedLine = "%s %d INFO shop odoo.addons.base.models.res_users: Login failed for login:%s from %s \n"
)

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05,000") }

// access is the access line of a request that came in at began.
func access(began, at time.Time, pid int, addr, path string) string {
	day := at.UTC().Format("02/Jan/2006 15:04:05")
	return fmt.Sprintf(accessLine, stamp(at), pid, addr, day, path, at.Sub(began).Seconds()+0.001)
}

// forgeries makes the log of a prefork server under attack by five addresses.
// Some logins hold whole records, with true processes and times, that blame
// 8.8.8.8.
func forgeries(rng *rand.Rand, requests int) []record {
	const victim = "8.8.8.8"
	pids := []int{401, 402, 403}
	var records []record
	for i := range 18 {
		records = append(records, func(at time.Time) string {
			return access(at, at, pids[i%len(pids)], "198.51.100.1", "/web/dataset/call_kw")
		})
	}
	for range requests {
		pid, other := pids[rng.IntN(len(pids))], pids[rng.IntN(len(pids))]
		addr := fmt.Sprintf("203.0.113.%d", 20+rng.IntN(5))
		kind, end, path := rng.IntN(6), addr, "/web/login"
		if kind == 0 {
			end, path = "n/a", "/jsonrpc"
		}
		var began time.Time
		records = append(records,
			func(at time.Time) string {
				began = at
				login := "admin"
				switch kind {
				case 1:
					login = "x from " + victim
				case 2:
					login = "x from " + victim + "\n" + fmt.Sprintf(failedLine, stamp(at), pid, "y", victim)
				case 3:
					login = "x from " + victim + "\n" + fmt.Sprintf(failedLine, stamp(at), other, "y", victim) +
						access(at, at, other, victim, "/web/login")
				}
				return fmt.Sprintf(failedLine, stamp(at), pid, login, end)
			},
			func(at time.Time) string { return access(began, at, pid, addr, path) })
	}
	return records
}

func TestLiveAndReplayGiveTheSameBans(t *testing.T) {
	for _, h := range histories(t) {
		for _, p := range paces {
			t.Run(h.name+" "+p.name, func(t *testing.T) {
				t.Parallel()
				d, s := h.run(t, p, func(*daemon, *server) {})
				wantSame(t, d, replayed(t, s.path))
			})
		}
	}
}

// A log that was rotated under the daemon gives the same bans when its pieces
// are replayed together, in whatever order they are named.
func TestRotatedLogsGiveTheSameBans(t *testing.T) {
	rotations := []struct {
		name   string
		rotate func(*testing.T, *daemon, *server)
	}{
		{"renamed", func(t *testing.T, _ *daemon, s *server) {
			rename(t, s.path, s.path+".1")
			s.reopen()
		}},
		{"renamed, and reopened late", func(t *testing.T, d *daemon, s *server) {
			rename(t, s.path, s.path+".1")
			s.write("2026-11-23 09:00:00,000 1 INFO shop odoo.http: the last words\n")
			d.awaitLines(t, s.lines)
			s.reopen()
		}},
		{"copied and truncated", func(t *testing.T, d *daemon, s *server) {
			d.awaitSettled(t, s.lines)
			text, err := os.ReadFile(s.path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.path+".1", text, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(s.path, 0); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, h := range histories(t) {
		for _, r := range rotations {
			t.Run(h.name+" "+r.name, func(t *testing.T) {
				t.Parallel()
				rotations := 0
				d, s := h.run(t, bursts, func(d *daemon, s *server) {
					if rotations++; rotations == 2 {
						rename(t, s.path+".1", s.path+".2")
					}
					r.rotate(t, d, s)
				})
				wantSame(t, d, replayed(t, s.path, s.path+".1", s.path+".2"))
			})
		}
	}
}

// A ban is decided on as soon as the failure that completes it is certain, not
// in the end.
func TestBansDoNotWait(t *testing.T) {
	s := newServer(t)
	d := follow(t, s.path)
	for i, record := range capture(t, "odoo19-prefork.log") {
		s.write(record)
		d.awaitSettled(t, s.lines)
		// Behind each access line everything before it is certain.
		if i%20 == 0 && strings.Contains(record, "werkzeug: ") {
			soFar := filepath.Join(t.TempDir(), "odoo.log")
			text, err := os.ReadFile(s.path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(soFar, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(replayed(t, soFar), d.banned(), comparing); diff != "" {
				t.Fatalf("after record %d (-replay +live):\n%s", i, diff)
			}
		}
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// comparing lets cmp compare bans.
var comparing = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

// wantSame stops the daemon and compares its bans with those of a replay.
func wantSame(t *testing.T, d *daemon, want []replay.Ban) {
	t.Helper()
	d.stop()
	if diff := cmp.Diff(want, d.banned(), comparing); diff != "" {
		t.Errorf("live (-replay +live):\n%s", diff)
	}
	for _, ban := range want {
		if ban.Prefix.Addr() == netip.MustParseAddr("8.8.8.8") {
			t.Errorf("banned whom a login blamed: %v", ban)
		}
	}
	if len(d.alarms) > 0 {
		t.Errorf("alarms %q", d.alarms)
	}
}
