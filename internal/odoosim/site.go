package odoosim

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// Load is how much a site has to do besides the visitors that a test sends.
type Load uint8

// The loads. A saturated site never rests: the next request of a process begins in the millisecond in which its last
// ended.
const (
	Quiet Load = iota
	Busy
	Saturated
)

// Config describes a site. The zero value of each field is the usual one.
type Config struct {
	Seed    uint64
	Version int // of Odoo: 12 to 19; 0 is 19
	Workers int // prefork processes; 0: one process with Threads
	Threads int // 0 is 8; without Workers only
	Load    Load
	// Rate is how many requests of passers-by a site answers in a second; 0 is 2 for a quiet one, 60 for a busy one.
	Rate float64
	// Fast sites spend no time on hashing passwords (nobody guesses a login that exists).
	Fast bool
	// Start is when it starts; the zero value is Epoch.
	Start time.Time
	// Length is how long visitors come.
	Length time.Duration
	// WriteRate is how many bytes of a record are written in a second; 0 is 300 MB (a file). A pipe is as fast as its
	// reader.
	WriteRate float64
	// Deaths is how often a worker is killed while it answers a login; 0 is never.
	Deaths time.Duration
	// Recycle is after how many requests a worker is replaced by one with a new number; 0 is never.
	Recycle int
	Actors  []Actor
}

// Attempt is one failed attempt: what a judge should find.
type Attempt struct {
	At      time.Time // the record's moment; the access line's where that is all there is
	Written time.Time // when all of its lines were written
	Addr    netip.Addr
	Rule    string
	Way     Way
	Actor   int  // index in Config.Actors; -1: an honest passer-by
	Forger  bool // its author writes lines of others into the log
	// Soft attempts may be counted or not: their process was killed before it answered, LDAP let the user in after all,
	// they are no logins (a wrong token, a database that there is not), or nobody can tell from the log whose they are:
	// threads, and somebody else was let in over RPC meanwhile.
	Soft bool
}

// Write is one write to the log: whole records with their line ends, or nothing.
type Write struct {
	At   time.Time     // when it began
	Took time.Duration // until the last byte was there
	Text []byte
	PID  int
	// Author is who caused the record. Forged records hold lines that nobody but the author wrote.
	Author netip.Addr
	Forged bool
}

// Log is what a site wrote, and the truth.
type Log struct {
	Config   Config
	Writes   []Write
	Attempts []Attempt
	// Forged is how many requests held forged lines.
	Forged int
	// Bytes is how much was written.
	Bytes int64

	let []span // who was let in over RPC, and when
}

// span is how long a request took.
type span struct {
	addr     netip.Addr
	from, to time.Time
}

// Epoch is when a simulated site starts that is not told.
func Epoch() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

// Site is a server at work. Times inside are nanoseconds since Epoch.
type Site struct {
	Config
	rng    *rand.Rand
	events heap
	slots  []*slot
	queue  []*request
	locked int64 // until when the log's file belongs to a write
	start  int64
	end    int64
	pids   int
	next   []int64 // when each actor comes again
	log    *Log
}

// slot answers one request at a time: a worker's process, or a thread.
type slot struct {
	pid     int
	req     *request
	step    int
	started int64 // as the server measures it
	last    int64 // when it last answered
	served  int
	text    []byte // waits to be written
	stretch float64
}

// request is a request and what the server does for it.
type request struct {
	addr  netip.Addr
	actor int
	way   Way
	steps []step
	// attempts are the request's, counted when all of it is written.
	attempts []Attempt
	forged   bool
	dies     bool // its process is killed before it answers
}

// step is a record that a request causes, so long after the one before.
type step struct {
	after  time.Duration
	record func(m moment) []byte
}

// moment is what holds while a record is made.
type moment struct {
	at   int64
	slot *slot
	req  *request
}

// Simulate lets a site run and returns what it wrote.
func Simulate(c Config) *Log {
	if c.Version == 0 {
		c.Version = 19
	}
	if c.Threads == 0 {
		c.Threads = 8
	}
	if c.Rate == 0 {
		c.Rate = 2
		if c.Load == Busy {
			c.Rate = 60
		}
	}
	if c.WriteRate == 0 {
		c.WriteRate = 300e6
	}
	if c.Start.IsZero() {
		c.Start = Epoch()
	}
	s := &Site{Config: c, rng: rand.New(rand.NewPCG(c.Seed, 7)), log: &Log{Config: c}} //nolint:gosec // a model
	s.start = int64(c.Start.Sub(Epoch()))
	s.locked, s.end = s.start, s.start+int64(c.Length)
	s.boot()
	for len(s.events) > 0 {
		s.happen(s.events.pop())
	}
	s.finish()
	return s.log
}

