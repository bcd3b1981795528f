// Package rules says which log lines are failed attempts, and which address
// made each of them.
package rules

import (
	"net/netip"
	"time"
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

// Line is one line of a source.
type Line struct {
	// Text is the line without its end. The Scanner does not keep it.
	Text []byte
	// Seen is when the line was read while it was being written, or zero for
	// history.
	Seen time.Time
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

// Place says where a line stands in its source: in which generation of a file,
// and where in it. Rules does not look into it.
type Place struct {
	Generation string
	Offset     int64
}
