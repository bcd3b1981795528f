// Package rules says which lines of a log are failed attempts, and which address
// made each.
//
// It is layers, each a package: watcher/framing takes off what a collector puts
// around a line, record reads Odoo's headers, odoo says what a line tells, batch
// what was written in one go, ledger who made which attempt; traefik and pattern
// do so for other logs; search finds the lines that matter in history. This
// package has the registry of rules, and the Scanner, a switch between them.
package rules

import (
	"net/netip"
	"time"

	"odooban/rules/ledger"
)

// Failure is one failed attempt with the address that made it.
type Failure struct {
	// Time is when the attempt failed, by the log, in UTC.
	Time time.Time
	// Addr is the address that made the attempt, unmapped and without a zone.
	Addr netip.Addr
	// User is the login name that was tried, as it was logged; an attacker
	// chose it.
	User string
	// DB is the Odoo database, or empty where the log names none.
	DB string
	// Rule is the name of the rule that found the failure.
	Rule string
	// Place is where the line stands that tells of the attempt.
	Place Place
}

// Place says where a line stands in its source: in which generation of a file,
// and where in it. Rules does not look into it.
type Place = ledger.Place

// Rejection is a line that looks like a failure and is not counted, or not against
// the address that it names.
type Rejection struct {
	Failure
	// Reason is why; see Reasons.
	Reason Reason
	// By is who sent the line, if it was forged and that is known.
	By netip.Addr
}

// Line is one line of a source.
type Line struct {
	// Text is the line without its end. The Scanner does not keep it.
	Text []byte
	// Seen is when the source was found to hold the line, while it was being
	// written; zero for history. Lines that were found together have the same.
	Seen time.Time
	// Stamp is when a collector (Docker's engine, journald) took the line; zero
	// where none did, or says so in the line.
	Stamp time.Time
	// Found is how many bytes were found together with it, zero where that is not
	// known.
	Found int64
	// Continues says that a part of the line had been found with the line before:
	// one write may hold both.
	Continues bool
	// Place comes back with the failures of the line.
	Place Place
	// Size is how many bytes the line takes in its source, with its end; zero
	// says one more than Text has.
	Size int64
}

func (l *Line) size() int64 {
	if l.Size > 0 {
		return l.Size
	}
	return int64(len(l.Text)) + 1
}

// stamped reports whether it is known when the line was written.
func (l *Line) stamped() bool { return !l.Seen.IsZero() || !l.Stamp.IsZero() }

// ref is the moment from which times without a year are completed.
func (l *Line) ref(history time.Time) time.Time {
	if l.Seen.IsZero() {
		return history
	}
	return l.Seen
}

// Stats is what a Scanner has seen so far.
type Stats struct {
	// Lines is the number of lines fed.
	Lines uint64
	// First and Last are the times of the first and the last record. (The
	// earliest and the latest may be forged.)
	First, Last time.Time
	// Unattributed is the number of failures whose address the log does not
	// tell.
	Unattributed uint64
	// Forged counts the attempts that somebody wrote into a record, by the
	// address that sent them, as far as it is known.
	Forged map[netip.Addr]uint64
	// Rejected counts what was not counted by its reason.
	Rejected map[Reason]uint64
	// Unknown is the number of records of the login logger that say something
	// about logins which no rule understands: the format has changed.
	Unknown uint64
	// ProxySuspected is the number of records in which Odoo says that the
	// addresses it sees are a proxy's.
	ProxySuspected uint64
	// Doubtful is the number of requests in Traefik's log that would be failures,
	// were it sure who made them. All but some of the first ones are in Rejected, too.
	Doubtful uint64
	// Mixed is 1 once the source has shown both Odoo's records and Traefik's access
	// lines, where neither can be a part of the other: only one kind is counted.
	Mixed uint64
}
