package odoosim

import (
	"net/netip"
	"time"
)

// The rules that failures are found by, named as rules names them. (They are not taken from it, so
// that what is measured does not follow when a name changes.)
const (
	LoginRule    = "odoo-login"
	CooldownRule = "odoo-cooldown"
	TOTPRule     = "odoo-totp"
	ResetRule    = "odoo-reset"
	DatabaseRule = "odoo-database"
	APIRule      = "odoo-api"
	CSRFRule     = "odoo-csrf"
	NameRule     = "odoo-dbname"
)

// Failure is an attempt that a judge counts.
type Failure struct {
	Time time.Time
	Addr netip.Addr
	Rule string
}

// Line is one line of a source, as rules.Line has it.
type Line struct {
	Text      []byte
	Seen      time.Time // when the source was found to hold it; zero for history
	Stamp     time.Time // when a collector took it; zero where none stamps
	Found     int64     // how many bytes one look found with it
	Continues bool      // a part of it had been found with the lines before
	Offset    int64
	Size      int64
}

// Judge is what is measured: rules.Scanner, or a layer below it.
type Judge interface {
	Feed(dst []Failure, line Line) []Failure
	// Settle says that nothing came for a while.
	Settle(dst []Failure, now time.Time) []Failure
	// Flush says that the log has ended.
	Flush(dst []Failure) []Failure
	// Open reports whether something is undecided.
	Open() bool
	// Told is what the judge says besides failures.
	Told() Told
}

// Told is what a judge says besides failures.
type Told struct {
	// Unattributed is how many failures are said to be nobody's.
	Unattributed uint64
	// Forged counts lines by whom they are said to come from.
	Forged map[netip.Addr]uint64
	// Alarms are records that a judge does not understand, or that say that addresses are a proxy's.
	Alarms uint64
	// Rejections are what was not counted, with the reasons, where the judge tells.
	Rejections []Rejection
}

// Rejection is an attempt that was not counted.
type Rejection struct {
	Failure
	Reason string
	By     netip.Addr
}
