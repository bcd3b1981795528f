package doctor

import (
	"fmt"

	"odooban/internal/checkup"
	"odooban/internal/finding"
	"odooban/internal/printable"
)

const (
	// loudEnough is how many records in a row must be of WARNING or worse to say
	// that INFO is not written, and loudAll how many if there are no others.
	loudEnough = 100
	loudAll    = 20
	// triedEnough is how many tried logins there must be in the access lines to
	// miss the records of the login code.
	triedEnough = 20
	// recordsEnough is how many records there must be to miss access lines.
	recordsEnough = 200
)

// checkLevels looks whether a log level hides failed logins.
func checkLevels(x *facts, r *checkup.Report) {
	for _, s := range x.logs {
		if seen := s.hidden(); seen != "" {
			r.Find(finding.LevelHides, s.name, seen, "")
			continue
		}
		if s.accesses == 0 && (s.records >= recordsEnough || s.logins > 0 && s.stats.Unattributed > 0) {
			r.Find(finding.NoAccessLines, s.name,
				fmt.Sprintf("none of the last %s is an access line", printable.Count(s.records, "record")), "")
		}
	}
}

// hidden says why failed logins are taken to be hidden, or nothing.
func (s *survey) hidden() string {
	switch {
	case s.loud >= loudEnough || s.loud >= loudAll && s.loud == s.records:
		return fmt.Sprintf("the last %d records are all of WARNING or worse", s.loud)
	case s.cooled > 0 && s.logins == 0:
		return fmt.Sprintf("Odoo refused %s after too many failures, and logged none of these failures",
			printable.Count(s.cooled, "attempt"))
	case s.tried >= triedEnough && s.logins == 0 && s.cooled == 0:
		return fmt.Sprintf("%d logins were tried by the access lines, and nothing is logged of them", s.tried)
	}
	return ""
}
