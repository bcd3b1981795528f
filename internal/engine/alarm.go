package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"odooban/internal/finding"
	"odooban/rules"
	"odooban/watcher"
)

// Alarm is something that may keep odooban from protecting, with its cure.
type Alarm struct {
	// Code is of the catalogue in internal/finding.
	Code string
	// Source is where it shows, or empty.
	Source string
	// Text says what is wrong, and Cure what to do about it.
	Text, Cure string
	// Count is how often it has happened so far.
	Count uint64
	// Last is when it happened last.
	Last time.Time
	// Over says that it is no longer so.
	Over bool
}

type alarmKey struct{ code, source string }

// alarms remembers each alarm that was raised, and how often: an attacker may
// cause some, and must not fill the log with them.
type alarms struct {
	raised map[alarmKey]*raised
	// met is how often each code was, with what is over.
	met map[string]uint64
	// clocks are those that may be off, by source.
	clocks map[string]offClock
}

// raised is an alarm and what is known about its end.
type raised struct {
	Alarm
	// refuted says that something has spoken against it since.
	refuted bool
	// reasons count what it is about.
	reasons map[rules.Reason]uint64
	// texts are those that were told, the first mostTexts of them.
	texts []string
}

// mostTexts bounds how many texts of one alarm are told before it is over: those of
// a source that fails in turns of several ways alternate.
const mostTexts = 4

// isNews reports whether a text is to be told for itself.
func (r *raised) isNews(text string) bool {
	if len(r.texts) >= mostTexts || slices.Contains(r.texts, text) {
		return false
	}
	r.texts = append(r.texts, text)
	return true
}

// of returns the alarm of a code and source, which is new if none was raised.
func (a *alarms) of(code, source string) *raised {
	key := alarmKey{code, source}
	r := a.raised[key]
	if r == nil {
		r = &raised{reasons: make(map[rules.Reason]uint64)}
		a.raised[key] = r
	}
	return r
}

// note counts an alarm and returns it with its total, and whether it is to be
// told: the first time, and each time the count gains a digit.
func (a *alarms) note(one Alarm) (total Alarm, due bool) {
	r := a.of(one.Code, one.Source)
	before, more := r.Count, max(one.Count, 1)
	a.met[one.Code] += more
	one.Count = before + more
	one.Last = time.Now()
	r.Alarm, r.refuted = one, false
	return one, magnitude(before) != magnitude(one.Count)
}

// magnitude is the number of digits of n, none for 0.
func magnitude(n uint64) int {
	digits := 0
	for ; n > 0; n /= 10 {
		digits++
	}
	return digits
}

// Raise tells an alarm, the first time and each time its count gains a digit.
func (e *Engine) Raise(a Alarm) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.raiseLocked(a)
}

// raiseLocked is Raise for a holder of the lock.
func (e *Engine) raiseLocked(a Alarm) {
	e.endOld(time.Now())
	if total, due := e.alarms.note(a); due {
		e.observer.Alarmed(total)
	}
}

