package rules

import (
	"slices"
	"time"
)

// A login in Odoo's log may hold whole lines of Traefik's, and the name of a
// user in Traefik's log may hold whole lines of Odoo's, or of its own. So a
// source is one or the other, and lines of the other kind are nothing in it:
//
//   - A source that has shown the header of an Odoo record is Odoo's for good.
//     What began with a forged line, because reading began in the middle of a
//     login, shows one within the same second. Until a second burst of lines
//     has shown nothing else, Traefik's lines are held back.
//   - In the common format a user's name is not escaped, and Traefik notes it
//     before it has looked at the password. But it does ask for that: the line
//     that ends in the true request says 401, or nothing, and that no server
//     was asked. It takes back all that was written with it. A name may also stand
//     in the URL, where only Traefik's count tells (traefik_trail.go). In JSON
//     nothing can be forged; but a line in JSON can, in a log that is not (form.go).

// traefikSource is what a Scanner knows of a source that may be Traefik's.
type traefikSource struct {
	standing standing
	began    int64 // bytes of the source before the first line of Traefik's
	bursts   int   // how many bursts have held a line of Traefik's
	current  bool  // so has this one
	opened   time.Time
	held     []heldFailure
	// doubted is when a record of Odoo's was read that may yet turn out a part
	// of a user's name; else zero.
	doubted time.Time
	// tainted says that this burst holds a record of Odoo's, so a user's name.
	tainted bool
	latest  int64 // bytes of the source up to the latest line of Traefik's
	// common says that a line of the common format has come.
	common bool
	trail  trail
}

// standing is whose log a source is taken for.
type standing uint8

const (
	unknownLog standing = iota
	likelyTraefik
	certainTraefik
	certainOdoo
)

// heldFailure waits until it is certain that nobody has forged it.
type heldFailure struct {
	Failure
	seen   time.Time
	offset int64
	// sure says that nobody can have forged it.
	sure   bool
	origin origin
}

const (
	// maxHeld bounds how many failures are held: more than a horizon holds.
	maxHeld = 16384
	// writeTime is how much later than the lines in it a user's name may seem
	// to have been written; stamps are whole seconds.
	writeTime = 2 * time.Second
)

// undeclared takes a line of a source that is not known to be Odoo's. It says
// whether it is none of Odoo's, and if so, the time it names.
func (s *Scanner) undeclared(dst []Failure, line Line) (_ []Failure, when time.Time, mine bool) {
	t := &s.traefik
	if !line.Seen.IsZero() && line.Seen.Sub(t.opened) >= burstAge {
		if !t.opened.IsZero() {
			dst = s.endBurst(dst, line.Seen.Add(-burstAge), false)
		}
		t.opened = line.Seen
	}
	var q proxied
	if s.parseProxied(&q, line) {
		s.stats.note(q.end())
		return s.proxied(dst, line, &q), q.end(), true
	}
	if (t.common || t.standing == unknownLog) && !isTraefiksOwn(line.Text) {
		s.trace(line, false)
	}
	var r record
	odoo := s.parse(&r, line.Text)
	switch {
	case t.standing == unknownLog:
		if odoo {
			t.standing = certainOdoo
		}
		return dst, time.Time{}, false
	case isUnserved(line.Text):
		s.takeBack(line.Seen, time.Time{})
	case odoo:
		s.doubt(line.Seen)
	}
	return dst, time.Time{}, t.standing != certainOdoo
}

// doubt takes a record of Odoo's in what seemed to be Traefik's log. Where that is
// certain, only what no user's name can hold makes it Odoo's: a record that a
// burst begins with, or a horizon of nothing else.
func (s *Scanner) doubt(seen time.Time) {
	t := &s.traefik
	switch {
	case t.standing != certainTraefik && !seen.IsZero():
		t.doubted = seen
	case t.standing != certainTraefik || s.forms.begins || seen.IsZero() && s.offset-t.latest > horizon:
		s.surrender()
	case !seen.IsZero():
		t.tainted = true
	}
}

