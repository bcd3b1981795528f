package store

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/banner"
	"odooban/internal/printable"
	"odooban/rules"
)

// equal compares what is recorded; netip's types have fields of their own.
var equal = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func TestWhatIsRecordedIsThereAfterARestart(t *testing.T) {
	path := tempPath(t)
	j := open(t, path, Options{})
	want := failures(0, 2500)
	b := ban("203.0.113.7/32", 10)
	j.Update(func(tx *Tx) {
		tx.Record("/var/log/odoo/odoo.log", "generation 1, byte 500000", want)
		tx.Ban(b)
	})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{})
	if diff := cmp.Diff(of("/var/log/odoo/odoo.log", want...), all(t, j), equal); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if got := position(t, j, "/var/log/odoo/odoo.log"); got != "generation 1, byte 500000" {
		t.Errorf("position is %q", got)
	}
	bans, err := j.Bans(noon)
	if diff := cmp.Diff([]banner.Ban{b}, bans, equal); err != nil || diff != "" {
		t.Errorf("bans: %v (-want +got):\n%s", err, diff)
	}
}

func TestAFailureCountsOnce(t *testing.T) {
	otherRule, before, longer := failure(9), failure(9), failure(0)
	otherRule.Rule = "traefik"
	before.Place.Offset--
	longer.Place.Generation += "1"
	otherUser, otherAddr, otherTime := longer, longer, longer
	otherUser.User, otherAddr.Addr, otherTime.Time = "odoo", failure(8).Addr, longer.Time.Add(time.Millisecond)
	second := longer
	second.Place.Offset++
	tests := []struct {
		name   string
		source string
		read   []rules.Failure
		want   int
	}{
		{"read again", "odoo.log", failures(0, 10), 0},
		{"read again and further", "odoo.log", failures(5, 15), 5},
		{"twice in one batch", "odoo.log", []rules.Failure{failure(20), failure(20)}, 1},
		{"the same line by another rule", "odoo.log", []rules.Failure{otherRule}, 1},
		{"a line before the last", "odoo.log", []rules.Failure{before}, 1},
		{"a generation that was rewritten", "odoo.log", []rules.Failure{longer}, 0},
		{"two of it at the same moment", "odoo.log", []rules.Failure{longer, second}, 1},
		{"another user", "odoo.log", []rules.Failure{longer, otherUser}, 1},
		{"another address", "odoo.log", []rules.Failure{longer, otherAddr}, 1},
		{"another moment", "odoo.log", []rules.Failure{longer, otherTime}, 1},
		{"another source", "other.log", failures(0, 10), 0},
		{"another source that goes further", "other.log", failures(5, 15), 5},
		{"another source that has two at the same moment", "other.log", []rules.Failure{failure(9), before}, 1},
		{"many at once", "odoo.log", failures(0, 2000), 2000 - 10},
		{"nothing", "odoo.log", nil, 0},
	}
	for _, test := range tests {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, started again %t", test.name, again), func(t *testing.T) {
				path := tempPath(t)
				j := open(t, path, Options{})
				record(j, "odoo.log", "1", failures(0, 10)...)
				if again {
					_ = j.Close()
					j = open(t, path, Options{})
				}
				fresh := record(j, test.source, "2", test.read...)
				if len(fresh) != test.want {
					t.Errorf("%d of %d failures are new, want %d", len(fresh), len(test.read), test.want)
				}
				if got := len(all(t, j)); got != 10+test.want {
					t.Errorf("%d failures are recorded, want %d", got, 10+test.want)
				}
				if got := position(t, j, test.source); got != "2" {
					t.Errorf("position is %q", got)
				}
			})
		}
	}
}

// TestAFailureCountsOnceWhateverItsOrder records any of a few failures, again and
// again, and starts again now and then.
func TestAFailureCountsOnceWhateverItsOrder(t *testing.T) {
	const most = 60
	path, random := tempPath(t), rand.New(rand.NewPCG(3, 4))
	j := open(t, path, Options{})
	counted := make(map[int]bool)
	for range 300 {
		if random.IntN(20) == 0 {
			_ = j.Close()
			j = open(t, path, Options{})
		}
		n := random.IntN(most)
		if fresh := record(j, "odoo.log", "", failure(n)); len(fresh) == 0 != counted[n] {
			t.Fatalf("of failure %d, counted %t, %d are new", n, counted[n], len(fresh))
		}
		counted[n] = true
	}
}

func TestABanIsRecordedOnce(t *testing.T) {
	j := open(t, tempPath(t), Options{})
	first, longer := ban("203.0.113.7/32", 1), ban("203.0.113.7/32", 1)
	longer.Until = longer.Until.Add(time.Hour)
	for range 2 {
		j.Update(func(tx *Tx) {
			tx.Ban(first)
			tx.Ban(longer)
		})
	}
	bans, err := j.Bans(noon)
	if diff := cmp.Diff([]banner.Ban{first}, bans, equal); err != nil || diff != "" {
		t.Errorf("bans: %v (-want +got):\n%s", err, diff)
	}
}

