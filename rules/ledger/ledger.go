// Package ledger decides which failed logins in Odoo's log are real, and which
// address made each.
//
// A login may hold line ends, and with them whole records that accuse others. What
// tells them apart is physics:
//
//  1. A record is one write: its lines are adjacent.
//  2. Its last line ends in the true address, or in "from n/a" over RPC.
//  3. The access line of its request comes later, by the same process; it names the
//     address, and tells how long the request took, so when it began.
//  4. Nothing that a client sends can stand behind the end of (2).
//  5. A forged line must bear a possible time, a live process, and the log's layout.
//
// So a record is what it looks like unless something contradicts it. Each
// contradiction is one check with a name, a Reason. Where a record turns out to hold
// others, a region begins at its first line and ends at the last line that ends in
// the address of its answer; what stands in it is nobody's, and whom it is charged to
// is who sent it.
//
// Nothing unproven moves a clock or a bucket: only lines that no record can hold do.
package ledger

import (
	"slices"

	"odooban/rules/odoo"
	"odooban/rules/order"
	"odooban/rules/route"
	"odooban/watcher/framing"
)

// Ledger judges the events of one log. It is not safe for concurrent use.
type Ledger struct {
	evidence
	pending pending
}

// New returns a Ledger that has seen nothing. off are checks that are not made.
func New(off Checks) *Ledger {
	l := &Ledger{evidence: evidence{off: off}}
	l.pending.evidence = &l.evidence
	return l
}

// Take takes the next line. Lines of history are held back until so many have come that
// the clock can judge them.
func (l *Ledger) Take(e *odoo.Event, at Line) {
	if !at.Batch.Known() && l.off.on(Clock) {
		l.history.Add(e, at, at.Place.Generation, at.Offset)
		if l.history.Full() {
			l.catchUp(false)
		}
		return
	}
	l.catchUp(true)
	l.take(e, at)
}

// catchUp takes the lines that were held back, or all but those that are to be judged.
func (l *Ledger) catchUp(all bool) {
	if l.history.Len() == 0 {
		return
	}
	l.history.Judge(all, func(h *order.Held[Line]) {
		l.outside = h.Off
		l.take(&h.Event, h.At)
	})
	l.outside = false
}

// take takes a line whose turn it is.
func (l *Ledger) take(e *odoo.Event, at Line) {
	l.begin(at)
	if e.Kind != odoo.Text && !l.layout.own(e, at, l.doubt.free(&at)) && l.off.on(OtherLayout) {
		e.Kind = odoo.Text
	}
	switch {
	case e.Kind == odoo.Cut && !e.Sealed:
		l.cuts.open(at, e.Time)
	case e.Ends:
		l.cuts.close(at, 0)
		if at.Batch.Known() && (e.Kind == odoo.Text || !l.begins && l.lag.small()) {
			l.cuts.end(at)
		}
	}
	if e.Kind == odoo.Text || e.Kind == odoo.Cut {
		l.text(e)
		return
	}
	p := l.processes.find(e.Proc, at)
	off := l.offClock(e.Time, p)
	if off && !at.Batch.Known() {
		l.stray(e, p)
		return
	}
	if l.doubt.free(&at) && l.begins {
		if !off {
			l.clock.tick(e.Time)
		}
		l.lag.note(at.Batch, e.Time)
	}
	at.Batch.Begin(e.Time)
	switch {
	case e.Login():
		l.login(e, p)
	case e.Kind == odoo.Access:
		l.access(e, p)
	default:
		l.other(e, p)
	}
}

// begin goes on to a line. What was found before it is judged once all of it has
// come.
func (l *Ledger) begin(at Line) {
	const lines, pause = 256, 50
	switch {
	case at.Batch.Known() && (at.Batch != l.at.Batch || at.Batch.To()-l.now >= pause),
		!at.Batch.Known() && at.Number-l.decided >= lines:
		l.decided = at.Number
		l.pending.decide(false)
	}
	l.begins = !at.Batch.Known() || at.Batch != l.at.Batch
	if at.Place.Generation != l.at.Place.Generation {
		l.clock = clock{} // a file that was rotated: late writers write on to the old one
	}
	l.at = at
	l.now = max(l.now, at.Batch.To())
	if !at.Batch.Known() {
		l.ended = 0
	} else if l.ended == 0 {
		l.ended = l.now
	}
}

// Settle says that everything written up to now, in milliseconds since 1970, has been
// read, and that nothing more came for a while.
func (l *Ledger) Settle(now int64) {
	l.catchUp(true)
	l.now = max(l.now, now)
	if l.ended == 0 {
		l.ended = l.now
	}
	l.pending.decide(false)
}

