package rules

import (
	"net/netip"
	"time"
)

// attempt is one line that may be a login, as long as it is not sure whose. What
// is looked at again and again stands in front.
type attempt struct {
	line   uint64 // number of the line in its source
	micro  int64  // when, in microseconds since 1970
	offset int64  // bytes of the source up to its end
	proc   process
	event  event
	state  attemptState
	// none says that the record ends in "from n/a".
	none bool
	// header says whether the line is a record's header, or looks like one.
	header bool
	// sure is set where no login can hold a line end.
	sure bool
	// vague is set where the address may be a part of the login (Odoo 10
	// writes none, 11 does, under one logger).
	vague bool
	// late is set where the line was read so long after it was written that
	// being read together says nothing.
	late bool
	// stray is set where the record's time cannot be true.
	stray bool
	// asked is set where a request may ask about it after it was let go of.
	asked bool
	// verdict is what judge found out.
	verdict
	// addr is the address that the record ends in, as far as it has come.
	addr netip.Addr
	rule string
	// echoOf is, on the "Login failed" line that follows a cooledDown, the
	// latter: both are one attempt.
	echoOf *attempt
	burst  uint64 // the burst it came in
	piece  uint64 // what it was read with at once, if live

	when time.Time
	seen time.Time
	// recordDB is the database of the record's header as it stands there,
	// db the one the attempt was made on.
	recordDB, db, user string
	at                 Place
}

// verdict is what is known of an attempt by the access lines that have come.
type verdict struct {
	// claim is the request that made the attempt.
	claim *request
	// inside is the request whose record may hold the line, as a part of its
	// login.
	inside *request
	// begun and closed are set where a request was found whose record begins
	// in the line, and goes on, or ends in it.
	begun, closed bool
}

type attemptState uint8

const (
	undecided attemptState = iota
	told
	refused
)

// proven says whether the attempt is real beyond doubt.
func (a *attempt) proven() bool {
	return a.claim != nil || a.sure && a.addr.IsValid()
}

// owner is who made the attempt, as far as it is known.
func (a *attempt) owner() netip.Addr {
	if a.claim != nil {
		return a.claim.addr
	}
	return a.addr
}

// place is where the attempt stands in the log: where its address does.
func (a *attempt) place() (line uint64, offset int64) {
	if a.displaced() {
		return a.claim.line, a.claim.offset
	}
	return a.line, a.offset
}

// displaced says whether that is not its own line.
func (a *attempt) displaced() bool { return a.claim != nil && a.claim.addr != a.addr }

// claimable says whether a request can have made the attempt at all.
func (a *attempt) claimable() bool {
	return a.event != otherEvent && a.event != unknownLogin && a.state != refused && !a.stray
}

// raw says whether the line holds a login as it was submitted.
func (a *attempt) raw() bool {
	return a.event == loginFailed || a.event == loginPassed || a.event == resetTried
}

// unanswered says whether the line was read live, and no request has turned out to have
// made the attempt, or to hold it.
func (a *attempt) unanswered() bool {
	answered := a.claim != nil || a.echoOf != nil && a.echoOf.claim != nil
	return !answered && a.raw() && !a.sure && !a.seen.IsZero() && a.inside == nil
}

// bare says whether the record ends in nothing that tells whose it is.
func (a *attempt) bare() bool { return !a.addr.IsValid() && !a.none }

// ends says whether a record of the request may end in the line.
func (a *attempt) ends(q *request) bool {
	return a.event != cooledDown && (a.addr == q.addr || a.none && q.rpc())
}

// echo says whether the attempt is told with its cooldown.
func (a *attempt) echo() bool {
	c := a.echoOf
	return c != nil && (c.state == told || c.state == undecided && (c.inside == nil || c.claim != nil))
}

// open says whether the line may yet turn out the end of a forger's record.
func (a *attempt) open() bool {
	return a.state == undecided && a.claim == nil && a.inside == nil && !a.closed && !a.sure && !a.echo()
}

// read is when the attempt was read, or written if it is history.
func (a *attempt) read() time.Time {
	if a.seen.IsZero() {
		return a.when
	}
	return a.seen
}

// failure is the attempt as it is told.
func (a *attempt) failure() Failure {
	return Failure{Time: a.when, Addr: a.owner(), User: a.user, DB: a.db, Rule: a.rule, Place: a.at}
}

// request is one access line with where it stood.
type request struct {
	access
	when   time.Time
	seen   time.Time
	proc   process
	db     string
	at     Place
	line   uint64
	offset int64
	burst  uint64
	piece  uint64 // what it was read with at once, if live
	micro  int64  // when, in microseconds since 1970
	// from and to are when it can have written its record, in microseconds
	// since 1970.
	from, to int64
	// own are the attempts that it may have made, as judge found them.
	own   []*attempt
	since uint64 // the line of the process's access line before
	// other is the line of the latest request before that names another address.
	other uint64
	// first is the record it wrote, if that holds further lines.
	first *attempt
	// inside is the request whose login may hold the line, as judge found it; forged is
	// set once that is settled.
	inside *request
	forged bool
	// holds is the line of the first record that its own login may hold lines behind,
	// zero for none; exposed says that what it holds is settled.
	holds   uint64
	exposed bool
}

// void says whether the line may be a part of a login.
func (q *request) void() bool { return q.forged || q.inside != nil }

const (
	// clockSlack is how much later than its access line a record may seem, as
	// times are rounded to milliseconds, and startSlack how much earlier than
	// its request began: three rounded times tell when that was.
	clockSlack = 2 * time.Millisecond
	startSlack = time.Millisecond
)

// renderLimit is how long after its record a request is taken to end where the
// access line does not say when it began (Odoo 8 to 11).
const renderLimit = 5 * time.Second

// spanned sets from and to.
func (q *request) spanned() {
	before := renderLimit
	if q.timed {
		before = q.took + startSlack
	}
	q.from, q.to = q.micro-before.Microseconds(), q.micro+clockSlack.Microseconds()
}

// covers says whether the attempt lies within the request, as far as that is
// known.
func (q *request) covers(a *attempt) bool { return a.micro >= q.from && a.micro <= q.to }
