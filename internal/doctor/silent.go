package doctor

import (
	"fmt"
	"time"

	"odooban/internal/checkup"
	"odooban/internal/finding"
)

const (
	// silence is how long a log may have no line: Odoo's own jobs write some each
	// hour.
	silence = 6 * time.Hour
	// leftBehind is when a log that has none is a file that was left behind.
	leftBehind = 30 * 24 * time.Hour
)

// checkSilent looks whether there are logs that had lines, and get none any more.
func checkSilent(x *facts, r *checkup.Report) {
	for _, s := range x.logs {
		last := s.written
		if last.IsZero() {
			last = s.newest // in systemd's journal
		}
		since := x.now.Sub(last)
		if s.err != nil || last.IsZero() || since < silence || since > leftBehind || s.lines == 0 && !s.older {
			continue
		}
		r.Find(finding.SourceSilent, s.name, fmt.Sprintf("nothing was written to it for %v, since %s",
			since.Truncate(time.Hour), last.UTC().Format(time.RFC3339)), "")
	}
}