// boot starts the processes and sends the first visitors.
func (s *Site) boot() {
	s.pids = 100 + s.rng.IntN(30000)
	first := s.pids
	s.write(s.start, first, netip.Addr{}, false, s.record(s.start, first, "INFO", "?", "odoo",
		"Odoo version "+itoa(s.Version)+".0"))
	s.write(s.start+1e6, first, netip.Addr{}, false, s.record(s.start+1e6, first, "INFO", "?", "odoo.service.server",
		"HTTP service (werkzeug) running on odoo:8069"))
	n := s.Workers
	if n == 0 {
		n = s.Threads
	}
	for range n {
		s.slots = append(s.slots, &slot{pid: first})
	}
	if s.Workers > 0 {
		for i := range s.slots {
			s.respawn(s.slots[i], s.start+int64(i+2)*2e6)
		}
	}
	s.next = make([]int64, len(s.Actors))
	for i := range s.Actors {
		s.arrive(i, s.start+int64(s.Actors[i].From)+int64(50*time.Millisecond)+s.rng.Int64N(int64(s.Actors[i].Every)+1))
	}
	if s.Load != Saturated {
		s.events.push(event{at: s.start + int64(50*time.Millisecond), kind: passing})
	}
	for _, sl := range s.slots {
		sl.last = s.start + int64(40*time.Millisecond) + s.rng.Int64N(20e6)
		s.events.push(event{at: sl.last, kind: freed, slot: sl})
	}
	if s.Deaths > 0 {
		s.events.push(event{at: s.start + int64(s.Deaths), kind: killing})
	}
}

// respawn gives a worker's slot a process of its own.
func (s *Site) respawn(sl *slot, at int64) {
	s.pids += 1 + s.rng.IntN(3)
	sl.pid, sl.served = s.pids, 0
	s.events.push(event{at: at, kind: spawned, slot: sl})
}

// happen is one event.
func (s *Site) happen(e event) {
	switch e.kind {
	case arrived:
		s.enqueue(s.visit(e.actor))
		s.arrive(e.actor, e.at+s.wait(&s.Actors[e.actor]))
		s.dispatch(e.at)
	case passing:
		s.enqueue(s.passer(e.at))
		if e.at < s.end {
			s.events.push(event{at: e.at + int64(s.rng.ExpFloat64()/s.Rate*1e9), kind: passing})
		}
		s.dispatch(e.at)
	case freed:
		if r := e.slot.req; r == nil || e.slot.step == len(r.steps) {
			e.slot.req = nil
			s.take(e.slot, e.at)
		}
	case made:
		sl := e.slot
		sl.text = sl.req.steps[sl.step].record(moment{e.at, sl, sl.req})
		s.events.push(event{at: e.at + s.jitter(), kind: written, slot: sl})
	case written:
		s.wrote(e.slot, e.at)
	case killing:
		s.kill(e.at)
	case spawned:
		s.write(e.at, e.slot.pid, netip.Addr{}, false, s.record(e.at, e.slot.pid, "INFO", "shop", "odoo.service.server",
			"Worker WorkerHTTP ("+itoa(e.slot.pid)+") alive"))
	}
}

func (s *Site) enqueue(r *request) { s.queue = append(s.queue, r) }

// arrive plans an actor's next request.
func (s *Site) arrive(actor int, at int64) {
	a := &s.Actors[actor]
	if at < s.end && (a.Until == 0 || at < s.start+int64(a.Until)) {
		s.events.push(event{at: at, kind: arrived, actor: actor})
	}
}

// wait is how long an actor waits until its next request.
func (s *Site) wait(a *Actor) int64 {
	return int64(float64(a.Every) * (0.8 + 0.4*s.rng.Float64()))
}

// dispatch hands waiting requests to idle slots.
func (s *Site) dispatch(at int64) {
	for len(s.queue) > 0 {
		var idle []*slot
		for _, sl := range s.slots {
			if sl.req == nil && sl.last <= at {
				idle = append(idle, sl)
			}
		}
		if len(idle) == 0 {
			return
		}
		s.take(idle[s.rng.IntN(len(idle))], at)
	}
}

// take lets a slot begin the next request, if one waits or the site is saturated.
func (s *Site) take(sl *slot, at int64) {
	var r *request
	switch {
	case len(s.queue) > 0:
		r, s.queue = s.queue[0], s.queue[1:]
	case s.Load == Saturated && at < s.end:
		r = s.passer(at)
	default:
		return
	}
	sl.req, sl.step, sl.served = r, 0, sl.served+1
	sl.started = at + s.between(10*time.Microsecond, 120*time.Microsecond)
	sl.stretch = s.crowding()
	s.events.push(event{at: sl.started + s.scaled(sl, r.steps[0].after), kind: made, slot: sl})
}

// crowding is by how much threads hold each other up: they share one interpreter.
func (s *Site) crowding() float64 {
	if s.Workers > 0 {
		return 1
	}
	busy := 0
	for _, sl := range s.slots {
		if sl.req != nil {
			busy++
		}
	}
	return max(1, 0.6*float64(busy))
}

func (s *Site) scaled(sl *slot, d time.Duration) int64 { return int64(float64(d) * sl.stretch) }

