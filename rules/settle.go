package rules

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"sort"
	"time"
)

const (
	// burstAge is how long after a line was read the rest of its record has
	// been read as well, even if lines came without a pause; but for a login that
	// takes longer to read: see unanswered.
	burstAge = time.Second
	// LonePatience is how long attempts that were read together wait for an
	// access line in a source that seems to have none: Settle makes them certain
	// when it is called that long after the last line.
	LonePatience = time.Second
	// afterglow is how long attempts are kept that are decided, because later
	// access lines are held against them as well.
	afterglow = 5 * time.Second
)

// Settle says that every record read so far is whole, because nothing more has
// come for a while, and appends the failures that this makes certain.
func (s *Scanner) Settle(dst []Failure, now time.Time) []Failure {
	if len(s.attempts) > 0 {
		dst = s.sweep(dst, &sweep{now: now, settled: true})
	}
	dst = s.tellProbes(dst, &sweep{now: now, settled: true})
	dst = s.endBurst(dst, now, true)
	s.burst++
	s.lost = 0
	return dst
}

// Flush says that the source has ended, and appends the failures that this
// makes certain. Nothing stays open.
func (s *Scanner) Flush(dst []Failure) []Failure {
	dst = s.sweep(dst, &sweep{now: s.seen, final: true, settled: true})
	return s.endTraefik(dst)
}

// advance goes through the attempts now and then while lines come without a
// pause.
func (s *Scanner) advance(dst []Failure, seen time.Time) []Failure {
	due := s.crowded(seen) || s.offset-s.swept >= sweepEvery && len(s.attempts) < maxAttempts
	if !seen.IsZero() && seen.Sub(s.aged) >= burstAge {
		s.aged, due = seen, true
	}
	if !due || len(s.attempts) == 0 {
		return dst
	}
	return s.sweep(dst, &sweep{now: seen})
}

// crowded says whether no more attempts can be kept.
func (s *Scanner) crowded(seen time.Time) bool {
	if seen.IsZero() {
		return len(s.attempts) >= maxAttempts
	}
	return len(s.attempts) >= maxLive
}

// sweep is one passage through the attempts.
type sweep struct {
	now     time.Time // zero in history
	settled bool      // every record read so far is whole
	final   bool      // nothing more will come
	crowd   uint64    // attempts up to this line must go
	bursts  map[uint64]burst
	blocks  []block // nil until they are asked for
	// held are the addresses with an attempt that waits: what they did later
	// is told later.
	held map[netip.Addr]bool
	// unanswered is the line of the first attempt of a burst that goes on whose
	// access line has not come; zero for none.
	unanswered uint64
}

// burst sums up the attempts that were read together.
type burst struct {
	lines  int
	last   uint64     // the last line that ends in an address
	ending netip.Addr // the address that the last line ends in
	mixed  bool       // lines end in different addresses
}

// sweep tells the failures that have become certain and forgets what can no
// longer matter.
func (s *Scanner) sweep(dst []Failure, p *sweep) []Failure {
	s.swept = s.offset
	s.prepare(p)
	if !p.now.IsZero() {
		clear(s.held)
		p.held, p.bursts = s.held, s.bursts()
	}
	if s.crowded(p.now) {
		p.crowd = s.attempts[len(s.attempts)/2].line
	}
	probes := s.realProbes(p)
	for _, a := range s.inPlace(p) {
		if a.state == undecided && a.rule != "" && !a.echo() && s.decide(a, p) {
			line, _ := a.place()
			dst, probes = appendProbes(dst, probes, line)
			dst = append(dst, a.failure())
		}
	}
	dst, _ = appendProbes(dst, probes, math.MaxUint64)
	s.forget(p)
	return dst
}

// prepare finds out what the passage goes by.
func (s *Scanner) prepare(p *sweep) {
	s.judge()
	p.unanswered = s.unanswered(p)
}

// inPlace returns the attempts that may be decided, in the order in which they
// are to be told.
func (s *Scanner) inPlace(p *sweep) []*attempt {
	sorted := true
	s.order = s.order[:0]
	for _, a := range s.attempts {
		// In history only what is past is decided, and what stands behind an
		// attempt that its own line does not make past is not past either.
		if p.now.IsZero() && !p.final && a.line >= p.crowd && s.offset-a.offset <= horizon {
			break
		}
		s.order = append(s.order, a)
		sorted = sorted && !a.displaced()
	}
	if !sorted {
		slices.SortStableFunc(s.order, func(a, b *attempt) int {
			i, _ := a.place()
			j, _ := b.place()
			return cmp.Compare(i, j)
		})
	}
	return s.order
}

