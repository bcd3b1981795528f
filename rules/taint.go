package rules

import (
	"bytes"
	"time"
)

// Odoo writes more than logins as somebody sent them, line ends and all; the table
// in docs/odoo.md lists what is known. What comes behind such a record may be a part
// of it, whatever it looks like, and nothing tells. So it is not counted.
//
// Live that is what was read behind, and together with, any traceback, and any
// warning or error of what answers requests that is not known to be harmless, since
// exceptions may say anything. In history, and where records are read long after they
// were written, it is what comes shortly behind the records that are known to hold
// such texts.

// taintLiterals stand in records that hold texts which somebody sent: the path of a
// form without its token, parameters, the name of a file, a query of PostgreSQL's or the
// name of a database in its errors, the headers of mails, and logins of who signed up.
var taintLiterals = []string{
	"CSRF validation", "called ignoring args <", "Parsing asset bundle", queryLiteral, fatalLiteral, "Routing mail ",
	"email sent for user",
}

const (
	// queryLiteral comes before a query that failed, in which texts are quoted.
	queryLiteral = "bad query: "
	// fatalLiteral stands in PostgreSQL's errors about a database.
	fatalLiteral = "FATAL: "
	// tracebackLiteral begins the lines behind which an exception stands.
	tracebackLiteral = "Traceback (most recent call last)"
)

// promptLag is how long after it was written a record is read at most that was read
// together with little but what was written with it.
const promptLag = 50 * time.Millisecond

// longestText is how long a text is taken to be at most in history: werkzeug reads no
// longer first lines.
const longestText = 64 << 10

// taint is the last record that holds a text.
type taint struct {
	set   bool
	until int64
	burst uint64
	seen  time.Time // zero in history
	// database says that it is the name of a database.
	database bool
	// prompt says that the last record was read just after it was written.
	prompt bool
}

// tainted says whether what was read may be a part of a text.
func (s *Scanner) tainted(seen time.Time) bool {
	t := &s.taint
	switch {
	case !t.set || t.seen.IsZero() != seen.IsZero():
		return false
	case seen.IsZero():
		return s.offset <= t.until
	}
	return t.burst == s.burst && seen.Sub(t.seen) <= burstAge || t.database && seen.Sub(t.seen) <= accessLag
}

// holdsText takes note of a record that may hold a text, and says whether the record
// itself may be a part of one.
func (s *Scanner) holdsText(r *record, rules ruleBits, seen time.Time) bool {
	inside := s.tainted(seen)
	if r.sealed {
		return inside // as a log that is not in JSON may hold such a line in a text
	}
	fatal := rules&ofText != 0 && isFatal(r.msg)
	cut := fatal || endsDatabase(r.msg)
	if holdsHeading(r, cut) {
		s.doubtDatabase(fatal, seen)
		return true
	}
	s.taint.prompt = s.promptly(r.when, seen)
	switch {
	case rules&ofText != 0 && bytes.HasSuffix(r.logger, []byte(".http")) && bytes.Contains(r.msg, []byte(fatalLiteral)):
		s.doubtDatabase(true, seen)
	case cut:
		s.doubtDatabase(fatal, seen)
	case s.taint.prompt && isHarmful(r) || rules&ofText != 0 && mentionsText(r):
		s.taintFrom(seen)
	}
	return inside
}

// loose takes note of a line that is no record's header.
func (s *Scanner) loose(line []byte, rules ruleBits, seen time.Time) {
	fatal := rules&ofText != 0 && isFatal(line)
	switch {
	case fatal, endsDatabase(line), cutsHeading(line):
		s.doubtDatabase(fatal, seen)
	case s.taint.prompt && !seen.IsZero() && bytes.HasPrefix(line, []byte(tracebackLiteral)):
		s.taintFrom(seen)
	}
}

func (s *Scanner) taintFrom(seen time.Time) {
	t := &s.taint
	t.database = t.database && s.tainted(seen)
	t.set, t.until, t.burst, t.seen = true, s.offset+longestText, s.burst, seen
}

// mentionsText says whether the record is known to hold a text. A query holds none
// that goes on behind the line if as many quotes end as begin: those in a text are
// doubled.
func mentionsText(r *record) bool {
	if r.writer != otherWriter || bytes.HasPrefix(r.msg, []byte(queryLiteral)) && bytes.Count(r.msg, []byte{'\''})%2 == 0 {
		return false
	}
	for _, literal := range taintLiterals {
		if bytes.Contains(r.msg, []byte(literal)) {
			return true
		}
	}
	return false
}

// isHarmful says whether the record may hold a text because it says what went wrong
// with a request.
func isHarmful(r *record) bool {
	switch string(stripColour(r.level)) {
	case "WARNING", "ERROR", "CRITICAL":
		return r.writer != loginWriter && answersRequests(r.logger) && !isHarmless(r.msg)
	}
	return false
}

// answersRequests says whether a logger is that of the code around controllers, or of
// one of them.
func answersRequests(logger []byte) bool {
	return bytes.HasSuffix(logger, []byte(".http")) || bytes.HasSuffix(logger, []byte(".ir_http")) ||
		bytes.Contains(logger, []byte(".controllers.")) || string(logger) == "werkzeug"
}

// isHarmless knows the commonest messages that hold nothing that somebody sent, or
// quoted. Otherwise who guesses passwords could hide behind one of his own making.
func isHarmless(msg []byte) bool {
	switch string(bytes.TrimRight(msg, " ")) {
	case "Access Denied", "Exception during request handling.": // a traceback follows
		return true
	}
	return bytes.Contains(msg, []byte(" called ignoring args {")) ||
		bytes.HasPrefix(msg, []byte("Logged into database '")) ||
		bytes.HasPrefix(msg, []byte("The /xmlrpc, /xmlrpc/2 and /jsonrpc endpoints are deprecated"))
}

// unsure passes over a record that may be a part of a text; or of a login before it,
// which then ends as the record does.
func (s *Scanner) unsure(r *record, text []byte, seen time.Time) {
	s.previous = previous{lost: true}
	s.mark(r, text, seen)
	if r.writer == accessWriter { // which others may wait for
		s.evidence = evidenceSpan
	}
	if l := parseLogin(r); l.event == loginFailed || l.event == cooledDown {
		s.stats.Unattributed++
	}
}