// Flush says that the log has ended. Nothing stays undecided.
func (l *Ledger) Flush() {
	l.catchUp(true)
	l.pending.decide(true)
}

// Verdicts returns what was settled since it was called last. It is valid until the
// next call of another method.
func (l *Ledger) Verdicts() []Verdict {
	v := l.pending.verdicts
	l.pending.verdicts = l.pending.verdicts[:0]
	return v
}

// stray takes a record of history whose time is not the log's: it is a part of another.
func (l *Ledger) stray(e *odoo.Event, p *process) {
	if r := l.recordOf(e, p); r.way != NoWay && r.ending == odoo.Address {
		l.pending.unclaimed = append(l.pending.unclaimed, r)
	}
	l.doubt.open = l.at.Number
	l.ends(e, nil)
}

// lastTime is the time of the attempt's last line.
func (x *attempt) lastTime() int64 {
	if x.answer != nil {
		return x.answer.time
	}
	return x.record.time
}

// mark gives the attempt a reason, unless it has one.
func (x *attempt) mark(why Reason) {
	if x.bad == "" {
		x.bad = why
	}
}

// text takes a line without a header. Nothing goes on behind an access line or the
// end of a login: what stands before this one is a part of a record.
func (l *Ledger) text(e *odoo.Event) {
	d, line := &l.doubt, l.at.Number
	if d.whole > 0 && d.whole == line-1 && l.off.on(TextBehind) {
		l.pending.contradictText()
	}
	if e.Lacks == odoo.Method && d.heading != nil {
		d.unknown = holder{proc: d.heading, line: line}
	}
	if e.Lacks == odoo.Something && d.heading != nil {
		d.heading.hint.missing()
	}
	d.open = line
	l.ends(e, nil)
}

// other takes a record that is neither a login nor an answer.
func (l *Ledger) other(e *odoo.Event, p *process) {
	l.doubt.heading, l.doubt.open = p, l.at.Number
	if e.Fixed {
		l.doubt.heading = nil
	}
	l.ends(e, nil)
	const quiet = 40
	switch e.Kind {
	case odoo.Token:
		p.hint = hint{way: Token, time: e.Time}
	case odoo.Database: // whatever the reason: the record behind it tells
		p.hint = hint{time: e.Time, db: string(odoo.Kept(e.DB))}
	case odoo.Serving:
		if l.lastLogin == 0 || l.at.Number-l.lastLogin > quiet {
			p.serves = true
		}
	}
}

// login takes a record that a login left.
func (l *Ledger) login(e *odoo.Event, p *process) {
	r := l.recordOf(e, p)
	l.lastLogin = l.at.Number
	if l.off.on(Crowded) && !e.Coarse && e.Kind == odoo.Failed {
		l.crowd(r, p)
	}
	l.ends(e, r)
	if e.Ending != odoo.Open {
		l.doubt.whole = l.at.Number
	}
	if e.Sealed {
		l.doubt.whole = 0
	} else if r.raw {
		l.doubt.hold(p, l.at.Number, l.at.Offset)
	}
	l.doubt.heading = nil
	if r.raw && r.ending == odoo.Open {
		l.doubt.heading, l.doubt.open = p, l.at.Number
	}
	p.write(r, l.regions.judge)
	l.regions.write(r)
	switch {
	case r.way == NoWay:
	case r.ending == odoo.Address:
		l.pending.unclaimed = append(l.pending.unclaimed, r)
	default:
		l.pending.nameless = append(l.pending.nameless, r)
	}
}

// epsOf is by how much the times of an event may differ from those of its neighbours
// that are the same, in milliseconds.
func epsOf(e *odoo.Event) int64 {
	if e.Coarse {
		return 1000
	}
	return order.Rounding
}

// crowd holds a failed login against the time that refusing one takes.
func (l *Ledger) crowd(r *record, p *process) {
	before := r.bad
	p.bucket.add(r)
	if r.bad != before || p.threaded || p.served < 2 {
		return
	}
	if last := p.last(); last != nil && last.held == 0 && r.time >= last.time && r.time-last.time < order.Rounding {
		r.mark(Crowded)
	}
}

