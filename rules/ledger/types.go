package ledger

import (
	"net/netip"
	"time"

	"odooban/rules/batch"
	"odooban/rules/odoo"
)

// Place says where a line stands in its source: in which generation of a file,
// and where in it. Nothing here looks into it.
type Place struct {
	Generation string
	Offset     int64
}

// Way is how somebody tried to get in.
type Way uint8

// The ways.
const (
	NoWay Way = iota
	Login
	Cooldown
	TOTP
	Reset
	Manager
	API
	Token
	Database
	// Ways is how many there are.
	Ways
)

// Line is what is to be known of a line besides what it says.
type Line struct {
	// Number counts the lines of the source, Offset its bytes, up to the line.
	Number uint64
	Offset int64
	Batch  *batch.Batch
	// Run is as of batch.Tracker.
	Run   uint64
	Place Place
}

// Detail is what a verdict tells of an attempt besides who made it.
type Detail struct{ User, DB string }

// Verdict is what is settled about an attempt.
type Verdict struct {
	Way  Way
	Time time.Time
	// Addr made the attempt; or, where there is a Reason, it is whom the line
	// names, if it names anybody.
	Addr netip.Addr
	// Reason is why the attempt is not counted, or empty.
	Reason Reason
	// By is who sent the lines, where they were forged and that is known.
	By    netip.Addr
	Place Place
	Detail
}

// record is what a login left in the log: its first line, and the address at the
// end of that. No request has claimed it as long as it has no answer.
type record struct {
	Line
	time    int64
	proc    *process
	ending  odoo.Ending
	addr    netip.Addr
	way     Way // NoWay for what is no failure
	eps     int64
	raw     bool
	void    *region // that it stands in, of another record
	counted bool    // an attempt of it was
	given   bool    // one of threads: whose it is was settled
	bad     Reason
	answer  *answer
	// denier is an answer to somebody else whose request left the record, if any.
	denier *answer
	// rivals are the answers of threads that may have made it.
	rivals []*answer
	crowd  *crowd
	Detail
}

// answer is an access line: the answer to a request that ran from start to time.
type answer struct {
	Line
	time, start int64 // start is -1 where the line does not tell
	eps         int64
	proc        *process
	addr        netip.Addr
	rpc, login  bool
	post        bool
	nameless    bool // it names no database
	// shared are the records of threads that it may have made, free says that it is
	// none of theirs so far.
	shared []*record
	free   bool
	// held is the line since which it could be a part of another process' record.
	held uint64
	bad  Reason
}

// ran reports whether a moment lies within the request, as far as the rounding of
// stamps and durations tells.
func (a *answer) ran(time int64) bool {
	return time <= a.time+a.eps && (a.start < 0 || time >= a.start-a.eps)
}

// fits reports whether the request can have left the record.
func (a *answer) fits(r *record) bool {
	switch r.ending {
	case odoo.Address:
		return r.addr == a.addr
	case odoo.Nowhere:
		return a.rpc || a.post && !a.login
	case odoo.Bare:
		return a.rpc || a.post
	}
	return false
}

// attempt is a failed login as it looks: a record with its answer, a record that
// nobody answered, or an access line that is a failure by itself.
type attempt struct {
	record *record // nil for an access line
	answer *answer // nil where nobody answered
	way    Way
	addr   netip.Addr
	due    int64 // when it is decided at the latest, if live
	bad    Reason
	region *region
	Detail
}

// first is the line that the attempt begins in, last the one that it ends in.
func (x *attempt) first() *Line {
	if x.record != nil {
		return &x.record.Line
	}
	return &x.answer.Line
}

func (x *attempt) last() *Line {
	if x.answer != nil {
		return &x.answer.Line
	}
	return &x.record.Line
}

// time is when the attempt failed, in milliseconds since 1970.
func (x *attempt) time() int64 {
	if x.record != nil {
		return x.record.time
	}
	return x.answer.time
}
