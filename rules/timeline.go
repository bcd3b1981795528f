package rules

import (
	"cmp"
	"slices"
)

// timeline lists the attempts of one process that a request can have made, by
// time. It is as judge left it.
type timeline struct{ attempts []moment }

// moment is an attempt with its time, in microseconds since 1970.
type moment struct {
	micro   int64
	attempt *attempt
}

// timelines are those of all processes.
type timelines struct{ of byProcess[timeline] }

// fill lists attempts anew, and forgets what was known of them.
func (t *timelines) fill(attempts []*attempt) {
	for _, line := range t.of.all {
		line.attempts = line.attempts[:0]
	}
	for _, a := range attempts {
		a.verdict = verdict{}
		if a.claimable() {
			line := t.of.find(a.proc)
			if line == nil {
				line = t.of.begin(a.proc)
			}
			line.attempts = append(line.attempts, moment{a.micro, a})
		}
	}
	byTime := func(a, b moment) int { return cmp.Compare(a.micro, b.micro) }
	for p, line := range t.of.all {
		switch {
		case len(line.attempts) == 0:
			t.of.forget(p)
		case !slices.IsSortedFunc(line.attempts, byTime):
			slices.SortStableFunc(line.attempts, byTime)
		}
	}
}

// within returns those of a time.
func (t *timeline) within(from, to int64) []moment {
	start, end := 0, len(t.attempts)
	for start < end { // as sort.Search does; this is called for every request
		if middle := (start + end) / 2; t.attempts[middle].micro < from {
			start = middle + 1
		} else {
			end = middle
		}
	}
	for end < len(t.attempts) && t.attempts[end].micro <= to {
		end++
	}
	return t.attempts[start:end]
}
