package odoo

import (
	"bytes"
	"hash/maphash"
	"time"

	"odooban/rules/record"
	"odooban/watcher/framing"
)

// Parser takes lines apart. Its zero value is ready. It only remembers what makes
// it faster.
type Parser struct {
	record record.Parser
	rec    record.Record
}

// seed makes the hashes of containers' names hard to foresee.
var seed = maphash.MakeSeed()

// Parse says what a line tells; text is a frame's. ref is as of record.Parser.
func (p *Parser) Parse(e *Event, f *framing.Frame, ref time.Time) {
	*e = Event{}
	if f.Container != nil {
		e.Proc.Container = uint32(maphash.Bytes(seed, f.Container)) | 1
	}
	r := &p.rec
	e.Ends = endsHeader(f.Text)
	if !p.record.Parse(r, f, ref) {
		e.Ending, e.Addr, _ = cutEnding(f.Text)
		e.Holds = true
		e.Lacks = lackIn(f.Text)
		if p.record.Begins(r, f.Text) {
			e.Kind = Cut
			e.begin(r, f)
		}
		return
	}
	e.begin(r, f)
	e.DB = r.Database()
	e.Kind = Other
	parseMessage(e, r)
	e.Holds = e.Kind != Access && !e.Login() && mayHold(r) || e.Request.Fragment
	if !isLevel(e.Kind, record.StripColour(r.Level)) {
		e.Kind = Cut
	}
}

// lackIn says what a line of a traceback says that there is not.
func lackIn(text []byte) Lack {
	switch {
	case bytes.HasPrefix(text, methodPrefix):
		return Method
	case bytes.HasSuffix(text, missing):
		return Something
	}
	return Nothing
}

// parseMessage says what the message of a record tells.
func parseMessage(e *Event, r *record.Record) {
	switch r.Writer {
	case record.Access:
		if !parseAccess(e, r.Msg) {
			e.Request.Fragment = bytes.IndexByte(r.Msg, '#') >= 0
			e.Ending, e.Addr, _ = cutEnding(r.Msg)
		}
		return
	case record.Login:
		parseLogin(e, r)
		return
	case record.Reset:
		if bytes.HasPrefix(r.Msg, resetPrefix) {
			e.Kind = Reset
		}
	case record.HTTP:
		if bytes.HasPrefix(r.Msg, tokenPrefix) {
			e.Kind = Token
		}
	case record.Service:
		if bytes.HasPrefix(r.Msg, servingPrefix) {
			e.Kind = Serving
		}
	}
	if string(r.Logger) == "odoo.sql_db" && bytes.HasPrefix(r.Msg, databasePrefix) {
		e.Kind = Database
	}
	e.Fixed = bytes.HasPrefix(r.Logger, rpcLoggers)
	e.Ending, e.Addr, _ = cutEnding(r.Msg)
}

// mayHold reports whether a record that is no login may hold what somebody submitted:
// warnings and errors may, but for those that always say the same, and what is written of
// mails and of new devices.
func mayHold(r *record.Record) bool {
	switch r.Writer {
	case record.Reset, record.TOTP:
		return true
	case record.HTTP:
		return !isConstant(r.Msg)
	}
	if bytes.HasPrefix(r.Logger, rpcLoggers) {
		return false
	}
	level := record.StripColour(r.Level)
	return len(level) > 0 && string(level) != "INFO" && string(level) != "DEBUG" ||
		bytes.HasSuffix(r.Logger, usersLogger) || bytes.Contains(r.Logger, mailWord)
}

// isConstant knows what odoo.http says whatever was submitted.
func isConstant(msg []byte) bool {
	for _, text := range [...]string{
		"Access Denied", "Too many login failures, please wait a bit before trying again.", "Session expired",
		"Database not found.",
	} {
		if string(bytes.TrimRight(msg, " ")) == text {
			return true
		}
	}
	return false
}

// isLevel reports whether Odoo writes records of a kind with a level. In others the
// name of a database stands that looks like the rest of a header.
func isLevel(k Kind, level []byte) bool {
	switch k {
	case Failed, Passed, Reset, Access:
		return len(level) == 0 || bytes.EqualFold(level, []byte("INFO"))
	case Cooldown:
		return len(level) == 0 || bytes.EqualFold(level, []byte("WARNING"))
	}
	return true
}

// endsHeader reports whether a line ends in what Odoo writes of a request that names a
// database which there is not, from the logger on (odoo/sql_db.py, odoo/http.py).
func endsHeader(line []byte) bool {
	line = bytes.TrimRight(line, " ")
	return bytes.HasSuffix(line, databaseFailed) || bytes.HasSuffix(line, requestFailed)
}

// begin sets what the header says.
func (e *Event) begin(r *record.Record, f *framing.Frame) {
	e.Time, e.Proc.PID = r.When.UnixMilli(), r.PID
	e.Sealed, e.Coarse = r.Sealed, r.Coarse
	e.Layout = uint32(f.Form) | uint32(r.Layout&^record.Varying)<<16
}

var (
	usersLogger = []byte(".res_users")
	mailWord    = []byte("mail")
)

// rpcLoggers tell in three lines that RPC is deprecated (Odoo 19).
var rpcLoggers = []byte("odoo.addons.rpc.controllers.")

var (
	failedPrefix   = []byte("Login failed for ")
	passedPrefix   = []byte("Login successful for ")
	cooldownPrefix = []byte("Login attempt ignored for ")
	proxyPrefix    = []byte("The rate-limited IP address ")
	resetPrefix    = []byte("Password reset attempt for ")
	tokenPrefix    = []byte("CSRF validation failed on path ")
	methodPrefix   = []byte("AttributeError: The method '")
	missing        = []byte(`" does not exist`)
	databasePrefix = []byte("Connection to the database failed")
	databaseFailed = []byte(" odoo.sql_db: Connection to the database failed")
	requestFailed  = []byte(" odoo.http: Exception during request handling.")
	servingPrefix  = []byte("HTTP service (werkzeug) running ")
)
