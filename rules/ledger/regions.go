package ledger

import "slices"

const (
	// mostRegions bounds how many regions are open.
	mostRegions = 256
	// regionReach is how many lines behind a region an answer may still show that
	// another record holds it.
	regionReach = 2000
	// mostRecent bounds how many records are remembered for the regions that they
	// may turn out to stand in.
	mostRecent = 4096
)

// region is what one record holds besides its first line, up to the last line that
// ends in the address of its answer. Nothing in it is what it looks like.
type region struct {
	author   *attempt
	from, to uint64 // behind the first line, up to the last
	why      Reason
	end      *record // that the last line looks like; nil for none
	live     bool
}

// holds reports whether a line stands in the region.
func (r *region) holds(line uint64) bool { return r.from < line && line <= r.to }

// refuted reports whether the last line was a record of its own after all.
func (r *region) refuted() bool {
	e := r.end
	return r.why == Twice && e != nil && e.bad == "" && e.answer != nil && e.answer != r.author.answer
}

// regions are those that later lines may still have a say in.
type regions struct {
	open    []*region
	changed bool
	recent  []*record // a ring
	next    int
}

// write remembers a record.
func (s *regions) write(r *record) {
	if len(s.recent) < mostRecent {
		s.recent = append(s.recent, r)
		return
	}
	s.recent[s.next] = r
	s.next = (s.next + 1) % mostRecent
}

// add opens a region.
func (s *regions) add(r *region) {
	s.open, s.changed = append(s.open, r), true
	for i := range s.recent { // the latest first
		one := s.recent[(s.next-1-i+2*len(s.recent))%len(s.recent)]
		if one.Number <= r.from {
			break
		}
		if one.Number <= r.to && one.answer != r.author.answer {
			one.void = r
		}
	}
}

// judge finds out which regions there are. An answer that stands in a later one is a
// part of that: it accuses nobody.
func (s *regions) judge() {
	if !s.changed {
		return
	}
	s.changed = false
	for i, r := range slices.Backward(s.open) {
		r.live = !r.refuted() && s.holder(s.open[i+1:], r.author.answer.Number) == nil
	}
}

// holder returns the region of some that holds a line, or nil.
func (s *regions) holder(some []*region, line uint64) *region {
	for _, r := range some {
		if r.live && r.holds(line) {
			return r
		}
	}
	return nil
}

// around returns a region of another attempt that holds this one, or nil.
func (s *regions) around(x *attempt) *region {
	for _, r := range s.open {
		if r.live && r.author != x && r.holds(x.last().Number) {
			return r
		}
	}
	return nil
}

// over returns the oldest region if it is too far back for anything to change it.
func (s *regions) over(line uint64) *region {
	if len(s.open) == 0 || len(s.open) < mostRegions && line-s.open[0].author.answer.Number <= regionReach {
		return nil
	}
	s.judge()
	r := s.open[0]
	s.open = slices.Delete(s.open, 0, 1)
	return r
}