// bursts sums up the attempts by the burst they came in.
func (s *Scanner) bursts() map[uint64]burst {
	bursts := s.summed
	clear(bursts)
	for _, a := range s.attempts {
		if a.sure || a.echo() && a.echoOf.burst == a.burst {
			continue
		}
		b := bursts[a.burst]
		b.mixed = b.mixed || b.lines > 0 && b.ending != a.addr
		b.lines++
		b.ending = a.addr
		if !a.bare() {
			b.last = a.line
		}
		bursts[a.burst] = b
	}
	return bursts
}

// decide tells a failure, drops it, or leaves it for later; it says whether
// the failure is to be told.
func (s *Scanner) decide(a *attempt, p *sweep) bool {
	past := s.past(a, p) || a.inside != nil && !p.now.IsZero() && p.now.Sub(a.seen) > afterglow
	switch {
	case a.claim != nil && s.withheld(a.line, a.burst, p):
		if past || p.settled {
			s.refuse(a)
		}
	case a.proven() && past && (p.bursts == nil || a.late || a.seen.IsZero()),
		a.proven() && s.whole(a, p) && (past || !p.held[a.owner()]):
		a.state = told
	case a.proven() && past:
		s.refuse(a)
	case a.proven():
	case past && (s.evidence > 0 || a.inside != nil || !a.addr.IsValid() || !s.plausible(a, p)):
		s.refuse(a)
	case past, a.addr.IsValid() && p.bursts != nil && !p.held[a.addr] && s.lone(a, p):
		a.state = told
	}
	if a.state == undecided && a.inside == nil && p.bursts != nil {
		p.held[a.owner()] = true
	}
	return a.state == told
}

// unanswered returns the line of the first attempt, of what is being read without a
// pause since it was read live, that holds a login as it was submitted and has had no
// answer. A login may take long to read, and all that stands behind that line may be a
// part of it.
func (s *Scanner) unanswered(p *sweep) uint64 {
	if p.settled || s.lost != 0 {
		return s.lost
	}
	for i := s.burstFrom(s.burst); i < len(s.attempts); i++ {
		if a := s.attempts[i]; a.unanswered() {
			return a.line
		}
	}
	return 0
}

// burstFrom is how many attempts stand before those of a burst.
func (s *Scanner) burstFrom(burst uint64) int {
	return sort.Search(len(s.attempts), func(i int) bool { return s.attempts[i].burst >= burst })
}

// withheld says whether a line may yet turn out a part of a login that is still being
// read.
func (s *Scanner) withheld(line, burst uint64, p *sweep) bool {
	return p.unanswered != 0 && burst == s.burst && line > p.unanswered
}

// past says whether nothing can come any more that tells of the attempt.
func (s *Scanner) past(a *attempt, p *sweep) bool {
	_, offset := a.place()
	far := s.offset-offset > horizon
	if !p.now.IsZero() {
		age := p.now.Sub(a.read())
		// In a flood, what stands a horizon back was written a moment ago.
		far = far && age > 2*burstAge || age > requestLimit
	}
	return p.final || a.line < p.crowd || far
}

// lone says whether an attempt whose access line has not come is certain: it
// was read alone, so it is a whole record. If it was not, it may be part of
// another line's login: its access line will say so, and where there seem to be
// none, only the last line is sure to end a record.
func (s *Scanner) lone(a *attempt, p *sweep) bool {
	if a.burst == s.burst && !p.settled {
		return false
	}
	if p.bursts[a.burst].lines == 1 && !a.vague {
		return true
	}
	return a.inside == nil && s.evidence == 0 && p.now.Sub(a.seen) >= LonePatience && s.plausible(a, p)
}

// plausible says whether an attempt may be told though no access line has
// come, because the source seems to have none.
func (s *Scanner) plausible(a *attempt, p *sweep) bool {
	b := p.bursts[a.burst]
	return p.bursts == nil || a.late || a.seen.IsZero() || !b.mixed || a.line == b.last
}

// whole says whether everything that was written with a proven attempt's
// access line is read, and can be no login that holds the line.
func (s *Scanner) whole(a *attempt, p *sweep) bool {
	q := a.claim
	switch {
	case p.bursts == nil:
		return false
	case q == nil:
		return true
	case a.bare() && !s.workers.prefork() && p.now.Sub(a.seen) < rivalTime:
		return false
	case !p.settled && q.burst == s.burst && p.now.Sub(q.seen) < burstAge:
		return false
	}
	return !s.blocked(a, p) && (a.late || !s.unended(a, p))
}

