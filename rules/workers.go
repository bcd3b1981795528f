package rules

import "slices"

// workers watches which processes answer requests. A prefork server's take
// turns, and each has one request at a time; a threaded server is one process.
type workers struct {
	known byProcess[worker]
	last  process
	turns []uint64 // lines of access lines that showed processes taking turns
	// newest is the latest line that was a process's first.
	newest uint64
}

// worker is one process that answers requests.
type worker struct {
	first  uint64 // the line of the first access line that named it
	latest uint64 // the line of its latest
}

const (
	// enough is how many turns make a prefork server.
	enough = 2
	// turnsAtMost bounds how many are remembered; forget hardly ever takes back more.
	turnsAtMost = 512
	// turnsFor is for how many lines, since a server may be configured anew.
	turnsFor = 1 << 17
)

// note takes the process of an access line.
func (w *workers) note(p process, line uint64) {
	const most = 1024
	if len(w.known.all) > most {
		w.known = byProcess[worker]{}
	}
	known := w.known.find(p)
	if known == nil {
		*w.known.begin(p) = worker{line, line}
		w.last, w.newest = p, max(w.newest, line)
		return
	}
	known.latest = line
	if p != w.last && p.container == w.last.container {
		w.turn(line)
	}
	w.last = p
}

// turn remembers that processes took turns.
func (w *workers) turn(line uint64) {
	if len(w.turns) == turnsAtMost || len(w.turns) > 0 && line-w.turns[0] > turnsFor {
		w.turns = append(w.turns[:0], w.turns[len(w.turns)/2+1:]...)
	}
	w.turns = append(w.turns, line)
}

// prefork says whether processes were seen to take turns.
func (w *workers) prefork() bool {
	return len(w.turns) >= enough
}

// knew says whether p had answered a request before the line.
func (w *workers) knew(p process, line uint64) bool {
	known := w.known.find(p)
	return known != nil && known.first < line
}

// latest is the line of p's latest access line, zero without one.
func (w *workers) latest(p process) uint64 {
	if known := w.known.find(p); known != nil {
		return known.latest
	}
	return 0
}

// forget takes back what access lines between two lines showed: a login held
// them.
func (w *workers) forget(from, to uint64) {
	w.turns = slices.DeleteFunc(w.turns, func(line uint64) bool { return line > from && line <= to })
	if w.newest <= from {
		return
	}
	for p, known := range w.known.all {
		if known.first > from && known.first <= to {
			w.known.forget(p)
		}
	}
}
