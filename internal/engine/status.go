package engine

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"odooban/rules"
)

// Status is what an Engine has done since it was made; a reload makes a new one.
// Everything in it is a copy, in the order of the names.
type Status struct {
	// Sources are those that are followed, and those that cannot be read.
	Sources []SourceStatus
	Jails   []JailStatus
	// Alarms are those that were raised and are not over, each with its latest text.
	Alarms []Alarm
	// Met is how often each code's alarms were met, with those that are over.
	Met map[string]uint64
	// Refused is how many bans the firewall has refused that are to be tried again.
	Refused int
}

// SourceStatus is what has come from one source.
type SourceStatus struct {
	Name string
	// Lines, Failures, Unattributed and Unknown are as in rules.Stats; Failures
	// are those found, whether they counted or not.
	Lines, Failures, Unattributed, Unknown uint64
	// Rejected is how many lines look like failures and are not counted, by reason.
	Rejected map[rules.Reason]uint64
	// Rules has what each rule has found, by the rule's name.
	Rules map[string]Tally
	// Began is when following began, or zero for what could not be followed yet.
	Began time.Time
	// LastLine is when the last line was read, or zero.
	LastLine time.Time
	// LastRecord is the time of the last record, by the log, or zero. How much
	// LastLine is later says how far reading lags behind.
	LastRecord time.Time
	// Trouble says why the source cannot be read now, or is empty.
	Trouble string
}

// Tally is how many failures were found, and how many bans they led to.
type Tally struct{ Failures, Bans uint64 }

// JailStatus is a jail and what it has done.
type JailStatus struct {
	Rule              string
	MaxRetry          int
	FindTime, BanTime time.Duration
	// Failures and Bans are those of the rule, from all sources.
	Failures, Bans uint64
	// Keys is how many addresses and networks have failures that may still count.
	Keys int
	// Forgotten is how many of them were given up, as there were too many.
	Forgotten uint64
}

// Status returns what has happened so far.
func (e *Engine) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := Status{Sources: e.sources.status(), Refused: e.retries.count()}
	for _, p := range e.jail.Policies() {
		tally := e.tallies[p.Rule]
		s.Jails = append(s.Jails, JailStatus{
			Rule: p.Rule, MaxRetry: p.MaxRetry, FindTime: p.FindTime, BanTime: p.BanTime,
			Failures: tally.Failures, Bans: tally.Bans, Keys: e.jail.Keys(p.Rule), Forgotten: e.jail.Forgotten(p.Rule),
		})
	}
	s.Alarms, s.Met = e.alarms.standing(time.Now()), maps.Clone(e.alarms.met)
	return s
}

// sources is what is known of each source that is followed, and of troubles.
type sources struct {
	mu       sync.Mutex
	followed map[string]*followed
	troubles map[string]string
}

// followed is a source that is followed.
type followed struct {
	SourceStatus
	latest rejections
}

// begin notes that a source is followed from now on.
func (s *sources) begin(name string, now time.Time) *followed {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &followed{SourceStatus: SourceStatus{Name: name, Began: now, Rules: make(map[string]Tally)}}
	s.followed[name] = f
	return f
}

// end notes that it is no longer followed.
func (s *sources) end(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.followed, name)
	delete(s.troubles, name)
}

// read notes what a scanner has seen by now, which is zero in history.
func (s *sources) read(f *followed, stats rules.Stats, now time.Time) {
	if now.IsZero() {
		now = time.Now()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stats.Lines != f.Lines {
		f.LastLine = now
	}
	f.Lines, f.Unattributed, f.Unknown, f.LastRecord = stats.Lines, stats.Unattributed, stats.Unknown, stats.Last
}

// trouble notes why a source, or a group of them, cannot be read; nil is that it
// can.
func (s *sources) trouble(name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.troubles, name); err != nil {
		s.troubles[name] = err.Error()
	}
}

// add counts what a rule has found in a source.
func (s *sources) add(name, rule string, more Tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.followed[name]
	if f == nil {
		return
	}
	f.Failures += more.Failures
	f.Rules[rule] = f.Rules[rule].plus(more)
}

func (t Tally) plus(more Tally) Tally {
	return Tally{t.Failures + more.Failures, t.Bans + more.Bans}
}

// status returns a copy.
func (s *sources) status() []SourceStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []SourceStatus
	for name, f := range s.followed {
		one := f.SourceStatus // Rejected is not changed any more
		one.Rules, one.Trouble = maps.Clone(f.Rules), s.troubles[name]
		all = append(all, one)
	}
	for name, text := range s.troubles {
		if s.followed[name] == nil {
			all = append(all, SourceStatus{Name: name, Trouble: text})
		}
	}
	slices.SortFunc(all, func(a, b SourceStatus) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