// Trouble raises an alarm about a source, or a group of them, that cannot be read,
// until the error is nil. It is a watcher.Alarm: the error says what to do.
func (e *Engine) Trouble(source string, err error) {
	if loss := new(watcher.LossError); !errors.As(err, &loss) {
		e.sources.trouble(source, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.endOld(time.Now())
	if err == nil {
		e.alarms.refute(finding.SourceTrouble, source)
		return
	}
	isNews := e.alarms.of(finding.SourceTrouble, source).isNews(err.Error())
	a, due := e.alarms.note(Alarm{Code: finding.SourceTrouble, Source: source, Text: err.Error()})
	if due || isNews {
		e.observer.Alarmed(a)
	}
}

// Conclude ends the alarms of these codes that are not among those found: who looked
// for them has found no more.
func (e *Engine) Conclude(codes []string, found []Alarm) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end(func(r *raised) bool {
		return slices.Contains(codes, r.Code) &&
			!slices.ContainsFunc(found, func(a Alarm) bool { return a.Code == r.Code && a.Source == r.Source })
	})
}

// alarmIgnored tells that failures come from an address that is never banned.
func (e *Engine) alarmIgnored(source string, f rules.Failure, why string) {
	cure := finding.Of(finding.OwnAddress).Cure
	if rules.IsProxied(f.Rule) {
		cure = finding.TraefikCure
	}
	e.raiseLocked(Alarm{
		Code: finding.OwnAddress, Source: source,
		Text: fmt.Sprintf("failed logins come from %s, which is never banned (%s)", f.Addr, why),
		Cure: cure,
	})
}

// firewallAlarm is about bans that could not be put in force.
func firewallAlarm(err error) Alarm {
	return Alarm{
		Code: finding.FirewallFailed, Text: "bans are not in force: " + err.Error(),
		Cure: "they are tried again; see the error for what is missing",
	}
}

// ScanAlarms are the alarms that a scanner's findings call for, with how often
// each has happened; before is what was told already.
func ScanAlarms(source string, before, after rules.Stats) []Alarm {
	all := []Alarm{
		alarmOf(finding.FormatChanged, source, after.Unknown-before.Unknown),
		unattributed(source, after.Unattributed-before.Unattributed, since(before.Rejected, after.Rejected)),
		alarmOf(finding.Doubtful, source, after.Doubtful-before.Doubtful),
		alarmOf(finding.MixedLog, source, after.Mixed-before.Mixed),
		{
			Code: finding.ProxyMode, Source: source, Count: after.ProxySuspected - before.ProxySuspected,
			Text: "Odoo says that the addresses it sees may be a proxy's",
			Cure: "if they are, " + finding.ProxyCure,
		},
	}
	return slices.DeleteFunc(all, func(a Alarm) bool { return a.Count == 0 })
}

// alarmOf is an alarm that says what the catalogue does.
func alarmOf(code, source string, count uint64) Alarm {
	kind := finding.Of(code)
	return Alarm{Code: code, Source: source, Count: count, Text: kind.Title, Cure: kind.Cure}
}

// unattributed is an alarm about failures whose address the log does not tell,
// with the most frequent of the reasons.
func unattributed(source string, count uint64, reasons map[rules.Reason]uint64) Alarm {
	a := alarmOf(finding.Unattributed, source, count)
	if why, ok := MainReason(reasons); ok {
		a.Text, a.Cure = fmt.Sprintf("%s; mostly %s: %s", a.Text, why.Reason, why.Title), why.Cure
	}
	return a
}

// since is by how much counts have grown.
func since(before, after map[rules.Reason]uint64) map[rules.Reason]uint64 {
	grown := make(map[rules.Reason]uint64)
	for r, n := range after {
		if n > before[r] {
			grown[r] = n - before[r]
		}
	}
	return grown
}

// CheckAlarms raises an alarm if failures were given up since it was called last,
// because too many addresses had some: who has as many may never be banned. And it
// tells which alarms are over.
func (e *Engine) CheckAlarms(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var total uint64
	for _, p := range e.jail.Policies() {
		total += e.jail.Forgotten(p.Rule)
	}
	a := alarmOf(finding.TooManyAddresses, "", total-e.alarms.counted(finding.TooManyAddresses))
	if a.Count > 0 {
		e.raiseLocked(a)
	}
	e.endOld(now)
}

// alarmScan tells what a scanner has newly seen that is no failure.
func (e *Engine) alarmScan(source string, before, after rules.Stats) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.endOld(time.Now())
	for _, a := range ScanAlarms(source, before, after) {
		if a.Code == finding.Unattributed {
			reasons := e.alarms.of(a.Code, source).reasons
			for r, n := range since(before.Rejected, after.Rejected) {
				reasons[r] += n
			}
			a = unattributed(source, a.Count, reasons)
		}
		e.raiseLocked(a)
	}
}
