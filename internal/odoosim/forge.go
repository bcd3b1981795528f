package odoosim

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Knowledge is what a forger knows of the server.
type Knowledge uint8

// The knowledge: nothing; which processes live, and the second; or the very millisecond in which the record is made.
const (
	Blind Knowledge = iota
	Second
	Enumerate // the second, and a line for every millisecond of it
	Oracle
)

func (k Knowledge) String() string { return [...]string{"blind", "second", "enumerate", "oracle"}[k] }

// Opening is what stands on the first line of a forger's login, before the first line end.
type Opening uint8

// The openings: any of them, in turn; the forger's own address, that of the one who is accused, none, or none known.
const (
	AnyOpening Opening = iota
	OwnOpening
	ForeignOpening
	OpenOpening
	NoneOpening // from n/a
)

// Ending is what the last line of a forger's login begins with, before the server's own end.
type Ending uint8

// The endings: a failed login, a record of another logger, text that is no record, an access line.
const (
	AnyEnding Ending = iota
	LoginEnding
	OtherEnding
	TextEnding
	AccessEnding
)

// Shape is what the forged lines are.
type Shape uint8

// The shapes: pairs of a failed login and its access line; without access lines; pairs of n/a and an RPC access line;
// access lines alone that are failures by themselves; answers that take others' records away from them; anything.
const (
	Pairs Shape = iota
	Records
	RPCPairs
	Probes
	Answers
	Mixed
)

func (s Shape) String() string {
	return [...]string{"pairs", "records", "rpc", "probes", "answers", "mixed"}[s]
}

// Forgery is what a forger does.
type Forgery struct {
	Knows  Knowledge
	Shape  Shape
	Open   Opening
	Ending Ending
	// Lines is how many forged lines or pairs a record holds at least, Size how many bytes.
	Lines int
	Size  int
	// Busy forgers take a process that answers somebody, others one that is idle.
	Busy bool
	// Own says that they take the process that serves them (an oracle may know even that).
	Own bool
	// Victims is how many addresses are accused in turn; 0 is one. Served says that it is one who is being answered.
	Victims int
	Served  bool
	// Accused is the one who is accused instead, if it is somebody.
	Accused netip.Addr
	// Span is the time that an enumeration covers, around the moment; 0 is 2 s.
	Span time.Duration
}

// forging composes the text of one request.
type forging struct {
	*Site
	*Forgery
	moment
	own    netip.Addr
	victim netip.Addr
	b      []byte
	n      int // lines so far
}

// forger is what a forger sends.
func (s *Site) forger(a *Actor) texts {
	return func(m moment) string {
		f := &forging{Site: s, Forgery: a.Forgery, moment: m, own: a.Addr}
		f.victim = victim(s.rng.IntN(max(1, a.Forgery.Victims)))
		if a.Forgery.Accused.IsValid() {
			f.victim = a.Forgery.Accused
		}
		if a.Forgery.Served {
			for _, sl := range s.slots {
				if sl.req != nil && sl.req.addr != a.Addr {
					f.victim = sl.req.addr
				}
			}
		}
		switch a.Way {
		case NoDatabase, Fragment:
			return f.headless()
		}
		return f.compose()
	}
}

// compose is a login, or a path, that holds lines.
func (f *forging) compose() string {
	f.b = append(f.b, 'x')
	open := f.Open
	if open == AnyOpening {
		open = pick(f.rng, OwnOpening, ForeignOpening, ForeignOpening, OpenOpening)
	}
	switch open {
	case OwnOpening:
		f.b = append(append(f.b, " from "...), f.own.String()...)
	case ForeignOpening:
		f.b = append(append(f.b, " from "...), f.victim.String()...)
	case NoneOpening:
		f.b = append(f.b, " from n/a"...)
	}
	if open != OpenOpening {
		f.b = append(f.b, ' ')
	}
	f.b = append(f.b, '\n')
	f.body()
	f.end()
	return string(f.b)
}

// headless is a text that stands within a header, or within an access line: it ends that and begins lines of its own.
func (f *forging) headless() string {
	at, pid := f.when(0), f.process()
	f.b = accessMessage(append(f.b, "x INFO shop werkzeug: "...), at, f.own.String(), "GET", "/", 200)
	if f.req.way == Fragment {
		f.b = append(f.b[:0], "x HTTP/1.1\" 200 - 1 0.001 0.001"...)
	}
	f.b = append(f.b, '\n')
	f.body()
	if f.req.way == Fragment {
		f.b = header(f.b, at, pid, "INFO", database, accessLogger)
		f.b = accessMessage(f.b, at, f.own.String(), "GET", "/x", 200)
		return cut(string(f.b), " HTTP/1.1")
	}
	return strings.TrimSuffix(string(header(f.b, at, pid, "INFO", "", "")), "INFO  : ") + "INFO y"
}

