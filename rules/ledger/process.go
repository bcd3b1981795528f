package ledger

import (
	"slices"

	"odooban/rules/batch"
	"odooban/rules/odoo"
)

const (
	// mostProcesses bounds how many processes are remembered, mostPast how many
	// records of each, and mostAnswers how many answers.
	mostProcesses = 256
	mostPast      = 256
	mostAnswers   = 64
)

// process is what is remembered of one process of the server.
type process struct {
	id      odoo.Process
	used    uint64 // the last line that named it
	lines   uint64 // how many did
	past    []*record
	answers []*answer
	served  int
	// batch is the first that it showed in, and known says that it showed in others.
	batch *batch.Batch
	known bool
	// threaded is set where it answers several requests at a time: for sure once
	// it has said that it serves itself, else by what was seen.
	threaded, serves bool
	overlaps         int
	overlapping      float64 // the share of late answers that overlapped others
	bucket           bucket
	// hint is what it said of the request that it answers next.
	hint hint
}

// hint is a record that makes the next answer a failure.
type hint struct {
	way  Way // NoWay where nothing was said, or not all of it
	time int64
	db   string
}

// missing takes that a database which could not be connected to does not exist.
func (h *hint) missing() {
	if h.way == NoWay && h.time > 0 {
		h.way = Database
	}
}

// last returns the latest answer, or nil.
func (p *process) last() *answer {
	if len(p.answers) == 0 {
		return nil
	}
	return p.answers[len(p.answers)-1]
}

// cooledDown reports whether a failed login is the echo of the cooldown that Odoo wrote
// right before it: both are one attempt.
func (p *process) cooledDown(r *record) bool {
	const together = 100
	if len(p.past) == 0 {
		return false
	}
	before := p.past[len(p.past)-1]
	return before.way == Cooldown && before.answer == nil && before.addr == r.addr && r.time-before.time <= together
}

// remember keeps an answer.
func (p *process) remember(a *answer) {
	if len(p.answers) == mostAnswers {
		p.answers = append(p.answers[:0], p.answers[mostAnswers/2:]...)
	}
	p.answers = append(p.answers, a)
}

// write keeps a record. At the beginning of a write those go that were answered
// long before it. Of too many the first stay, which may have opened all the rest, and the last; and
// those go first that stand in another record.
func (p *process) write(r *record, judge func()) {
	const head, tail = 96, 128
	if n := len(p.past); n > 0 && r.Batch.Known() && r.Batch != p.past[n-1].Batch {
		time := r.time
		p.past = slices.DeleteFunc(p.past, func(r *record) bool {
			return r.answer != nil && r.answer.time < time-keepAnswered
		})
	}
	if len(p.past) >= mostPast {
		judge()
		rest := slices.DeleteFunc(p.past[head:], func(r *record) bool { return r.void != nil && r.void.live })
		p.past = p.past[:head+len(rest)]
	}
	if n := len(p.past); n >= mostPast {
		p.past = append(p.past[:head], p.past[n-tail:]...)
	}
	p.past = append(p.past, r)
}

// few is how many records are never too many.
const few = 32

// forget drops records that no answer to come can be about: those that were answered
// for so long, and those of requests that must be over, in milliseconds since 1970.
func (p *process) forget(answered, over int64) {
	if len(p.past) > few {
		p.past = slices.DeleteFunc(p.past, func(r *record) bool {
			return r.time < over || r.time < answered && r.answer != nil
		})
	}
}

// processes are all that are remembered.
type processes struct {
	known   map[odoo.Process]*process
	recent  *process
	answers int // of all of them
	threads int // how many are threaded
}

// find returns a process, which is new if none of that name is remembered.
func (s *processes) find(id odoo.Process, at Line) *process {
	if p := s.recent; p != nil && p.id == id {
		p.seen(at)
		return p
	}
	p := s.known[id]
	if p == nil {
		if s.known == nil {
			s.known = make(map[odoo.Process]*process)
		}
		p = &process{id: id, batch: at.Batch}
		s.known[id] = p
		s.evict()
	}
	p.seen(at)
	s.recent = p
	if !p.threaded && p.served == 0 && s.threads > 0 { // a stranger among threads
		s.thread(p)
	}
	return p
}

// seen takes a line that names the process.
func (p *process) seen(at Line) {
	p.used = at.Number
	p.lines++
	p.known = p.known || at.Batch != p.batch
}

// evict forgets a process, if there are too many: of those of which little was heard, or
// else of all, the one that was not heard of for longest.
func (s *processes) evict() {
	if len(s.known) <= mostProcesses {
		return
	}
	var oldest *process
	for _, p := range s.known {
		if p.used > 0 && (oldest == nil || p.little() && !oldest.little() ||
			p.little() == oldest.little() && p.used < oldest.used) {
			oldest = p
		}
	}
	delete(s.known, oldest.id)
	if oldest.threaded {
		s.threads--
	}
}

// little reports whether hardly anything was heard of the process.
func (p *process) little() bool { return p.lines < 8 && !p.known }

// thread takes a process for one that answers several requests at a time.
func (s *processes) thread(p *process) {
	if !p.threaded {
		p.threaded = true
		s.threads++
	}
}

// busy reports whether hardly any other process answers requests, and those of p overlap.
func (s *processes) busy(p *process) bool {
	return p.served > 30 && 5*p.served > 4*s.answers && p.overlapping > .3
}

// only reports whether no other process answers requests.
func (s *processes) only(p *process) bool {
	const some = 3
	return p.served == s.answers && p.served > some
}