// jitter is how long after its moment a record is written.
func (s *Site) jitter() int64 {
	switch n := s.rng.IntN(1000); {
	case s.Workers == 0 && n < 2:
		return s.between(6*time.Millisecond, 83*time.Millisecond)
	case n < 12:
		return s.between(300*time.Microsecond, 6*time.Millisecond)
	}
	return s.between(30*time.Microsecond, 300*time.Microsecond)
}

// wrote is a slot's record reaching the log.
func (s *Site) wrote(sl *slot, at int64) {
	r := sl.req
	done := s.write(at, sl.pid, r.addr, r.forged, sl.text)
	sl.text = nil
	if sl.step++; sl.step < len(r.steps) {
		s.events.push(event{at: done + s.scaled(sl, r.steps[sl.step].after), kind: made, slot: sl})
		return
	}
	for i := range r.attempts {
		r.attempts[i].Written = moments(done)
		s.log.Attempts = append(s.log.Attempts, r.attempts[i])
	}
	if r.forged {
		s.log.Forged++
	}
	if r.way == PassRPC {
		s.log.let = append(s.log.let, span{r.addr, moments(sl.started), moments(done)})
	}
	sl.last = done + s.between(30*time.Microsecond, 400*time.Microsecond)
	switch {
	case r.dies:
		sl.last = done + s.between(40*time.Millisecond, 200*time.Millisecond)
		s.respawn(sl, sl.last-5e6)
	case s.Recycle > 0 && s.Workers > 0 && sl.served >= s.Recycle:
		sl.last += int64(30 * time.Millisecond)
		s.respawn(sl, sl.last-5e6)
	}
	s.events.push(event{at: sl.last, kind: freed, slot: sl})
}

// write puts bytes into the log, one write after the other, and returns when it is done.
func (s *Site) write(at int64, pid int, author netip.Addr, forged bool, text []byte) int64 {
	at = max(at, s.locked)
	took := 2000 + int64(float64(len(text))/s.WriteRate*1e9)
	s.locked = at + took
	s.log.Writes = append(s.log.Writes, Write{moments(at), time.Duration(took), text, pid, author, forged})
	s.log.Bytes += int64(len(text))
	return at + took
}

// kill ends a worker that is at a login, when it has logged that, before its access line.
func (s *Site) kill(at int64) {
	again := int64(5 * time.Millisecond)
	for _, sl := range s.slots {
		r := sl.req
		if s.Workers == 0 || r == nil || r.forged || r.way.fails() != LoginRule || sl.step >= len(r.steps)-1 {
			continue
		}
		r.dies, r.steps = true, r.steps[:len(r.steps)-1]
		for i := range r.attempts {
			r.attempts[i].Soft = true
		}
		again = int64(s.Deaths)
		break
	}
	if at < s.end {
		s.events.push(event{at: at + again, kind: killing})
	}
}

// finish sorts what is not in order yet.
func (s *Site) finish() {
	slices.SortStableFunc(s.log.Writes, func(a, b Write) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(s.log.Attempts, func(a, b Attempt) int { return a.Written.Compare(b.Written) })
	for i := range s.log.Attempts {
		if a := &s.log.Attempts[i]; s.Workers == 0 && s.Version >= 16 && (a.Way == JSONRPC || a.Way == XMLRPC) {
			a.Soft = a.Soft || s.ambiguous(a)
		}
	}
}

// ambiguous reports whether somebody else was let in by the same process while the attempt was answered.
func (s *Site) ambiguous(a *Attempt) bool {
	return slices.ContainsFunc(s.log.let, func(o span) bool {
		return o.addr != a.Addr && o.from.Before(a.At.Add(2*ms)) && o.to.After(a.At.Add(-2*ms))
	})
}

// between is a random time.
func (s *Site) between(low, high time.Duration) int64 {
	return int64(low) + s.rng.Int64N(int64(high-low))
}

// moments turns the site's time into a moment.
func moments(at int64) time.Time { return Epoch().Add(time.Duration(at)) }

// pick chooses one.
func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

type kind uint8

const (
	arrived kind = iota
	passing
	freed
	made
	written
	killing
	spawned
)

// event is what happens at a moment.
type event struct {
	at    int64
	seq   int
	kind  kind
	actor int
	slot  *slot
}

// heap holds the events to come, the next one first.
type heap []event

func (h heap) before(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}

func (h *heap) push(e event) {
	if e.seq == 0 {
		e.seq = len(*h)
	}
	*h = append(*h, e)
	for i := len(*h) - 1; i > 0 && h.before(i, (i-1)/2); i = (i - 1) / 2 {
		(*h)[i], (*h)[(i-1)/2] = (*h)[(i-1)/2], (*h)[i]
	}
}

func (h *heap) pop() event {
	first, n := (*h)[0], len(*h)-1
	(*h)[0] = (*h)[n]
	*h = (*h)[:n]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < n; c++ {
			if h.before(c, least) {
				least = c
			}
		}
		if least == i {
			return first
		}
		(*h)[i], (*h)[least] = (*h)[least], (*h)[i]
		i = least
	}
}
