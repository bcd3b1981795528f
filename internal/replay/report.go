package replay

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"odooban/banner"
	"odooban/internal/engine"
	"odooban/internal/jail"
	"odooban/internal/printable"
	"odooban/rules"
)

// Report is what a replay found. Its JSON form is the documented one.
type Report struct {
	Files    []File    `json:"files"`
	Failures []Tally   `json:"failures"`
	Forged   []Forgery `json:"forged"`
	// Unattributed is the number of failures whose address the logs do not
	// tell.
	Unattributed uint64 `json:"unattributed"`
	// Rejected is what looks like failures and is not counted, by reason.
	Rejected []Rejected `json:"rejected"`
	Bans     []Ban      `json:"bans"`
	// Alarms are what may have kept odooban from protecting.
	Alarms []Alarm `json:"alarms"`

	jail    *jail.Jail
	each    func(rules.Rejection) error
	tallies map[string]map[tallyKey]*Tally // by rule
	forged  map[netip.Addr]uint64
	reasons map[rules.Reason]uint64
	// pending is what was rejected and each is to be told.
	pending []rules.Rejection
	told    uint64
	err     error
}

// File is one log that was replayed. Bytes is how much of it was read, as it is
// on the disk: compressed, if it is. From and To are the times of its first and
// last record; they are missing where no line has one.
type File struct {
	Path  string     `json:"path"`
	Bytes int64      `json:"bytes"`
	Lines uint64     `json:"lines"`
	From  *time.Time `json:"from,omitempty"`
	To    *time.Time `json:"to,omitempty"`
	// Cut is how many bytes were left out of the middle of lines over 1 MiB.
	Cut int64 `json:"cut,omitempty"`
	// Error is why the log could not be read to its end, if it could not.
	Error string `json:"error,omitempty"`
}

// Alarm is an engine.Alarm as it is told.
type Alarm struct {
	Code   string `json:"code"`
	Source string `json:"source,omitempty"`
	Text   string `json:"text"`
	Cure   string `json:"cure"`
	Count  uint64 `json:"count"`
}

