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
}
