package traefik

import (
	"hash/maphash"
	"net/netip"
	"time"
)

// Log is one access log of Traefik's. New makes one.
//
// In the common format a line holds what somebody sent, as it was sent: a user's
// name, which stands in the URL of any request over HTTP/1.1
// (http://NAME@erp.example.org/) or is sent to a router with basicAuth, line ends
// and all. A name that begins with "- [" and a whole line, and ends in "8.8.8.8 - -",
// shows itself in no line: all look like anybody's. What is sure is that a record is
// one write, that its first line begins with the true address, and that its last ends
// in the true count. So a failure is
//
//   - proven, if its line was the first of those that were written in one go, and there
//     was a pause, or the line before ended in a possible count; in history, where it is
//     not known what was written in one go, if nothing contradicts its count and that of
//     the line before (counts.go);
//   - plausible or doubtful, if not. Then it counts if the same address has a proven
//     failure within an hour, and waits for one. So live nobody is accused who has not
//     failed, whatever a forger knows; in history nobody is by who does not know the count.
//
// In JSON a line is a request, and proven. But a name may hold lines in JSON, too: in
// a log that has shown the common format they are doubtful.
type Log struct {
	proxies []netip.Prefix
	seed    maphash.Seed
	counts  counts
	trust   trust
	held    []failure // of history, those before head have been judged
	head    int
	pos     int64  // bytes so far
	batch   uint64 // the latest line's
	// before is the count of the line before, prior what was thought of it: one that is
	// fresh ended a record.
	before uint64
	prior  mark
	// common is where the latest line of the common format ended, 0 without one.
	common   int64
	distrust time.Time
}

// New returns a log behind Traefik of which proxies, if they ask, ask for others.
func New(proxies []netip.Prefix) *Log {
	return &Log{proxies: proxies, seed: maphash.MakeSeed(), prior: fresh}
}

// Verdict is a failure that counts, or one that does not, and why.
type Verdict struct {
	// Time is when the request was answered. In the common format it is known to the
	// second.
	Time time.Time
	// Addr is whom the line names, if anybody.
	Addr netip.Addr
	Kind Kind
	// Reason is empty where the failure counts; else one that Cure knows.
	Reason string
	Ref    uint64
}

// At is where a line stands.
type At struct {
	// Batch numbers what was written in one go, as far as anyone can tell, from 1 on;
	// 0 where that is not known (history).
	Batch uint64
	// Ref is given back in the Verdict.
	Ref uint64
}

// failure is one that is not yet certain.
type failure struct {
	Verdict
	also      Kind
	pos       int64
	seq       uint32
	n, before uint64
	is        standing
	sealed    bool
	history   bool
}

// maxHeld bounds how many failures of history are held: about as many as a horizon
// of lines has.
const maxHeld = 16384

// Feed takes a line, without its end, and appends what became certain.
func (l *Log) Feed(dst []Verdict, line []byte, at At) []Verdict {
	var q Request
	return l.Take(dst, &q, Parse(&q, line), line, at)
}

// Take does what Feed does with a line that Parse has read: ok is what it returned.
func (l *Log) Take(dst []Verdict, q *Request, ok bool, line []byte, at At) []Verdict {
	first := at.Batch != 0 && at.Batch != l.batch
	if first && len(l.held) > 0 {
		dst = l.decide(dst)
	}
	l.batch = at.Batch
	l.pos += int64(len(line)) + 1
	if !ok {
		if !isOwn(line) {
			l.follow(endsIn(line), uint32(l.pos))
		}
		return dst
	}
	f := failure{Verdict: Verdict{Time: q.End(), Ref: at.Ref}, pos: l.pos, sealed: q.Sealed, history: at.Batch == 0}
	f.Kind, f.also = q.Kinds()
	f.Addr, f.Reason = q.Client(l.proxies)
	f.n, f.before = q.Count, l.before
	f.is = l.standing(q, &f, first)
	if q.Murky {
		f.Addr, f.Reason = netip.Addr{}, TwoAnswers
	}
	if q.Status == 200 && f.Time.Before(l.distrust) {
		if f.also = None; f.Kind == Login {
			f.Reason = Cooldown
		}
	}
	switch {
	case f.Kind == None:
	case f.Reason != "":
		dst = f.tell(dst)
	case f.history && (!q.Sealed || l.common > 0 || l.pos <= horizon):
		l.held = append(l.held, f)
	default:
		dst = l.trust.judge(dst, f)
	}
	return l.release(dst)
}