// access takes an access line.
func (l *Ledger) access(e *odoo.Event, p *process) {
	a := &answer{
		Line: l.at, time: e.Time, start: -1, eps: epsOf(e), proc: p, addr: e.Addr, post: e.Request.Post,
		rpc: e.Request.RPC(), nameless: len(e.DB) == 0, login: e.Request.LoginPage(), held: l.doubt.since(p),
	}
	if e.Request.Took >= 0 {
		a.start = e.Time - e.Request.Took
	}
	if l.offClock(e.Time, p) {
		a.bad = Clock
	}
	d := &l.doubt
	if !e.Sealed {
		l.fragment(e, a)
		d.whole = l.at.Number
	}
	if e.Holds {
		l.ends(e, nil)
	}
	p.served++
	l.processes.answers++
	l.weigh(a, p)
	claimed := l.answer(a, p)
	p.remember(a)
	d.heading = nil
	if !p.threaded || claimed >= d.of(p) {
		d.close(p)
	}
	now := min(a.time, l.clock.now)
	p.forget(now-keepAnswered, now-keepRecords)
	if e.Request.Date > 0 && !e.Sealed {
		l.cuts.close(l.at, e.Request.Date)
	}
	way := probe(&e.Request)
	if way == NoWay {
		way = p.hinted(e, a)
	}
	if p.hint = (hint{}); way != NoWay {
		l.probe(e, a, way)
	}
}

// fragment takes note of an access line that holds what somebody submitted.
func (l *Ledger) fragment(e *odoo.Event, a *answer) {
	if !e.Request.Fragment || !l.off.on(Fragment) {
		return
	}
	d, one := &l.doubt, fragment{l.at.Number, a.time, l.at.Batch}
	if d.call, d.open = one, l.at.Number; d.unknown.proc == a.proc && l.at.Number-d.unknown.line <= patience {
		d.wrong = one
	}
}

// weigh finds out whether the process answers several requests at a time.
func (l *Ledger) weigh(a *answer, p *process) {
	if p.serves {
		l.processes.thread(p)
	}
	overlapped := 0.0
	for _, b := range p.answers {
		if a.start >= 0 && b.time > a.start+a.eps || a.start < 0 && b.time > a.time+a.eps {
			overlapped = 1
			break
		}
	}
	p.overlapping += (overlapped - p.overlapping) / 32
}

// keepRecords is for how long, in milliseconds, a record is kept for an answer that its
// process has not given yet: limit_time_real, then Odoo kills it.
const keepRecords = 120_000

// keepAnswered is the same for a record that was answered: another answer may show that
// it was forged.
const keepAnswered = 1000

// probe is the way of a request that is a failure by itself, if it is.
func probe(r *odoo.Request) Way {
	switch {
	case r.Page == route.Manager && (r.Status < 300 || r.Status >= 400):
		return Manager
	case r.Page == route.API && r.Status == 401:
		return API
	case r.Page == route.TOTP && r.Post && r.Status == 200:
		return TOTP
	case r.Page == route.Reset && r.Post && r.Status == 200:
		return Reset
	}
	return NoWay
}

// hinted is the way of a request that the record before its answer makes a failure.
// Several threads may have made that: of these, only one that names the same database.
func (p *process) hinted(e *odoo.Event, a *answer) Way {
	h, r := &p.hint, &e.Request
	switch {
	case h.way == Token && r.Post && r.Status == 400,
		h.way == Database && a.rpc && (!p.threaded || len(e.DB) > 0 && string(e.DB) == h.db):
		if a.start >= 0 && a.ran(h.time) {
			return h.way
		}
	}
	return NoWay
}

// probe takes an access line that is a failure by itself.
func (l *Ledger) probe(e *odoo.Event, a *answer, way Way) {
	x := &attempt{answer: a, way: way, addr: a.addr, bad: a.bad, Detail: Detail{DB: string(e.DB)}}
	if l.doubt.inFragment(x) {
		x.mark(Fragment)
	}
	l.pending.try(x)
}

// Open calls yield with the place of each failure that is undecided.
func (l *Ledger) Open(yield func(Place)) {
	for _, x := range l.pending.attempts {
		yield(x.first().Place)
	}
	for h := range l.history.All {
		if h.Event.Login() || h.Event.Kind == odoo.Access {
			yield(h.At.Place)
		}
	}
	for _, r := range slices.Concat(l.pending.unclaimed, l.pending.nameless, l.pending.shared) {
		if r.answer == nil {
			yield(r.Place)
		}
	}
}

// Form is how the log's lines are framed; zero while that is not known.
func (l *Ledger) Form() framing.Form {
	known := l.layout.known
	if known == 0 {
		known = l.history.Layout()
	}
	return framing.Form(known & 0xffff)
}

// Attentive reports whether the next line matters, whatever it holds: an answer is looked
// for, up to so many bytes behind the record.
func (l *Ledger) Attentive(offset, window int64) bool {
	for _, h := range l.doubt.holders {
		if offset-h.offset <= window {
			return true
		}
	}
	return l.history.Awaits(offset - window)
}
