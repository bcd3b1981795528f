package ledger

import (
	"cmp"
	"net/netip"
	"slices"
)

const (
	// sharedWait is after how long records "from n/a" of threads are given to who made
	// them, sharedReady after how long all have come that may have made one, in
	// milliseconds.
	sharedWait  = 300
	sharedReady = 150
	// mostShared bounds how many are given away at once.
	mostShared = 64
)

// share gives records "from n/a" of threads to who made them, those at once that the
// same answers may have made.
func (w *pending) share(end bool) {
	for len(w.shared) > 0 {
		if !end && !w.waited(w.shared[0], sharedWait) {
			return
		}
		w.give(w.group(w.shared[0], end))
		w.shared = slices.DeleteFunc(w.shared, func(r *record) bool { return r.given || r.answer != nil })
	}
}

// group returns a record and those that the same answers may have made, directly or
// by one another.
func (w *pending) group(first *record, end bool) []*record {
	group := []*record{first}
	first.given = true
	for i := 0; i < len(group); i++ {
		for _, a := range group[i].rivals {
			for _, r := range a.shared {
				if !r.given && r.answer == nil && len(group) < mostShared && (end || w.waited(r, sharedReady)) {
					r.given = true
					group = append(group, r)
				}
			}
		}
	}
	slices.SortFunc(group, func(a, b *record) int { return cmp.Compare(a.Number, b.Number) })
	return group
}

// give charges a group's failures.
func (w *pending) give(group []*record) {
	answers := rivalsOf(group)
	for _, a := range answers {
		a.free = true
	}
	for _, r := range group {
		r.given = r.way == NoWay
	}
	for w.giveCertain(group) {
	}
	w.giveCounted(group, answers)
}

// giveCertain gives away the records that only one answer can have made, and reports
// whether there was one.
func (w *pending) giveCertain(group []*record) (some bool) {
	for _, r := range group {
		if r.answer != nil {
			continue
		}
		var only *answer
		for _, a := range r.rivals {
			if a.free && only != nil {
				only = nil
				break
			}
			if a.free {
				only = a
			}
		}
		if only != nil {
			only.free, some = false, true
			w.claim([]*record{r}, only)
		}
	}
	return some
}

// giveCounted gives away the rest. Some of the answers made no failed login, and which is
// not known. So of an address with more answers than there are of these, so many of the
// rest have failed.
func (w *pending) giveCounted(group []*record, answers []*answer) {
	others := 0
	for _, a := range answers {
		if a.free {
			others++
		}
	}
	for _, r := range group {
		if r.answer == nil && r.way != NoWay {
			others--
		}
	}
	spare := make(map[netip.Addr]int)
	for _, a := range answers {
		if a.free && spare[a.addr] < others {
			spare[a.addr]++
			a.free = false
		}
	}
	for _, r := range group {
		if r.answer != nil || r.way == NoWay {
			continue
		}
		if at := slices.IndexFunc(r.rivals, func(a *answer) bool { return a.free }); at >= 0 {
			r.rivals[at].free = false
			w.claim([]*record{r}, r.rivals[at])
			continue
		}
		w.lose(r, len(answers))
	}
}

// lose gives up on a record that nobody is known to have made.
func (w *pending) lose(r *record, answers int) {
	why := Ambiguous
	if answers == 0 {
		why = NoAddress
	}
	r.given = true
	w.attempts = append(w.attempts, &attempt{record: r, way: r.way, bad: why, Detail: r.Detail})
}

// rivalsOf returns the answers that may have made records of a group. Where some are to
// programs, it was one of these, and of these one that names no database, as a login does,
// if there are enough.
func rivalsOf(group []*record) (answers []*answer) {
	seen := make(map[*answer]bool)
	failed := 0
	for _, r := range group {
		if r.way != NoWay {
			failed++
		}
		for _, a := range r.rivals {
			if !seen[a] {
				seen[a] = true
				answers = append(answers, a)
			}
		}
	}
	if rpc := filter(answers, func(a *answer) bool { return a.rpc }); len(rpc) > 0 {
		answers = rpc
	}
	if nameless := filter(answers, func(a *answer) bool { return a.nameless }); len(nameless) >= failed {
		answers = nameless
	}
	slices.SortFunc(answers, func(a, b *answer) int { return cmp.Compare(a.Number, b.Number) })
	return answers
}

func filter(answers []*answer, keep func(*answer) bool) (some []*answer) {
	for _, a := range answers {
		if keep(a) {
			some = append(some, a)
		}
	}
	return some
}
