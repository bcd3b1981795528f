package once

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"odooban/rules"
)

// attempt is one of a moment, in the line of a generation.
func attempt(moment int, generation string, line int) *rules.Failure {
	return &rules.Failure{
		Time: time.UnixMilli(int64(moment)), Addr: netip.MustParseAddr("203.0.113.20"), User: "admin", DB: "shop",
		Rule: rules.LoginRule, Place: rules.Place{Generation: generation, Offset: int64(line)},
	}
}

// TestSetTakesEachOnce hands records to several readings, each of which has a part of
// them, in any order among the readings; some moments have several records.
func TestSetTakesEachOnce(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		const records = 50
		moments := make([]int, records)
		for i := 1; i < records; i++ {
			moments[i] = moments[i-1] + rng.IntN(2)
		}
		// All that a reading has of a moment is all or the first of it: a log that is trimmed
		// within a millisecond would not show which of its records are gone.
		readings := make([][]int, 4)
		want := make(map[int]bool)
		for i := range readings {
			from := rng.IntN(records)
			for from > 0 && moments[from] == moments[from-1] {
				from--
			}
			for record := from; record < from+rng.IntN(records-from)+1; record++ {
				readings[i] = append(readings[i], record)
				want[record] = true
			}
		}
		set, counted := New(Most), 0
		for line := 0; ; line++ {
			var left []int
			for i := range readings {
				if len(readings[i]) > 0 {
					left = append(left, i)
				}
			}
			if len(left) == 0 {
				break
			}
			i := left[rng.IntN(len(left))]
			if set.Take("odoo.log", attempt(moments[readings[i][0]], fmt.Sprint(i), line)) {
				counted++
			}
			readings[i] = readings[i][1:]
		}
		if counted != len(want) {
			t.Fatalf("seed %d: %d of %d records were counted", seed, counted, len(want))
		}
	}
}

func TestSetKnowsWhatWasAdded(t *testing.T) {
	set := New(Most)
	if set.Knows(attempt(1, "a", 1)) {
		t.Error("an empty set knows an attempt")
	}
	set.Add("odoo.log", attempt(1, "a", 1))
	set.Add("odoo.log", attempt(1, "a", 2))
	if !set.Knows(attempt(1, "b", 1)) || set.Knows(attempt(2, "a", 1)) {
		t.Error("it is not known what was added")
	}
	for n, want := range []bool{false, false, true} {
		if got := set.Take("odoo.log", attempt(1, "b", n)); got != want {
			t.Errorf("number %d of a copy: counted %v", n, got)
		}
	}
	if set.Take("odoo.log", attempt(1, "a", 3)) {
		t.Error("the third line of the first reading is the third of the copy")
	}
}

func TestSetIsBounded(t *testing.T) {
	const most = 100
	set := New(most)
	for moment := range 10 * most {
		if !set.Take("odoo.log", attempt(moment, "a", moment)) {
			t.Fatal("an attempt that is new was not counted")
		}
		if n := len(set.young) + len(set.old); n > 2*most {
			t.Fatalf("%d numbers are kept", n)
		}
		for back := range most / 2 { // two numbers each
			if moment >= back && !set.Knows(attempt(moment-back, "b", 0)) {
				t.Fatalf("%d back is forgotten", back)
			}
		}
	}
}
