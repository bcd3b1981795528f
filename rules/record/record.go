// Package record reads the headers of Odoo's log records, in the forms that Odoo and the people who run it give them,
// and the times and addresses that logs hold.
//
// A Record points into the line it was read from. All of it is linear in the line, whatever that holds. A login that
// somebody sent can hold whole records in any of these forms, so each has a Layout of its own: whoever knows that of
// the log tells foreign ones by it.
package record

import "time"

// Record is the header of an Odoo record, taken apart, and the first line of its message.
type Record struct {
	// When is when the record was made, in UTC.
	When time.Time
	// PID is the process's number, 0 where the form has none.
	PID int32
	// Level is as it stands in the line, with its colours; DB, Logger and Msg too.
	Level, DB, Logger, Msg []byte
	// Name is DB as a string where that was at hand, and empty elsewhere.
	Name   string
	Writer Writer
	Layout Layout
	// Sealed is set where the form escapes line ends (JSON): the line is the whole record and can hold no other.
	Sealed bool
	// Coarse is set where When is to the second only.
	Coarse bool
}

// Database returns the record's database, nil where Odoo had none and wrote "?", "None" or "-", or the form has none.
func (r *Record) Database() []byte {
	switch string(r.DB) {
	case "", "?", "-", "None":
		return nil
	}
	return r.DB
}

// Layout is the form of a record's header: one of Plain, JSON, Syslog and Dashed, and how it differs from what is
// usual. All records of a log have the same, but for the bits of Varying.
type Layout uint32

// The layouts.
const (
	// Plain is Odoo's own: "2026-11-23 10:45:24,131 28281 INFO openspp odoo.http: message" (odoo/netsvc.py, init_logger).
	Plain Layout = 1 << iota
	// JSON is an object for each record, of whatever formatter.
	JSON
	// Syslog is that of --syslog: "Odoo Server 18.0:openspp:INFO:odoo.http:message".
	Syslog
	// Dashed is that of the examples in Python's manual: "2026-11-23 10:45:24,131 - odoo.http - INFO - message".
	Dashed

	// Coloured has sequences for colours around the level: Odoo writes to a terminal (ColoredFormatter).
	Coloured
	// DotMillis has a dot before the milliseconds, NoMillis none, DateT a T before the time of day.
	DotMillis
	NoMillis
	DateT
	// Zoned has a time zone behind the time, "+0000", with or without a blank between.
	Zoned
	// Indented has blanks before it, Tabbed tabs between its parts.
	Indented
	Tabbed
	// LevelFirst has the level before the process's number, NoPID has no such number, NoDatabase no database.
	LevelFirst
	NoPID
	NoDatabase
	// Padded has more than one blank behind the level.
	Padded
	// Tagged has "[request-id] " before the message. It is looked for, and cut, where the Writer is not Other.
	Tagged

	// Varying are the bits by which records of one log may differ: a level as long as the column has no blanks behind
	// it, and tags are not looked for everywhere.
	Varying = Padded | Tagged
)

// Writer is which part of Odoo wrote a record, as far as it matters.
type Writer uint8

// The writers.
const (
	Other Writer = iota
	// Access writes a line for each request, when it was answered.
	Access
	// Login writes of logins that failed or passed, and of the cooldown.
	Login
	// TOTP writes of one-time codes.
	TOTP
	// Reset writes of requests for a new password.
	Reset
	// HTTP writes of what went wrong in a request.
	HTTP
	// Service writes of the server and its workers.
	Service
)
