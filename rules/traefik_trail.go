package rules

import (
	"bytes"
	"net/netip"
	"slices"
	"time"
)

// trail tells which lines of the common format begin records. Live, the first
// line of a burst does, and the last one ends one. Those between count where
//
//   - the line before ended in a count that is due (traefik_count.go),
//   - no line of the burst ended in one that is strange, nor did lately, and
//   - the address has begun a burst itself lately. So somebody who is not there
//     cannot be accused at all.
//
// In history there are no bursts. There a line counts that follows one which ended
// in a count that is due, unless that count comes a second time.
type trail struct {
	counts numbering
	// open says that the line before may not have ended a record.
	open bool
	// lines is how many lines the burst has so far, opened when its first came.
	lines  int
	opened time.Time
	// odd says that one of them ended in a strange count, fits that one ended in one
	// that is due, broken that one was no line of Traefik's.
	odd, fits, broken bool
	// last is the count that the last ended in, is what is to be thought of it.
	last uint64
	is   dueness
	// candidate is the count that the burst before ended in, misfits how many bursts
	// in turn had no count that is due.
	candidate uint64
	misfits   int
	// astray is how many lines in turn ended in counts that have nothing to do with
	// those before.
	astray int
	// blamed is when a burst was forged at the latest, wary for how long nothing
	// counts then but what begins a burst.
	blamed time.Time
	wary   time.Duration
	// visitors are those who began bursts, and when they did so at the latest.
	visitors map[netip.Addr]time.Time
}

const (
	// leastWary is how long odooban is wary after a forgery, twice as long after
	// each further one, and up to mostWary: whoever guesses counts has to wait.
	leastWary = 10 * time.Second
	mostWary  = time.Hour
	// visiting is for how long somebody who began a burst is a visitor.
	visiting = 10 * time.Minute
	// maxVisitors bounds how many are remembered.
	maxVisitors = 8192
	// busy is after how long without a pause nobody needs to begin a burst.
	busy = 10 * time.Second
)

// origin says how sure it is that a line begins a record, and so that its address
// is true.
type origin struct {
	begins  bool // it is the first of its burst
	follows bool // the line before ended in a count that is due
	strange bool // it ends in a strange count itself
}

// trace takes a line of the common format, or what may be a part of a record in
// it. whole says that it is a line of Traefik's.
func (s *Scanner) trace(line Line, whole bool) (o origin) {
	t := &s.traefik.trail
	is, since := strange, s.offset
	n, ok := countOf(bytes.TrimRight(line.Text, " \r"))
	switch {
	case ok:
		is, since = t.counts.take(n, s.offset)
	case whole: // Traefik was told not to write the count
		is = overdue
	}
	o.follows, o.strange = !t.open, is == strange
	t.open, t.last, t.is = is != due, n, is
	if t.astray++; is == due || since < s.offset {
		t.astray = 0
	}
	if line.Seen.IsZero() {
		if since < s.offset {
			s.drop(func(h *heldFailure) bool { return h.seen.IsZero() && h.offset > since })
		}
		return o
	}
	if o.begins = t.lines == 0; o.begins {
		t.opened = line.Seen
	}
	t.lines++
	t.odd, t.fits, t.broken = t.odd || o.strange, t.fits || is == due, t.broken || !whole
	return o
}

// traced takes a line of Traefik's, and notes who began a burst.
func (s *Scanner) traced(line Line, q *proxied) origin {
	t := &s.traefik
	t.common = true
	o := s.trace(line, true)
	if o.begins && !o.strange {
		if addr, ok := q.client(s.set.proxies); ok {
			t.trail.visited(addr, line.Seen)
		}
	}
	return o
}

// drop drops what is held, not sure, and may be forged.
func (s *Scanner) drop(forged func(*heldFailure) bool) {
	t := &s.traefik
	before := len(t.held)
	t.held = slices.DeleteFunc(t.held, func(h heldFailure) bool { return !h.sure && forged(&h) })
	s.stats.Doubtful += uint64(before - len(t.held))
}

