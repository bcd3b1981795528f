package rules

import (
	"cmp"
	"slices"
)

// timeline lists the attempts of one process that a request can have made, by
// time. It is as judge left it.
type timeline struct {
	proc     process
	attempts []moment
}

// moment is an attempt with its time, in microseconds since 1970.
type moment struct {
	micro   int64
	attempt *attempt
}

// timelines are those of all processes.
type timelines struct {
	of map[process]*timeline
	// recent are some of them, by their PIDs: a log has few processes.
	recent [16]*timeline
}

// find returns the timeline of a process, or nil.
func (t *timelines) find(p process) *timeline {
	recent := &t.recent[uint32(p.pid)%uint32(len(t.recent))]
	if *recent == nil || (*recent).proc != p {
		found := t.of[p]
		if found == nil {
			return nil
		}
		*recent = found
	}
	return *recent
}

// begin returns the timeline of a process, a new one if it has none.
func (t *timelines) begin(p process) *timeline {
	if found := t.find(p); found != nil {
		return found
	}
	if t.of == nil {
		t.of = make(map[process]*timeline)
	}
	begun := &timeline{proc: p}
	t.of[p] = begun
	return begun
}

// fill lists attempts anew, and forgets what was known of them.
func (t *timelines) fill(attempts []*attempt) {
	for _, line := range t.of {
		line.attempts = line.attempts[:0]
	}
	for _, a := range attempts {
		a.verdict = verdict{}
		if a.claimable() {
			line := t.begin(a.proc)
			line.attempts = append(line.attempts, moment{a.micro, a})
		}
	}
	byTime := func(a, b moment) int { return cmp.Compare(a.micro, b.micro) }
	for p, line := range t.of {
		switch {
		case len(line.attempts) == 0:
			delete(t.of, p)
			t.recent = [len(t.recent)]*timeline{}
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
