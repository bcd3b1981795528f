package rules

import (
	"net/netip"
	"time"
)

// attempt is one line that may be a login, as long as it is not sure whose.
type attempt struct {
	event event
	rule  string
	when  time.Time
	seen  time.Time
	proc  process
	// recordDB is the database of the record's header as it stands there,
	// db the one the attempt was made on.
	recordDB, db, user string

	// addr is the address that the record ends in, as far as it has come;
	// none says that it ends in "from n/a".
	addr netip.Addr
	none bool
	// header says whether the line is a record's header, or looks like one.
	header bool
	// echoed is set on a cooledDown whose "Login failed" line has come.
	echoed bool

	line   uint64 // number of the line in its source
	offset int64  // bytes of the source up to its end
	burst  uint64 // the burst it came in

	// provenBy is the access line that showed the attempt to be real.
	provenBy uint64
	// sure is set where no login can hold a line end.
	sure bool
	// wanting is set where only an access line can make the attempt real.
	wanting bool
	// doubt is an attempt that makes this one void, unless it is proven.
	doubt *attempt
	// blame is who forged the line, if it turns out forged.
	blame netip.Addr
	state attemptState
}

type attemptState uint8

const (
	undecided attemptState = iota
	told
	forged
)

// proven says whether the attempt is real beyond doubt.
func (a *attempt) proven() bool {
	return a.sure && a.addr.IsValid() || a.provenBy > 0 && !a.doubted()
}

// doubted says whether another attempt makes this one void.
func (a *attempt) doubted() bool {
	return a.doubt != nil && a.doubt.provenBy == 0
}

// counts says whether the attempt is a failure if it is real.
func (a *attempt) counts() bool {
	return a.rule != ""
}

// distrust asks for proof from outside the record that blame may have made.
func (a *attempt) distrust(blame netip.Addr) {
	if a.sure || a.wanting {
		return
	}
	a.wanting, a.blame = true, blame
}

// failure is the attempt as it is told.
func (a *attempt) failure() Failure {
	return Failure{Time: a.when, Addr: a.addr, User: a.user, DB: a.db, Rule: a.rule}
}

// request is one access line with where it stood.
type request struct {
	access
	when  time.Time
	proc  process
	db    string
	line  uint64
	start time.Time // zero where the line does not say how long it took
}

// clockSlack is how far the moments within one request may be apart from what
// its access line says: times are rounded to milliseconds.
const clockSlack = 5 * time.Millisecond

// covers says whether t lies within the request, as far as that is known.
func (q *request) covers(t time.Time) bool {
	if t.After(q.when.Add(clockSlack)) {
		return false
	}
	return q.start.IsZero() || !t.Before(q.start.Add(-clockSlack))
}