// What was pardoned counts no more, in the file and while it cannot be written;
// what comes after does.
func TestPardon(t *testing.T) {
	count := func(t *testing.T, j *Journal, want ...int) {
		t.Helper()
		var got []int
		for _, f := range all(t, j) {
			got = append(got, int(f.Addr.As4()[3]))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("counting (-want +got):\n%s", diff)
		}
	}
	pardon := func(j *Journal, prefix string) {
		j.Update(func(tx *Tx) { tx.Pardon(netip.MustParsePrefix(prefix), noon) })
	}
	path := tempPath(t)
	j := open(t, path, Options{})
	record(j, "odoo.log", "1", failures(0, 5)...)
	pardon(j, "203.0.113.2/31")
	count(t, j, 0, 1, 4)
	record(j, "odoo.log", "2", failures(0, 5)...) // read again
	count(t, j, 0, 1, 4)

	j.Update(func(tx *Tx) { // all at once, as after an outage
		again := failure(7)
		again.Addr = failure(2).Addr
		tx.Record("odoo.log", "3", []rules.Failure{failure(5), again})
		tx.Pardon(netip.MustParsePrefix("203.0.113.5/32"), noon)
		later := failure(8)
		later.Addr = failure(5).Addr
		tx.Record("odoo.log", "4", []rules.Failure{later})
	})
	count(t, j, 0, 1, 4, 2, 5)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{})
	count(t, j, 0, 1, 4, 2, 5)
	pardon(j, "::/0")
	count(t, j)
	record(j, "odoo.log", "5", failures(10, 12)...)
	count(t, j, 10, 11)
	if err := j.Prune(t.Context(), noon.AddDate(1, 0, 0), turn); err != nil {
		t.Fatal(err)
	}
	record(j, "odoo.log", "6", failures(12, 13)...)
	count(t, j, 11, 12) // the newest at that time was left
}

// Until it can be written a pardon holds for what is in the file and in memory.
func TestPardonDuringAnOutage(t *testing.T) {
	j := open(t, tempPath(t), Options{})
	record(j, "odoo.log", "1", failures(0, 2)...)
	j.staged.add(Failure{failure(2), "odoo.log"})
	j.staged.pardon(netip.MustParsePrefix("203.0.113.0/24"), noon)
	j.staged.add(Failure{failure(3), "odoo.log"})
	if got := all(t, j); len(got) != 1 || got[0].Addr != failure(3).Addr {
		t.Errorf("counting: %v", got)
	}
	if j.staged.trim(1); j.staged.pardoned(failure(3).Addr, 1) || !j.staged.pardoned(failure(0).Addr, 0) {
		t.Error("trimming has changed who is pardoned")
	}
}

func TestLift(t *testing.T) {
	prefix := netip.MustParsePrefix("203.0.113.7/32")
	j := open(t, tempPath(t), Options{})
	j.Update(func(tx *Tx) {
		tx.Ban(ban("203.0.113.7/32", 0))
		tx.Ban(ban("203.0.113.7/32", 30))
		tx.Ban(ban("203.0.113.8/32", 30))
	})
	j.Update(func(tx *Tx) { tx.Lift(prefix, noon.Add(31*time.Minute)) })
	j.Update(func(tx *Tx) { tx.Ban(ban("203.0.113.7/32", 40)) })
	bans, err := j.Bans(noon.Add(15 * time.Minute))
	want := []banner.Ban{ban("203.0.113.8/32", 30), ban("203.0.113.7/32", 40)}
	if diff := cmp.Diff(want, bans, equal); err != nil || diff != "" {
		t.Errorf("bans: %v (-want +got):\n%s", err, diff)
	}
	history, err := j.History(prefix)
	lifted := []Ban{
		{Ban: ban("203.0.113.7/32", 0)},
		{Ban: ban("203.0.113.7/32", 30), Lifted: noon.Add(31 * time.Minute)},
		{Ban: ban("203.0.113.7/32", 40)},
	}
	if diff := cmp.Diff(lifted, history.Bans, equal); err != nil || diff != "" {
		t.Errorf("history: %v (-want +got):\n%s", err, diff)
	}
}

