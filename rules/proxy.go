package rules

import (
	"time"

	"odooban/rules/batch"
	"odooban/rules/ledger"
	"odooban/rules/odoo"
	"odooban/rules/traefik"
)

// A login in Odoo's log may hold whole lines of Traefik's, and the name of a user in
// Traefik's whole records of Odoo's. So a source is one or the other, and what looks
// like the other's is text in it. It is Odoo's once it has shown a header of Odoo's,
// and Traefik's once it has shown nothing but lines of Traefik's for a while: what is
// read first may be the rest of a login.

// whose is whose log a source is taken for.
type whose uint8

const (
	nobodys       whose = iota
	perhapsProxys       // it has shown lines of Traefik's, and no header of Odoo's
	proxys
	odoos
)

const (
	// proxyLines and proxyBytes are how much of history shows that a source is Traefik's,
	// if all of it is; live, a second batch does.
	proxyLines = 16
	proxyBytes = 64 << 10
	// strayHeaders in turn, and in history so many bytes without a line of Traefik's, show
	// that its log has become Odoo's. No user's name is that long.
	strayHeaders = 64
	strayBytes   = 1<<20 + 1<<16
	// mostHeld bounds how many verdicts wait until it is known whose log it is.
	mostHeld = 4096
)

// proxyLog is what is known of a source that may be Traefik's access log.
type proxyLog struct {
	whose   whose
	log     *traefik.Log
	request traefik.Request
	// began is the batch that showed the first line of Traefik's, since where in the
	// source that was, lines how many there were.
	began *batch.Batch
	since int64
	lines int
	// batch is the latest line's, of which number is the number, and begins says that the
	// line is the first of it; last is where the latest line of Traefik's stands, and strays
	// is how many headers of Odoo's came since.
	batch    *batch.Batch
	begins   bool
	number   uint64
	last     int64
	strays   int
	places   places
	verdicts []traefik.Verdict
}

func newProxyLog(set *Set) proxyLog { return proxyLog{log: traefik.New(set.proxies)} }

// take takes a line, and reports whether it is one of Traefik's, and when that request
// was answered.
func (p *proxyLog) take(text []byte, at ledger.Line) (when time.Time, ok bool) {
	ok = traefik.Parse(&p.request, text)
	to := traefik.At{Ref: p.places.ref(at.Place)}
	if p.begins = at.Batch.Known() && at.Batch != p.batch; p.begins {
		p.number++
	}
	if p.batch = at.Batch; at.Batch.Known() {
		to.Batch = p.number
	}
	p.verdicts = p.log.Take(p.verdicts, &p.request, ok, text, to)
	if !ok {
		return time.Time{}, false
	}
	p.show(at)
	return p.request.End(), true
}

// show takes note of a line of Traefik's.
func (p *proxyLog) show(at ledger.Line) {
	if p.whose == nobodys {
		p.whose, p.began, p.since = perhapsProxys, at.Batch, at.Offset
	}
	p.lines++
	p.last, p.strays = at.Offset, 0
	enough := !at.Batch.Known() && (p.lines >= proxyLines || at.Offset-p.since >= proxyBytes)
	if p.whose == perhapsProxys && (at.Batch != p.began || enough) {
		p.whose = proxys
	}
}

// header takes a header of Odoo's. No user's name can hold the first line of what was
// written in one go.
func (p *proxyLog) header(st *Stats, at ledger.Line) {
	if p.whose == proxys {
		p.strays++
		if p.begins {
			st.Mixed = 1
		}
		if p.strays < strayHeaders || !p.begins && at.Offset-p.last < strayBytes {
			return
		}
	}
	if p.whose != nobodys {
		st.Mixed = 1
	}
	if p.whose == proxys {
		p.verdicts = p.log.Flush(p.verdicts)
	} else {
		p.verdicts = nil
	}
	p.whose, p.log = odoos, nil
}

// certain reports whether lines may be passed over in history: in Traefik's log each
// has a count that matters.
func (p *proxyLog) certain(passed int64) bool {
	return p.whose == odoos || p.whose == nobodys && passed >= proxyBytes
}

// settle says that all that was written so far has been read.
func (p *proxyLog) settle() {
	if p.whose != odoos {
		if p.whose == perhapsProxys && !p.began.Known() {
			p.whose = proxys // history has been read
		}
		p.verdicts = p.log.Settle(p.verdicts)
	}
}

// flush says that the source has ended.
func (p *proxyLog) flush() {
	if p.whose != odoos {
		if p.whose == perhapsProxys {
			p.whose = proxys
		}
		p.verdicts = p.log.Flush(p.verdicts)
	}
}

// drain appends the failures that are settled.
func (p *proxyLog) drain(dst []Failure, s *Scanner) []Failure {
	if p.whose == nobodys || p.whose == perhapsProxys {
		if n := len(p.verdicts) - mostHeld; n > 0 {
			s.stats.Doubtful += uint64(n)
			p.verdicts = append(p.verdicts[:0], p.verdicts[n:]...)
		}
		return dst
	}
	for i := range p.verdicts {
		v := &p.verdicts[i]
		rule := s.set.rule(proxyRule(v.Kind))
		if rule == "" {
			continue
		}
		f := Failure{Time: v.Time, Addr: v.Addr, Rule: rule, Place: p.places.of(v.Ref)}
		if v.Reason == "" {
			dst = append(dst, f)
			continue
		}
		s.stats.Doubtful++
		s.reject(Rejection{Failure: f, Reason: Reason(v.Reason)})
	}
	p.verdicts = p.verdicts[:0]
	return dst
}

// proxyRule is the rule of a kind of failure; empty for none. Whoever tries keys,
// passwords with a module, or addresses of accounts, guesses as by the form.
func proxyRule(k traefik.Kind) string {
	switch k {
	case traefik.None:
		return ""
	case traefik.Database:
		return ProxyDatabase
	case traefik.RateLimit:
		return ProxyLimit
	}
	return ProxyLogin
}

// open calls yield with the places of what is not decided.
func (p *proxyLog) open(yield func(Place)) {
	if p.log == nil {
		return
	}
	p.log.Open(func(ref uint64) { yield(p.places.of(ref)) })
	for _, v := range p.verdicts {
		yield(p.places.of(v.Ref))
	}
}

// places makes numbers of places, and places of numbers, for as long as a file is not
// rotated 256 times more.
type places struct {
	generations [256]string
	current     uint8
}

const offsetBits = 56

func (p *places) ref(at Place) uint64 {
	if at.Generation != p.generations[p.current] {
		p.current++
		p.generations[p.current] = at.Generation
	}
	return uint64(p.current)<<offsetBits | uint64(at.Offset)&(1<<offsetBits-1)
}

func (p *places) of(ref uint64) Place {
	return Place{Generation: p.generations[ref>>offsetBits], Offset: int64(ref & (1<<offsetBits - 1))}
}

// isHeader reports whether an event is one of Odoo's records.
func isHeader(e *odoo.Event) bool { return e.Kind != odoo.Text && e.Kind != odoo.Cut }
