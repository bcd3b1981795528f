package engine

import (
	"bytes"
	"fmt"
	"testing"
)

// TestTrail reads 64 MiB of lines of 1 KiB, in two generations of 32 MiB.
func TestTrail(t *testing.T) {
	const size, each, lines = 64 << 20, 32 << 20, 1 << 10
	walk := func() *trail {
		var walked trail
		read := make(map[string]int64)
		for at := int64(0); at < size; at += lines {
			read[fmt.Sprint(at/each)] = at % each
			if walked.pass(lines) {
				walked.add(read, fmt.Append(nil, at))
			}
		}
		return &walked
	}
	for _, tc := range []struct {
		name string
		open map[string]int64
		// at is where the first open line begins in all, or negative without one.
		at int64
	}{
		{"nothing open", nil, -1},
		{"the last line", map[string]int64{"1": each - lines}, size - lines},
		{"a little back", map[string]int64{"1": each - reread/2}, size - reread/2},
		{"far back", map[string]int64{"1": each - 20<<20}, size - 20<<20},
		{"in the file before", map[string]int64{"0": each - 5<<20}, each - 5<<20},
		{"in both", map[string]int64{"0": each - 5<<20, "1": 7 << 20}, each - 5<<20},
		{"in a file that is not known", map[string]int64{"2": 0}, -1},
		{"the first line", map[string]int64{"0": 0}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			walked := walk()
			position := walked.before(tc.open)
			if near := tc.at < 0 || tc.at >= size-reread/2; near || position == nil {
				if position != nil || !near {
					t.Errorf("position %s, near: %v", position, near)
				}
				return
			}
			var at int64
			if _, err := fmt.Sscan(string(position), &at); err != nil {
				t.Fatal(err)
			}
			if at > tc.at || tc.at-at > apart {
				t.Errorf("goes on at %d, the first open line begins at %d", at, tc.at)
			}
			if again := walked.before(tc.open); !bytes.Equal(again, position) {
				t.Errorf("goes on at %s when asked again, first at %s", again, position)
			}
		})
	}
}

func TestTrailIsBounded(t *testing.T) {
	var long trail
	for i := range 3 * maxSteps {
		if !long.pass(apart) {
			t.Fatal("no step is due")
		}
		long.add(map[string]int64{"": int64(i)}, fmt.Append(nil, i))
	}
	if len(long.steps) != maxSteps {
		t.Errorf("%d steps", len(long.steps))
	}
	if got := string(long.before(map[string]int64{"": 0})); got != fmt.Sprint(2*maxSteps) {
		t.Errorf("goes on at %s", got)
	}
}