// hold keeps a failure until it is certain that nobody has forged it.
func (s *Scanner) hold(h heldFailure) {
	t := &s.traefik
	h.sure = h.sure || h.origin.begins && !h.origin.strange
	if !h.sure && h.seen.IsZero() && !h.origin.follows {
		s.stats.Doubtful++
		return
	}
	t.held = append(t.held, h)
}

// judgeBurst says of the failures read up to until whether they count; settled
// says that the burst has ended.
func (s *Scanner) judgeBurst(until time.Time, settled bool) {
	t := &s.traefik.trail
	lone := settled && t.lines == 1 && !t.broken // then it is a record, whatever it counts
	if t.odd && !lone {
		t.blame(until)
	}
	lone = lone && until.Sub(t.blamed) > burstAge
	read := func(h *heldFailure) bool { return !h.seen.IsZero() && !h.seen.After(until) }
	s.drop(func(h *heldFailure) bool {
		return read(h) && (!lone || !h.origin.begins) && !t.trusts(h, until)
	})
	for i := range s.traefik.held {
		h := &s.traefik.held[i]
		h.sure = h.sure || read(h)
	}
	t.odd, t.broken = false, false
	if settled {
		t.settle(s.offset)
	}
}

// confirms says that the counts which the line up to offset fits go on for longer
// than any record, so that they are Traefik's own.
func (t *trail) confirms(offset int64) bool {
	return t.counts.now != nil && t.counts.now.fitted-offset > horizon
}

// misled says, at the end of the log, that the counts are not Traefik's own: one
// line may belong to a request that took long, but not several.
func (t *trail) misled() bool { return t.astray > 1 }

// trusts says whether a line within a burst is believed.
func (t *trail) trusts(h *heldFailure, now time.Time) bool {
	if !h.origin.follows || now.Sub(t.blamed) <= t.wary {
		return false
	}
	began, ok := t.visitors[h.Addr]
	return ok && now.Sub(began) <= visiting || now.Sub(t.opened) > busy
}

// blame takes note of a forgery.
func (t *trail) blame(now time.Time) {
	switch since := now.Sub(t.blamed); {
	case t.wary == 0 || since > 2*mostWary:
		t.wary = leastWary
	case since > t.wary:
		t.wary = min(2*t.wary, mostWary)
	}
	t.blamed = now
}

// settle says that the burst has ended. Its last line ends a record, so the count
// in it is true: if several in turn had none that is due, but end in such that
// follow each other, Traefik counts otherwise than it did.
func (t *trail) settle(offset int64) {
	const several = 3
	n := t.last
	switch {
	case t.lines == 0:
		return
	case t.fits:
		t.candidate, t.misfits = 0, 0
		if t.is == due {
			t.counts.before = nil
		}
	case n > t.candidate && n-t.candidate < countsPlaced:
		t.candidate, t.misfits = n, t.misfits+1
	default:
		t.candidate, t.misfits = n, 1
	}
	if t.misfits == several {
		t.counts.adopt(n, offset)
		t.candidate, t.misfits = 0, 0
	}
	t.lines, t.open, t.fits = 0, false, false
}

// visited takes note of who began a burst.
func (t *trail) visited(addr netip.Addr, seen time.Time) {
	if t.visitors == nil || len(t.visitors) >= maxVisitors {
		t.visitors = make(map[netip.Addr]time.Time)
	}
	t.visitors[addr] = seen
}

// isTraefiksOwn says whether a line is what Traefik says of itself, in either of
// its forms: `time="2026-..." level=info` and `2026-11-23T10:45:44Z INF`. What is
// left of a record begins with an address.
func isTraefiksOwn(line []byte) bool {
	if bytes.HasPrefix(line, []byte(`time="`)) {
		return true
	}
	const date = len("2026-11-23T")
	return len(line) > date && line[4] == '-' && line[7] == '-' && line[10] == 'T' && digits(line[:4]) > 0
}
