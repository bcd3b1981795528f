package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"odooban/rules"
)

// Alarm is something that may keep odooban from protecting, with its cure.
type Alarm struct {
	// Code names the kind of alarm, for good.
	Code string
	// Source is where it shows, or empty.
	Source string
	// Text says what is wrong, and Cure what to do about it.
	Text, Cure string
	// Count is how often it has happened so far.
	Count uint64
	// Last is when it happened last.
	Last time.Time
}

// The codes of alarms.
const (
	// FormatChanged: the login logger writes lines that no rule understands.
	FormatChanged = "format-changed"
	// Unattributed: a failure whose address the log does not tell.
	Unattributed = "unattributed"
	// OwnAddress: a failure that comes from an ignored address.
	OwnAddress = "own-address"
	// ProxyMode: Odoo says that the addresses it sees are a proxy's.
	ProxyMode = "proxy-mode"
	// ClockDiffers: the log's clock and ours disagree.
	ClockDiffers = "clock-differs"
	// FirewallFailed: bans could not be put in force.
	FirewallFailed = "firewall-failed"
	// SourceTrouble: a source cannot be read for the time being.
	SourceTrouble = "source-trouble"
)

// clockTolerance is how far the log's clock and ours may differ before bans
// are noticeably too short or too long.
const clockTolerance = time.Minute

const proxyCure = "set proxy_mode = True in odoo.conf and let the proxy send X-Forwarded-For and X-Forwarded-Host, " +
	"so that Odoo logs the client's address"

type alarmKey struct{ code, source string }

// alarms remembers each alarm that was raised, and how often: an attacker may
// cause some, and must not fill the log with them.
type alarms struct {
	raised map[alarmKey]Alarm
}

// note counts an alarm and returns it with its total, and whether it is to be
// told: the first time, and each time the count gains a digit.
func (a *alarms) note(one Alarm) (total Alarm, due bool) {
	key := alarmKey{one.Code, one.Source}
	before := a.raised[key].Count
	one.Count = before + max(one.Count, 1)
	one.Last = time.Now()
	a.raised[key] = one
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

// raise tells an alarm, unless it was told before.
func (e *Engine) raise(a Alarm) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.raiseLocked(a)
}

// raiseLocked is raise for a holder of the lock.
func (e *Engine) raiseLocked(a Alarm) {
	if total, due := e.alarms.note(a); due {
		e.observer.Alarmed(total)
	}
}

// Trouble raises an alarm about a source, or a group of them, that cannot be
// read. The error says what to do about it. It lasts until a line comes from
// source, or from the source that the error's text names, or until Followed.
func (e *Engine) Trouble(source string, err error) {
	e.sources.trouble(source, err.Error())
	e.mu.Lock()
	defer e.mu.Unlock()
	a, _ := e.alarms.note(Alarm{Code: SourceTrouble, Source: source, Text: err.Error()})
	e.observer.Alarmed(a)
}

// Followed ends the trouble of a group that has found a source.
func (e *Engine) Followed(group string) {
	e.sources.mu.Lock()
	defer e.sources.mu.Unlock()
	e.sources.clear(group)
}

// alarmIgnored tells that failures come from an address that is never banned.
func (e *Engine) alarmIgnored(source string, addr netip.Addr, why string) {
	e.raiseLocked(Alarm{
		Code: OwnAddress, Source: source,
		Text: fmt.Sprintf("failed logins come from %s, which is never banned (%s)", addr, why),
		Cure: "if that is a proxy, " + proxyCure,
	})
}

// checkClock tells when a failure that was just written has another time.
func (e *Engine) checkClock(source string, f rules.Failure, seen time.Time) {
	if seen.IsZero() || seen.Sub(f.Time).Abs() <= clockTolerance {
		return
	}
	e.raiseLocked(Alarm{
		Code: ClockDiffers, Source: source,
		Text: fmt.Sprintf("the log says %s at %s: bans will end too early or too late",
			f.Time.UTC().Format(time.RFC3339), seen.UTC().Format(time.RFC3339)),
		Cure: "set both clocks by NTP; Odoo logs in UTC, so let no formatter write local time",
	})
}

// firewallAlarm is about bans that could not be put in force.
func firewallAlarm(err error) Alarm {
	return Alarm{
		Code: FirewallFailed, Text: "bans are not in force: " + err.Error(),
		Cure: "they are tried again; see the error for what is missing",
	}
}

// ScanAlarms are the alarms that a scanner's findings call for, with how often
// each has happened; before is what was told already.
func ScanAlarms(source string, before, after rules.Stats) []Alarm {
	all := []Alarm{
		{
			Code: FormatChanged, Source: source, Count: after.Unknown - before.Unknown,
			Text: "Odoo's login logger writes lines that no rule understands: failures may be missed",
			Cure: "update odooban; if it is the newest, report such a line (odooban test LINE says what is understood of it)",
		},
		{
			Code: Unattributed, Source: source, Count: after.Unattributed - before.Unattributed,
			Text: "failed logins whose address the log does not tell are not counted",
			Cure: "keep Odoo's access lines: log_handler = werkzeug:INFO",
		},
		{
			Code: ProxyMode, Source: source, Count: after.ProxySuspected - before.ProxySuspected,
			Text: "Odoo says that the addresses it sees may be a proxy's",
			Cure: "if they are, " + proxyCure,
		},
	}
	return slices.DeleteFunc(all, func(a Alarm) bool { return a.Count == 0 })
}

// alarmScan tells what a scanner has newly seen that is no failure.
func (e *Engine) alarmScan(source string, before, after rules.Stats) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range ScanAlarms(source, before, after) {
		e.raiseLocked(a)
	}
}