// standing takes note of the line, and tells what is to be thought of it.
func (l *Log) standing(q *Request, f *failure, first bool) standing {
	if q.Sealed {
		if l.common > 0 && l.pos-l.common > horizon {
			l.common = 0
		}
		if first && l.prior != astray || l.common == 0 {
			return proven
		}
		return doubtful
	}
	l.common = l.pos
	prior := l.prior
	who := uint32(maphash.Comparable(l.seed, struct {
		netip.Addr
		Kind
	}{f.Addr, f.Kind}))
	is := l.follow(q.Count, who)
	f.seq = l.counts.seq
	switch {
	case first && prior != astray:
		return proven
	case is == again && !first:
		return forged
	case is == fresh && prior == fresh:
		return plausible
	}
	return doubtful
}

// follow takes the count that a line ends in.
func (l *Log) follow(n uint64, who uint32) mark {
	l.prior, l.before = l.counts.take(n, who, l.pos), n
	return l.prior
}

// release judges the failures of history that nothing can contradict any more.
func (l *Log) release(dst []Verdict) []Verdict {
	for l.head < len(l.held) && (len(l.held)-l.head > maxHeld || l.pos-l.held[l.head].pos > 2*horizon) {
		dst = l.trust.judge(dst, l.revised(l.held[l.head]))
		l.head++
	}
	if l.head > len(l.held)/2 {
		l.held, l.head = append(l.held[:0], l.held[l.head:]...), 0
	}
	return dst
}

// decide judges all failures of history: the log has been read to its end.
func (l *Log) decide(dst []Verdict) []Verdict {
	l.counts.end()
	for _, f := range l.held[l.head:] {
		dst = l.trust.judge(dst, l.revised(f))
	}
	l.counts.goOn()
	l.held, l.head = nil, 0
	return l.trust.expire(dst, func(f *failure) bool { return f.history })
}

// revised is a failure of history as what came behind it shows it.
func (l *Log) revised(f failure) failure {
	c := &l.counts
	switch {
	case f.sealed:
		if l.common > 0 {
			f.is = doubtful
		}
	case c.isForged(f.seq):
		f.is = forged
	case f.is == plausible && c.believes(f.seq) && c.lone(f.n) && c.lone(f.before):
		f.is = proven
	case f.is == plausible:
		f.is = doubtful
	}
	return f
}

// Settle says that all that was written together has been read.
func (l *Log) Settle(dst []Verdict) []Verdict {
	l.batch, l.prior = 0, fresh
	dst = l.decide(dst)
	return l.trust.expire(dst, func(f *failure) bool { return l.trust.latest.Sub(f.Time) > vouching })
}

// Flush says that the log has ended.
func (l *Log) Flush(dst []Verdict) []Verdict {
	dst = l.decide(dst)
	return l.trust.expire(dst, func(*failure) bool { return true })
}

// Open calls yield with the Ref of each failure of history that what is to come may
// contradict. Those that wait for somebody to vouch for them may wait for ever.
func (l *Log) Open(yield func(ref uint64)) {
	for _, f := range l.held[l.head:] {
		yield(f.Ref)
	}
}

// Distrust200 says that until then the login form proves nothing: Odoo shows it to
// everybody, because it takes its proxy for somebody who guesses. It is for whoever
// reads Odoo's log as well, and finds Odoo's cooldown of an address there that is
// never banned.
func (l *Log) Distrust200(until time.Time) {
	if until.After(l.distrust) {
		l.distrust = until
	}
}