// proxied takes a line of Traefik's.
func (s *Scanner) proxied(dst []Failure, line Line, q *proxied) []Failure {
	t := &s.traefik
	if t.standing == unknownLog {
		t.standing, t.began = likelyTraefik, s.offset
	}
	t.current, t.latest = true, s.offset
	if q.challenge {
		s.takeBack(line.Seen, q.end())
	}
	if t.standing == likelyTraefik && s.offset-t.began > horizon {
		t.standing = certainTraefik
	}
	h := heldFailure{seen: line.Seen, offset: s.offset, sure: q.sealed}
	if !q.sealed {
		h.origin = s.traced(line, q)
	}
	var ok bool
	if h.Failure, ok = s.failed(line, q); ok {
		s.hold(h)
	}
	return s.release(dst, time.Time{})
}

// failed returns the request as a failure, if it is one.
func (s *Scanner) failed(line Line, q *proxied) (Failure, bool) {
	rule := s.set.rule(q.rule())
	if rule == "" {
		return Failure{}, false
	}
	addr, ok := q.client(s.set.proxies)
	if !ok || q.murky {
		s.stats.Doubtful++
		return Failure{}, false
	}
	return Failure{Time: q.end(), Addr: addr, Rule: rule, Place: line.Place}, true
}

// release appends the failures that have become certain: those read up to
// until, those of history that a horizon has followed, and what nobody can
// forge.
func (s *Scanner) release(dst []Failure, until time.Time) []Failure {
	t := &s.traefik
	if t.standing != certainTraefik {
		if len(t.held) > maxHeld {
			t.held = t.held[:0]
		}
		return dst
	}
	kept := t.held[:0]
	for _, h := range t.held {
		past := !until.IsZero() && !h.seen.After(until) || h.seen.IsZero() && t.trail.confirms(h.offset)
		if past || h.sure {
			dst = append(dst, h.Failure)
		} else {
			kept = append(kept, h)
		}
	}
	if crowd := len(kept) - maxHeld; crowd > 0 {
		s.stats.Doubtful += uint64(crowd)
		kept = slices.Delete(kept, 0, crowd)
	}
	t.held = kept
	return dst
}

// endBurst says that everything that was written with what was read until then
// has been read as well.
func (s *Scanner) endBurst(dst []Failure, until time.Time, settled bool) []Failure {
	t := &s.traefik
	if !t.doubted.IsZero() && !t.doubted.After(until) {
		s.surrender()
		return dst
	}
	if t.tainted {
		s.takeBack(until, time.Time{})
		t.tainted = false
	}
	s.judgeBurst(until, settled)
	if t.current {
		t.current = false
		t.bursts++
	}
	if t.standing == likelyTraefik && t.bursts > 1 {
		t.standing = certainTraefik
	}
	return s.release(dst, until)
}

// endTraefik says that the source has ended: what has shown no record of Odoo's
// by now will show none.
func (s *Scanner) endTraefik(dst []Failure) []Failure {
	t := &s.traefik
	if !t.doubted.IsZero() {
		s.surrender()
	}
	s.judgeBurst(s.seen, true)
	if t.standing == likelyTraefik {
		t.standing = certainTraefik
	}
	if t.trail.misled() {
		s.drop(func(h *heldFailure) bool { return h.seen.IsZero() })
	}
	for _, h := range t.held {
		dst = append(dst, h.Failure)
	}
	t.held = nil
	return dst
}

// takeBack drops what may be a part of a user's name that ends in the line just
// read. end is when its request was answered, as far as the line tells.
func (s *Scanner) takeBack(seen, end time.Time) {
	t := &s.traefik
	t.doubted = time.Time{}
	s.drop(func(h *heldFailure) bool {
		return h.seen.IsZero() == seen.IsZero() &&
			(!seen.IsZero() || end.IsZero() || h.Time.After(end.Add(-writeTime)))
	})
}

// surrender says that the source is Odoo's: what looked like Traefik's was
// forged, or both write to it.
func (s *Scanner) surrender() {
	s.traefik, s.forms = traefikSource{standing: certainOdoo}, forms{object: s.forms.object}
	s.stats.Mixed++
}
