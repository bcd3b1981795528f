package rules

import (
	"bytes"
	"slices"
	"time"
)

// Odoo 16 and older write the name of a database into the header of each record, and
// over XML-RPC and JSON-RPC somebody can send any name, with blanks and line ends, that
// is written as it is: first in an error (odoo/http.py, dispatch_rpc: "FATAL: database
// ... does not exist"), then in the access line of the request. So the first line of
// such a record has a true time and process, and is cut where the name says. What gives
// it away is
//
//   - that the error comes first: what seems to be an access line or a login in it has
//     a level that these never have, and if it seems to be another error, this is one
//     that makes doubtful what comes behind it (taint.go);
//   - that a header is cut off, if the name has a line end before it seems to be one;
//   - that behind the name the true logger comes.

// accessLag is how much later than the error the access line is read at most.
const accessLag = 300 * time.Millisecond

// doubtDatabase takes note of a line that may be a part of the name of a database. In
// history what stands before the error may be as well.
func (s *Scanner) doubtDatabase(isError bool, seen time.Time) {
	s.taintFrom(seen)
	s.taint.database = s.taint.database || isError
	if !seen.IsZero() || !isError {
		return
	}
	near := func(at time.Time, offset int64) bool { return at.IsZero() && s.offset-offset <= longestText }
	s.probes = slices.DeleteFunc(s.probes, func(p *probe) bool { return !p.sealed && near(p.seen, p.offset) })
	for _, a := range s.attempts {
		if a.state == undecided && !a.sure && near(a.seen, a.offset) {
			s.refuse(a)
			s.fresh = true
		}
	}
}

// longestDatabase is how long PostgreSQL lets the name of a database be (NAMEDATALEN).
const longestDatabase = 63

// isDatabase says whether b can be the name of a database, or what Odoo writes where
// there is none.
func isDatabase(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == 0x7f || bytes.IndexByte([]byte(`"'<>()[]{}:;,`), c) >= 0 {
			return false
		}
	}
	return len(b) > 0 && len(b) <= longestDatabase
}

// holdsHeading says whether a record that is an access line, or a login, is one only
// because the name of a database is cut where it says so. cut says that one ends in the
// message.
func holdsHeading(r *record, cut bool) bool {
	cooldown := r.writer == loginWriter && bytes.HasPrefix(r.msg, cooldownPrefix)
	level := "INFO"
	if cooldown {
		level = "WARNING"
	}
	if !cut && string(stripColour(r.level)) == level {
		return false
	}
	switch r.writer {
	case accessWriter:
		return bytes.Contains(r.msg, []byte(beforeDate))
	case resetWriter:
		return bytes.HasPrefix(r.msg, resetPrefix)
	case loginWriter:
		return cooldown || bytes.HasPrefix(r.msg, failedPrefix) || bytes.HasPrefix(r.msg, passedPrefix)
	}
	return false
}

// endsDatabase says whether the name of a database that somebody sent may end in the
// access line of the request: what comes behind the name stands in its middle. That it
// ends in the error before, isFatal says.
func endsDatabase(line []byte) bool {
	// Most lines hold nothing that ends as that does, and no z.
	return bytes.Contains(line, []byte("zeug: ")) && bytes.Contains(line, []byte(" werkzeug: "))
}

// isFatal says whether PostgreSQL's error about a database stands in the line, behind
// the name. Its words before FATAL depend on the version.
func isFatal(line []byte) bool {
	_, behind, ok := bytes.Cut(line, []byte(".http: "))
	return ok && bytes.Contains(behind, []byte(fatalLiteral))
}

// cutsHeading says whether a line begins as a record does, up to the level, and is none.
func cutsHeading(line []byte) bool {
	if _, ok := parseStamp(line); !ok || len(line) <= stampLen || line[stampLen] != ' ' {
		return false
	}
	_, rest, ok := cutPID(line[stampLen+1:])
	level, _, _ := bytes.Cut(rest, space)
	return ok && isLevel(stripColour(level))
}
