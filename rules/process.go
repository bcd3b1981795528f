package rules

// process tells the processes of one source apart: the PID, and for saved
// compose logs the container it was in, by the number that the Scanner gave it.
// Syslog lines name no PID; they all count as one process.
type process struct {
	container uint32
	pid       int32
}

// byProcess keeps something of each process. The zero value is ready.
type byProcess[T any] struct {
	all map[process]*T
	// recent are those asked for lately, by their PIDs: a log has few processes,
	// and each line asks for one.
	recent [16]struct {
		process
		kept *T
	}
}

// find returns what is kept of a process, or nil.
func (b *byProcess[T]) find(p process) *T {
	recent := &b.recent[uint32(p.pid)%uint32(len(b.recent))]
	if recent.kept == nil || recent.process != p {
		kept := b.all[p]
		if kept == nil {
			return nil
		}
		recent.process, recent.kept = p, kept
	}
	return recent.kept
}

// begin keeps something new of a process.
func (b *byProcess[T]) begin(p process) *T {
	if b.all == nil {
		b.all = make(map[process]*T)
	}
	kept := new(T)
	b.forget(p)
	b.all[p] = kept
	return kept
}

// forget forgets a process.
func (b *byProcess[T]) forget(p process) {
	delete(b.all, p)
	b.recent[uint32(p.pid)%uint32(len(b.recent))].kept = nil
}