func TestHistory(t *testing.T) {
	j := open(t, tempPath(t), Options{})
	var read []rules.Failure
	for i, addr := range []string{"203.0.113.7", "203.0.113.8", "2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"} {
		f := failure(i)
		f.Addr = netip.MustParseAddr(addr)
		read = append(read, f)
	}
	j.Update(func(tx *Tx) {
		tx.Record("odoo.log", "", read)
		for _, prefix := range []string{"203.0.113.7/32", "203.0.113.0/24", "2001:db8::/64", "2001:db8::1/128"} {
			tx.Ban(ban(prefix, 0))
		}
	})
	tests := []struct{ prefix, failures, bans string }{
		{"203.0.113.7/32", "203.0.113.7", "203.0.113.7/32 203.0.113.0/24"},
		{"203.0.113.0/24", "203.0.113.7 203.0.113.8", "203.0.113.7/32 203.0.113.0/24"},
		{"203.0.113.9/32", "", "203.0.113.0/24"},
		{"2001:db8::/64", "2001:db8::1 2001:db8::ffff", "2001:db8::/64 2001:db8::1/128"},
		{"2001:db8::ffff/128", "2001:db8::ffff", "2001:db8::/64"},
		{"0.0.0.0/0", "203.0.113.7 203.0.113.8", "203.0.113.7/32 203.0.113.0/24"},
		{"198.51.100.0/24", "", ""},
	}
	for _, test := range tests {
		t.Run(test.prefix, func(t *testing.T) {
			history, err := j.History(netip.MustParsePrefix(test.prefix))
			if err != nil {
				t.Fatal(err)
			}
			var addrs, prefixes []string
			for _, f := range history.Failures {
				addrs = append(addrs, f.Addr.String())
			}
			for _, b := range history.Bans {
				prefixes = append(prefixes, b.Prefix.String())
			}
			if got := strings.Join(addrs, " "); got != test.failures {
				t.Errorf("failures of %q, want %q", got, test.failures)
			}
			if got := strings.Join(prefixes, " "); got != test.bans {
				t.Errorf("bans of %q, want %q", got, test.bans)
			}
		})
	}
}

func TestHistoryHoldsTheLatest(t *testing.T) {
	j := open(t, tempPath(t), Options{})
	record(j, "odoo.log", "", failures(0, historyRows+50)...)
	history, err := j.History(netip.MustParsePrefix("203.0.113.0/24"))
	if err != nil {
		t.Fatal(err)
	}
	if len(history.Failures) != historyRows || history.Failures[0].Place != failure(50).Place {
		t.Errorf("%d failures from %v on", len(history.Failures), history.Failures[0].Place)
	}
}

// TestFailuresComeInTheOrderRecorded whatever their times, also when the journal
// is written meanwhile.
func TestFailuresComeInTheOrderRecorded(t *testing.T) {
	j := open(t, tempPath(t), Options{})
	shuffled := failures(0, 3*pageRows)
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(shuffled), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
	record(j, "odoo.log", "", shuffled...)

	since := noon.Add(1000 * time.Second)
	want := slices.DeleteFunc(slices.Clone(shuffled), func(f rules.Failure) bool { return f.Time.Before(since) })
	var got []rules.Failure
	for f, err := range j.Failures(t.Context(), since) {
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			record(j, "odoo.log", "", failure(5*pageRows))
			want = append(want, failure(5*pageRows))
		}
		got = append(got, f.Failure)
	}
	if diff := cmp.Diff(want, got, equal); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// TestWhatAttackersWriteComesBackEqual also when it is no text.
func TestWhatAttackersWriteComesBackEqual(t *testing.T) {
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"NUL", "ad\x00min"},
		{"no UTF-8", "\xff\xfe\xc3"},
		{"terminal escapes", "\x1b[2J\x1b]0;owned\a"},
		{"line ends", "admin\n2025-06-01 12:00:00,000 1 INFO"},
		{"text direction", "admin\u202egnp"},
		{"SQL", `'); DROP TABLE failures; --`},
		{"places", "a@1@-2"},
		{"escapes", `DOMAIN\user "x" \x1b \`},
		{"letters", "rené 管理员"},
		{"long", strings.Repeat("\x00", 256)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := open(t, tempPath(t), Options{})
			f := failure(1)
			f.User, f.DB, f.Place.Generation, f.Rule = test.text, test.text, test.text, test.text
			record(j, test.text, test.text, f)
			if fresh := record(j, test.text, test.text, f); len(fresh) != 0 {
				t.Error("it is new when it is read again")
			}
			if diff := cmp.Diff(of(test.text, f), all(t, j), equal); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if got := position(t, j, test.text); got != test.text {
				t.Errorf("position is %q", got)
			}
		})
	}
}

func FuzzPlaceText(f *testing.F) {
	f.Add("4026532-1", int64(200))
	f.Add("a@1", int64(-2))
	f.Add("\xc3", int64(1)<<62)
	f.Fuzz(func(t *testing.T, generation string, offset int64) {
		want := rules.Place{Generation: generation, Offset: offset}
		text := placeText(want)
		if got := placeOf(text); got != want {
			t.Errorf("%v is written %s and comes back as %v", want, text, got)
		}
		if whole := printable.Text(fmt.Sprintf("%s@%d", generation, offset)); text != whole {
			t.Errorf("%v is written %s, not %s", want, text, whole)
		}
		_ = placeOf(generation) // any text may stand in the file
	})
}

// TestTimesAreCutToTheMillisecond before they are counted, so that windows that
// are rebuilt from the journal are the same.
func TestTimesAreCutToTheMillisecond(t *testing.T) {
	for _, at := range []time.Time{
		{},
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		noon.Add(123_456_789), noon.Local(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		j := open(t, tempPath(t), Options{})
		f := failure(1)
		f.Time = at
		fresh := record(j, "odoo.log", "", f)
		if got := all(t, j)[0].Time; !got.Equal(fresh[0].Time) || got != fresh[0].Time || at.Sub(got) >= time.Millisecond {
			t.Errorf("%v is counted as %v and comes back as %v", at, fresh[0].Time, got)
		}
	}
}
