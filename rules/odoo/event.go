// Package odoo says what single lines of Odoo's log tell. It remembers nothing
// from one line to the next: whether a line is true, its neighbours show, and
// they are the business of package ledger.
package odoo

import (
	"net/netip"

	"odooban/rules/route"
)

// Kind is what a line tells.
type Kind uint8

// The kinds of events.
const (
	// Text is a line without a header: it continues the record before it.
	Text Kind = iota
	// Other is a record that tells nothing about logins.
	Other
	// Failed and Passed are "Login failed for" and "Login successful for"; the
	// login stands in them as it was submitted, line ends included.
	Failed
	Passed
	// Reset is "Password reset attempt for": its login is raw, too.
	Reset
	// Cooldown is the line of base.login_cooldown_after: Odoo did not even look
	// at the password. The login is quoted in it.
	Cooldown
	// Access is a line of Odoo's own access log: the answer to a request.
	Access
	// Token says that a form came with a wrong CSRF token.
	Token
	// Proxy follows a Cooldown: Odoo suspects that the address it sees is a
	// proxy's.
	Proxy
	// Unknown is a record of the login code that says something about logins
	// which is not understood: the format has changed.
	Unknown
	// Serving says that the process itself answers requests, if it does so
	// later: a server without workers.
	Serving
	// Database says that a database could not be connected to.
	Database
	// Cut is a line that begins as a record does, and is none: the name of a
	// database stands in its header that somebody sent, line ends and all.
	Cut
)

// Ending is what a line ends in.
type Ending uint8

// The endings of lines.
const (
	// Open is a line that ends in no address.
	Open Ending = iota
	// Address is a line that ends in " from " and an address.
	Address
	// Nowhere is a line that ends in " from n/a": a login over RPC.
	Nowhere
	// Bare is a failed login of Odoo 8 to 10, which name no address.
	Bare
)

// Lack is what somebody called that there is not.
type Lack uint8

// What there is not. Something is what PostgreSQL says so of, such as a database.
const (
	Nothing Lack = iota
	Method
	Something
)

// Process tells the processes of one log apart. Syslog and some JSON formatters
// name no PID: then all records are of one process.
type Process struct {
	Container uint32 // a hash of the container's name in saved logs of several
	PID       int32
}

// Kept is what is kept of the User or the DB of an Event: at most 256 bytes.
func Kept(text []byte) []byte { return text[:min(len(text), 256)] }

// Event is what one line tells. Its slices point into the line.
type Event struct {
	Kind   Kind
	Ending Ending
	// Sealed is set where line ends are escaped (JSON), so that the line is the
	// whole record whatever somebody submitted.
	Sealed bool
	// Coarse is set where the time is to the second.
	Coarse bool
	// Ends is set where the line ends as a record does that has the name of a database
	// in its header which somebody sent.
	Ends bool
	// Lacks is what a Text says that there is not.
	Lacks Lack
	// Fixed is set where the record goes on in lines that Odoo always writes so.
	Fixed bool
	// Holds is set where the line may hold what somebody submitted, and no login.
	Holds bool
	// Layout is how the line is written: bits of framing.Form and record.Layout.
	Layout uint32
	Proc   Process
	// Time is when the record was made, in milliseconds since 1970, UTC.
	Time int64
	// Addr is the address that the line ends in or, of an Access, begins with.
	Addr netip.Addr
	// User and DB are the login that was tried, and the database.
	User, DB []byte
	Request  Request
}

// Request is what an access line tells of a request.
type Request struct {
	Page   route.Page
	Post   bool
	Status int
	// Took is how long the request took, in milliseconds; -1 where the line does
	// not tell (Odoo 11 and older).
	Took int64
	// Idle says that the request made no query to the database.
	Idle bool
	// Date is what stands in the line's brackets, in seconds since 1970, UTC; zero
	// where that cannot be read. Only of RPC.
	Date int64
	// Fragment says that the request's path holds a "#": Odoo 19 appends what is
	// called there, as it was submitted.
	Fragment bool
}

// Raw reports whether the record holds a text as it was submitted, so that
// further lines may be a part of it.
func (e *Event) Raw() bool {
	return !e.Sealed && (e.Kind == Failed || e.Kind == Passed || e.Kind == Reset)
}

// Login reports whether the event is a record that a login leaves.
func (e *Event) Login() bool {
	return e.Kind == Failed || e.Kind == Passed || e.Kind == Reset || e.Kind == Cooldown
}

// LoginPage reports whether logins are tried there that Odoo logs with an address.
func (r *Request) LoginPage() bool {
	return r.Page == route.Login || r.Page == route.Authenticate || r.Page == route.Upload
}

// RPC reports whether the request came in where Odoo 16 and later log failed
// logins without an address. One without a query asked for the version.
func (r *Request) RPC() bool {
	return !r.Idle && (r.Page == route.JSONRPC || r.Page == route.XMLRPC)
}