// body are the forged lines.
func (f *forging) body() {
	from := len(f.b)
	for n := 0; n < max(1, f.Lines) || len(f.b)-from < f.Size; n++ {
		f.one(n)
	}
}

// one is a forged line, or a pair.
func (f *forging) one(n int) {
	at, pid := f.when(n), f.process()
	shape := f.Shape
	if shape == Mixed {
		shape = pick(f.rng, Pairs, Records, RPCPairs, Probes, Answers)
	}
	later := at + f.rng.Int64N(int64(2*ms)) // the answer's moment
	switch shape {
	case Pairs:
		f.record(at, pid, database, f.victim.String())
		f.answer(later, pid, database, f.victim, pick(f.rng, "/web/login", "/web/session/authenticate"), 200)
	case Records:
		f.record(at, pid, database, f.victim.String())
	case RPCPairs:
		f.record(at, pid, "None", "n/a")
		f.answer(later, pid, "None", f.victim, "/jsonrpc", 200)
	case Probes:
		path, status := "/web/database/drop", 200
		if f.rng.IntN(2) == 0 {
			path, status = "/json/2/res.partner/read", 401
		}
		f.answer(at, pid, database, f.victim, path, status)
	case Answers:
		f.answer(at, pid, database, f.own, "/web/login", 200)
	}
}

// record appends a failed login.
func (f *forging) record(at int64, pid int, db, from string) {
	f.b = header(f.b, at, pid, "INFO", db, loginLogger)
	f.b = append(append(f.b, f.loginMessage("failed", "y", from)...), " \n"...)
}

// answer appends an access line that says it took as long as may be: since the process's last one, if that is known.
func (f *forging) answer(at int64, pid int, db string, addr netip.Addr, path string, status int) {
	took := 0.004 + 0.02*f.rng.Float64()
	if f.Knows == Oracle {
		for _, sl := range f.slots {
			if sl.pid == pid && sl.req == nil {
				took = min(took, max(0.003, float64(at-sl.last)/1e9-0.002))
			}
		}
	}
	f.b = header(f.b, at, pid, "INFO", db, accessLogger)
	f.b = accessMessage(f.b, at, addr.String(), "POST", path, status)
	f.b = append(perf(f.b, 5, 0.001, rounded(took)), '\n')
}

// when is the moment that the nth line names.
func (f *forging) when(n int) int64 {
	switch f.Knows {
	case Oracle:
		return f.at + f.rng.Int64N(int64(time.Millisecond))
	case Second:
		return f.at + f.between(-600*ms, 900*ms)
	case Enumerate:
		span := f.Span
		if span == 0 {
			span = 2 * time.Second
		}
		return millis(f.at) - int64(span)/4 + int64(n)*int64(time.Millisecond)%int64(span)
	}
	return f.at + pick(f.rng, f.between(-5*time.Second, 20*time.Second), f.between(-time.Hour, time.Hour))
}

// process is the number of the process that a line names.
func (f *forging) process() int {
	if f.Knows == Blind {
		return 1 + f.rng.IntN(32768)
	}
	if f.Own || f.Workers == 0 {
		return f.slot.pid
	}
	var fit []int
	for _, sl := range f.slots {
		if sl != f.slot && (sl.req != nil) == f.Busy {
			fit = append(fit, sl.pid)
		}
	}
	if len(fit) == 0 || f.Knows != Oracle {
		return f.slots[f.rng.IntN(len(f.slots))].pid
	}
	return fit[f.rng.IntN(len(fit))]
}

// end begins the line that the server ends.
func (f *forging) end() {
	ending := f.Ending
	if ending == AnyEnding {
		ending = pick(f.rng, LoginEnding, LoginEnding, OtherEnding, TextEnding, AccessEnding)
	}
	at, pid := f.when(f.n), f.slot.pid
	if f.Knows == Blind {
		pid = f.process()
	}
	db := database
	if f.req.way == JSONRPC || f.req.way == XMLRPC {
		db = "None"
	}
	switch ending {
	case LoginEnding:
		f.b = header(f.b, at, pid, "INFO", db, loginLogger)
		f.b = append(f.b, strings.TrimSuffix(f.loginMessage("failed", "z", ""), " from ")...)
	case OtherEnding:
		f.b = append(header(f.b, at, pid, "INFO", database, httpLogger), "nothing"...)
	case TextEnding:
		f.b = append(f.b, 'z')
	case AccessEnding:
		f.b = header(f.b, at, pid, "INFO", database, accessLogger)
		f.b = perf(accessMessage(f.b, at, f.own.String(), "POST", "/web/login", 200), 5, 0.001, 0.004)
	}
}

// Lines splits what was written.
func (w *Write) Lines() [][]byte { return slices.Collect(bytes.Lines(w.Text)) }
