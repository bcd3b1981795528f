package rules

import (
	"bytes"
	"time"
)

// Odoo writes the path of a request whose form came without a valid token as it
// is, decoded, and so with line ends (odoo/http.py: "CSRF validation failed on path
// '%s'", "No CSRF validation token provided for path '%s'"). What comes behind such
// a record, up to the length of a path, may be a part of it, whatever it looks
// like, and nothing tells. So it is not counted: live what was read together with
// the record, in history what no path is too short to hold.

// taintLiteral stands in all records that hold a path.
const taintLiteral = "CSRF validation"

// longestRequest is how long a path can be: werkzeug reads no longer first lines.
const longestRequest = 64 << 10

// taint is the last record that holds a path.
type taint struct {
	set   bool
	until int64
	burst uint64
	live  bool
}

// holdsPath takes note of a record that holds a path, and says whether what was
// read may be a part of one.
func (s *Scanner) holdsPath(r *record, seen time.Time) bool {
	t := &s.taint
	if r.sealed {
		return false
	}
	inside := t.set && s.offset <= t.until && t.live == !seen.IsZero() && (seen.IsZero() || t.burst == s.burst)
	if string(r.logger) == "odoo.http" && bytes.Contains(r.msg, []byte(taintLiteral)) {
		*t = taint{set: true, until: s.offset + longestRequest, burst: s.burst, live: !seen.IsZero()}
	}
	return inside
}

// unsure passes over a record that may be a part of a path.
func (s *Scanner) unsure(r *record) {
	s.previous = previous{lost: true}
	if l := parseLogin(r); l.event == loginFailed || l.event == cooledDown {
		s.stats.Unattributed++
	}
}
