package store

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"odooban/banner"
	"odooban/rules"
)

// noon is when the attacks of these tests begin.
var noon = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

// tempPath is a path for a journal in a folder that has to be made.
func tempPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "odooban", "odooban.db")
}

// open opens a journal that is closed with the test.
func open(t testing.TB, path string, opts Options) *Journal {
	t.Helper()
	j, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// failure is the nth failure of an attack from 203.0.113.0/24, one a second.
func failure(n int) rules.Failure {
	return rules.Failure{
		Time: noon.Add(time.Duration(n) * time.Second),
		Addr: netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}),
		User: "admin", DB: "production", Rule: rules.LoginRule,
		Place: rules.Place{Generation: "4026532-1", Offset: int64(n) * 200},
	}
}

func failures(from, to int) []rules.Failure {
	var all []rules.Failure
	for n := from; n < to; n++ {
		all = append(all, failure(n))
	}
	return all
}

// ban is a ban of a quarter of an hour that begins some minutes after noon.
func ban(prefix string, minutes int) banner.Ban {
	at := noon.Add(time.Duration(minutes) * time.Minute)
	return banner.Ban{
		Prefix: netip.MustParsePrefix(prefix), Rule: rules.LoginRule,
		Time: at, Until: at.Add(15 * time.Minute), Failures: 10,
	}
}

// record records failures of one source in one Update, and returns the new ones.
func record(j *Journal, source, position string, failures ...rules.Failure) (fresh []rules.Failure) {
	j.Update(func(tx *Tx) { fresh = tx.Record(source, position, failures) })
	return fresh
}

// of is failures of one source, as they come back.
func of(source string, failures ...rules.Failure) []Failure {
	var all []Failure
	for _, f := range failures {
		all = append(all, Failure{f, source})
	}
	return all
}

// all reads all failures.
func all(t testing.TB, j *Journal) []Failure {
	t.Helper()
	var all []Failure
	for f, err := range j.Failures(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

// position is the position of a source.
func position(t testing.TB, j *Journal, source string) string {
	t.Helper()
	positions, err := j.Positions()
	if err != nil {
		t.Fatal(err)
	}
	return positions[source]
}

// codes collects the codes of events.
type codes []string

func (c *codes) tell(e Event) { *c = append(*c, e.Code) }

// turn is for Prune where nobody counts its steps.
func turn() {}
