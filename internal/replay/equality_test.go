package replay_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"odooban/internal/replay"
	"odooban/rules"
)

// The same log, followed while it is written and replayed afterwards, gives the
// same bans: to the millisecond if the daemon reads what is written at once.

// pace is how the daemon keeps up with the server.
type pace struct {
	name  string
	batch int // how many records the daemon finds when it looks
	// late says that it may read a record a while after it was written: where
	// logs are polled, or the machine is busy. Then it has to be stricter about
	// what stands beside forged records, and may wait for what speaks for a failure
	// while later ones count: these may complete a ban first.
	late bool
	// pauses says that the server then waits until the daemon has seen that
	// nothing more comes; else it goes on when that has been read.
	pauses bool
}

var paces = []pace{
	{"record by record", 1, false, true},
	{"close behind", 1, false, false},
	{"now and then", 7, true, true},
	{"late", 1 << 30, true, true},
}

// record is what a server writes at once.
type record struct {
	at   time.Time
	text string
}

// histories are what the bans must be the same for.
func histories(t *testing.T) map[string][]record {
	t.Helper()
	all := map[string][]record{"forgeries": forgeries(rand.New(rand.NewPCG(1, 2)), 150)}
	for _, name := range []string{"odoo17-prefork", "odoo19-prefork", "odoo19-threaded", "odoo19-warn"} {
		all[name] = capture(t, name+".log")
	}
	return all
}

// run writes a log while a daemon follows it, and rotates it after each third.
func run(t *testing.T, records []record, p pace, rotate func(*daemon, *server)) (*daemon, *server) {
	t.Helper()
	s := newServer(t)
	s.write(records[0])
	d := follow(t, s, p.pauses)
	d.awaitSettled(t, s.lines)
	third := len(records) / 3
	for _, part := range [][]record{records[1:third], records[third : 2*third], records[2*third:]} {
		for batch := range slices.Chunk(part, min(p.batch, len(part))) {
			s.write(batch...)
			if d.awaitLines(t, s.lines); p.pauses {
				d.awaitSettled(t, s.lines)
			}
		}
		rotate(d, s)
	}
	d.awaitSettled(t, s.lines)
	return d, s
}

// header is the beginning of a record of a process that was there; the forged
// ones have 1.
var header = regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \d{2,} `)

const stampLayout = "2006-01-02 15:04:05,000"

// capture returns the records of a capture as they were written.
func capture(t *testing.T, name string) []record {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "logs", name))
	if err != nil {
		t.Fatal(err)
	}
	var records []record
	for line := range strings.Lines(string(text)) {
		if m := header.FindStringSubmatch(line); m != nil {
			at, err := time.Parse(stampLayout, m[1])
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, record{at: at})
		}
		records[len(records)-1].text += line
	}
	return records
}

const (
	accessLine = "%s %d INFO shop werkzeug: %s - - [%s] \"POST %s HTTP/1.1\" 200 - 5 0.001 %.3f\n"
	failedLine = "%s %d INFO shop odoo.addons.base.models.res_users: Login failed for login:%s from %s \n"
)

func stamp(t time.Time) string { return t.Format(stampLayout) }

// access is the access line of a request that took so long.
func access(at time.Time, pid int, addr, path string, took time.Duration) string {
	return fmt.Sprintf(accessLine, stamp(at), pid, addr, at.Format("02/Jan/2006 15:04:05"), path, took.Seconds())
}

// forgeries makes the log of a prefork server under attack by five addresses.
// Some logins hold whole records, with true processes and times, that blame
// 8.8.8.8.
func forgeries(rng *rand.Rand, requests int) []record {
	const victim, took = "8.8.8.8", 30 * time.Millisecond
	pids := []int{401, 402, 403}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	var records []record
	write := func(text string) { records = append(records, record{now, text}) }
	for i := range 18 {
		now = now.Add(50 * time.Millisecond)
		write(access(now, pids[i%len(pids)], "198.51.100.1", "/web/dataset/call_kw", took))
	}
	for range requests {
		now = now.Add(time.Duration(50+rng.IntN(400)) * time.Millisecond)
		pid, other := pids[rng.IntN(len(pids))], pids[rng.IntN(len(pids))]
		addr := fmt.Sprintf("203.0.113.%d", 20+rng.IntN(5))
		login, end, path := "admin", addr, "/web/login"
		switch rng.IntN(6) {
		case 0:
			end, path = "n/a", "/jsonrpc"
		case 1:
			login = "x from " + victim
		case 2:
			login = "x from " + victim + "\n" + fmt.Sprintf(failedLine, stamp(now), pid, "y", victim)
		case 3:
			login = "x from " + victim + "\n" + fmt.Sprintf(failedLine, stamp(now), other, "y", victim) +
				access(now, other, victim, "/web/login", took)
		}
		write(fmt.Sprintf(failedLine, stamp(now), pid, login, end))
		now = now.Add(5 * time.Millisecond)
		write(access(now, pid, addr, path, took))
	}
	return records
}

func TestLiveAndReplayGiveTheSameBans(t *testing.T) {
	for name, records := range histories(t) {
		for _, p := range paces {
			if p.late && name == "forgeries" {
				continue
			}
			t.Run(name+" "+p.name, func(t *testing.T) {
				t.Parallel()
				d, s := run(t, records, p, func(*daemon, *server) {})
				within := time.Duration(0)
				if p.late {
					within = rules.LonePatience
				}
				wantSame(t, d, replayed(t, s.path), within)
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
			_, at := s.times(0)
			s.write(record{at, stamp(at) + " 401 INFO shop odoo.http: the last words\n"})
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
	for name, records := range histories(t) {
		for _, r := range rotations {
			t.Run(name+" "+r.name, func(t *testing.T) {
				t.Parallel()
				rotations := 0
				d, s := run(t, records, paces[1], func(d *daemon, s *server) {
					for i := rotations; i > 0; i-- {
						rename(t, fmt.Sprint(s.path, ".", i), fmt.Sprint(s.path, ".", i+1))
					}
					rotations++
					r.rotate(t, d, s)
				})
				wantSame(t, d, replayed(t, s.path, s.path+".1", s.path+".2", s.path+".3"), 0)
			})
		}
	}
}

// A ban is decided on as soon as the failure that completes it is certain, not
// in the end.
func TestBansDoNotWait(t *testing.T) {
	s := newServer(t)
	d := follow(t, s, true)
	for i, r := range capture(t, "odoo19-prefork.log") {
		s.write(r)
		d.awaitSettled(t, s.lines)
		// Behind each access line everything before it is certain.
		if i%20 == 0 && strings.Contains(r.text, "werkzeug: ") {
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

// comparing lets cmp compare bans and reports.
var comparing = cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})}

// wantSame stops the daemon and compares its bans with those of a replay, of which the
// times may differ so much.
func wantSame(t *testing.T, d *daemon, want []replay.Ban, within time.Duration) {
	t.Helper()
	d.stop()
	if diff := cmp.Diff(want, d.banned(), comparing, cmpopts.EquateApproxTime(within)); diff != "" {
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