// Tally sums up the failures of one address, or one IPv6 network, by one rule.
type Tally struct {
	Rule  string    `json:"rule"`
	Addr  string    `json:"addr"`
	Count uint64    `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// Forgery counts the lines that an address made look like records.
type Forgery struct {
	Addr  netip.Addr `json:"addr"`
	Lines uint64     `json:"lines"`
}

// Rejected is how many lines look like failures and are not counted for a reason, with
// what that means and what to do about it.
type Rejected struct {
	Reason rules.Reason `json:"reason"`
	Title  string       `json:"title"`
	Cure   string       `json:"cure"`
	Count  uint64       `json:"count"`
}

// Ban is a ban that would have been made.
type Ban struct {
	Prefix   netip.Prefix `json:"prefix"`
	Rule     string       `json:"rule"`
	Time     time.Time    `json:"time"`
	Until    time.Time    `json:"until"`
	Failures int          `json:"failures"`
}

// tallyKey is a prefix: its address as 16 bytes, and its length. It takes a third
// of the time to look up that a netip.Prefix takes.
type tallyKey [17]byte

func keyOf(p netip.Prefix) (key tallyKey) {
	addr := p.Addr().As16()
	copy(key[:], addr[:])
	key[16] = byte(p.Bits())
	return key
}

func newReport(j *jail.Jail, each func(rules.Rejection) error) *Report {
	return &Report{
		Files: []File{}, Failures: []Tally{}, Forged: []Forgery{}, Rejected: []Rejected{}, Bans: []Ban{}, Alarms: []Alarm{},
		jail: j, each: each, tallies: make(map[string]map[tallyKey]*Tally), forged: make(map[netip.Addr]uint64),
		reasons: make(map[rules.Reason]uint64),
	}
}

// Failed counts a failure. It implements engine.Observer.
func (r *Report) Failed(_ string, f rules.Failure) {
	r.tellRejected(before(f.Place, r.pending))
	if r.each != nil && r.err == nil {
		r.err = r.each(rules.Rejection{Failure: f})
	}
	prefix := r.jail.Key(f.Addr)
	key := keyOf(prefix)
	t := r.tallies[f.Rule][key]
	if t == nil {
		t = &Tally{Rule: f.Rule, Addr: printable.Prefix(prefix), First: f.Time, Last: f.Time}
		if r.tallies[f.Rule] == nil {
			r.tallies[f.Rule] = make(map[tallyKey]*Tally)
		}
		r.tallies[f.Rule][key] = t
	}
	t.Count++
	if f.Time.Before(t.First) {
		t.First = f.Time
	}
	if f.Time.After(t.Last) {
		t.Last = f.Time
	}
}

// Banned writes down a ban. It implements engine.Observer.
func (r *Report) Banned(_ string, b banner.Ban) {
	r.Bans = append(r.Bans, Ban{b.Prefix, b.Rule, b.Time.UTC(), b.Until.UTC(), b.Failures})
}

// Alarmed writes down an alarm. It implements engine.Observer.
func (r *Report) Alarmed(a engine.Alarm) {
	r.Alarms = append(r.Alarms, Alarm{a.Code, a.Source, a.Text, a.Cure, a.Count})
}

// Block does nothing: what would have been banned is written down by Banned.
// It implements engine.Firewall.
func (r *Report) Block(context.Context, []banner.Ban) error { return nil }

// add adds what was seen of a log that has been read.
func (r *Report) add(l *Log) {
	read, _ := l.Progress()
	file := File{Path: l.path, Bytes: read, Lines: l.after.Lines - l.before.Lines, Cut: l.source.Skipped()}
	if l.err != nil {
		file.Error = l.err.Error()
	}
	if !l.first.IsZero() {
		file.From, file.To = &l.first, &l.last
	}
	r.Files = append(r.Files, file)
	r.Unattributed += l.after.Unattributed - l.before.Unattributed
	for _, a := range engine.ScanAlarms(l.path, l.before, l.after) {
		r.Alarmed(a)
	}
}

// reject takes what was rejected, to be told among the failures to come.
func (r *Report) reject(some []rules.Rejection) { r.pending = some }

// tellRejected tells the first of what is to be told.
func (r *Report) tellRejected(some []rules.Rejection) {
	r.pending = r.pending[len(some):]
	for _, one := range some {
		if r.err == nil {
			r.err = r.each(one)
			r.told++
		}
	}
}

// Untold is how many lines were rejected of which each was not told: so many at once
// are only counted.
func (r *Report) Untold() uint64 {
	var all uint64
	for _, n := range r.reasons {
		all += n
	}
	return all - r.told
}

// addRejected adds what a Scanner counted of what it rejected.
func (r *Report) addRejected(s rules.Stats) {
	for addr, n := range s.Forged {
		r.forged[addr] += n
	}
	for reason, n := range s.Rejected {
		r.reasons[reason] += n
	}
}

// finish brings what was counted into order: the most failures of each rule
// first.
func (r *Report) finish() {
	for reason, n := range r.reasons {
		why := engine.Explain(reason)
		r.Rejected = append(r.Rejected, Rejected{reason, why.Title, why.Cure, n})
	}
	slices.SortFunc(r.Rejected, func(a, b Rejected) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	for _, tallies := range r.tallies {
		for _, t := range tallies {
			r.Failures = append(r.Failures, *t)
		}
	}
	slices.SortFunc(r.Failures, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Addr, b.Addr))
	})
	for addr, lines := range r.forged {
		r.Forged = append(r.Forged, Forgery{addr, lines})
	}
	slices.SortFunc(r.Forged, func(a, b Forgery) int {
		return cmp.Or(cmp.Compare(b.Lines, a.Lines), a.Addr.Compare(b.Addr))
	})
}