// blocked says whether an attempt that was read with the access line of a, and
// after it, may yet turn out to end a login that holds both.
func (s *Scanner) blocked(a *attempt, p *sweep) bool {
	q := a.claim
	next, blocking := s.blockAfter(q.line, p)
	if blocking == nil || blocking.burst != q.burst || blocking.seen.Sub(q.seen) > burstAge {
		return false
	}
	return !a.late || next.latest.Sub(q.when) <= burstAge
}

// unended says whether an attempt that was read at once with a, and after it, may yet
// turn out to end a login that holds it.
func (s *Scanner) unended(a *attempt, p *sweep) bool {
	_, blocking := s.blockAfter(a.line, p)
	return blocking != nil && blocking.piece == a.piece && a.claim.piece != a.piece &&
		blocking.seen.Sub(a.seen) <= burstAge
}

// blockAfter returns the next attempt behind a line that blocks others, or nil.
func (s *Scanner) blockAfter(line uint64, p *sweep) (block, *attempt) {
	if p.blocks == nil {
		p.blocks = s.blocks()
	}
	next := p.blocks[s.attemptsUntil(line)]
	if next.at == len(s.attempts) {
		return next, nil
	}
	return next, s.attempts[next.at]
}

// block says, for an attempt, which the next is that blocks others, itself
// included, and the latest time up to that.
type block struct {
	at     int
	latest time.Time
}

// blocks lists the blocks for all attempts, and for the end. One passage tells
// them all: a flood may hold thousands that were read together.
func (s *Scanner) blocks() []block {
	n := len(s.attempts)
	s.blocking = slices.Grow(s.blocking[:0], n+1)[:n+1]
	blocks := s.blocking
	blocks[n] = block{at: n}
	for i, a := range slices.Backward(s.attempts) {
		next := blocks[i+1]
		if s.blocksOthers(a) {
			next = block{i, a.when}
		} else if a.when.After(next.latest) {
			next.latest = a.when
		}
		blocks[i] = next
	}
	return blocks
}

// blocksOthers says whether a login may end in the attempt that began before it.
func (s *Scanner) blocksOthers(a *attempt) bool {
	if a.bare() || a.closed || a.inside != nil {
		return false
	}
	return a.open() || s.workers.prefork() && a.claim != nil && a.claim.first != a && !s.separate(a)
}

// refuse settles that an attempt is not counted.
func (s *Scanner) refuse(a *attempt) {
	a.state = refused
	if a.inside == nil {
		s.stats.Unattributed++
		return
	}
	s.expose(a.inside)
	if a.header {
		s.stats.addForged(a.inside.addr)
	}
}

// forget drops what can no longer matter, from the start up to the first
// attempt that may: a verdict must not change because a part of what it rests
// on is gone.
func (s *Scanner) forget(p *sweep) {
	kept := slices.IndexFunc(s.attempts, func(a *attempt) bool { return !s.spent(a, p) })
	if kept < 0 {
		kept = len(s.attempts)
	}
	oldest := s.line
	if kept < len(s.attempts) {
		oldest = s.attempts[kept].line
	}
	for _, a := range s.attempts[:kept] {
		if s.lost == 0 && a.burst == s.burst && a.unanswered() {
			s.lost = a.line
		}
		switch {
		case a.state != undecided || a.claim != nil:
		case a.inside != nil:
			s.refuse(a)
		case a.event == unknownLogin:
			s.stats.Unknown++
		}
	}
	gone := s.requestsUntil(oldest - 1)
	s.letGo(s.attempts[:kept], s.requests[:gone], s.requests[gone:], oldest)
	s.attempts = slices.Delete(s.attempts, 0, kept)
	s.requests = slices.Delete(s.requests, 0, gone)
}

// spent says whether the attempt can be forgotten.
func (s *Scanner) spent(a *attempt, p *sweep) bool {
	if s.past(a, p) {
		return true
	}
	decided := a.state != undecided || a.echo() || a.rule == "" && (a.claim != nil || a.inside != nil)
	glow := afterglow
	if len(s.attempts) > maxAttempts {
		glow = burstAge
	}
	return decided && !p.now.IsZero() && p.now.Sub(a.seen) > glow
}
