package doctor

import (
	"bytes"
	"context"
	"fmt"

	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/printable"
)

// checkStrange looks whether there are logs of something else.
func checkStrange(_ context.Context, x *examination) error {
	const enough = 20
	for _, s := range x.logs {
		if s.lines >= enough && s.records == 0 && s.matched == 0 && !isProxyLog(s.sample) {
			x.find(finding.NotOdoo, s.name, fmt.Sprintf("of the last %s none is understood; the last one is %s",
				printable.Count(s.lines, "line"), excerpt(s.sample)), "")
		}
	}
	return nil
}

// checkFormats looks whether what is written of logins is understood, and tells
// who made them.
func checkFormats(_ context.Context, x *examination) error {
	for _, s := range x.logs {
		if s.stats.Unknown > 0 {
			x.find(finding.FormatChanged, s.name, fmt.Sprintf("%s of the login logger, such as %s",
				printable.Count(s.stats.Unknown, "record"), excerpt(s.unknown)), "")
		}
		if s.stats.Unattributed > 0 && s.accesses > 0 {
			seen := fmt.Sprintf("%s of the last %s",
				printable.Count(s.stats.Unattributed, "failed login"), printable.Count(s.lines, "line"))
			why, known := engine.MainReason(s.stats.Rejected)
			if known {
				seen += fmt.Sprintf("; mostly %s: %s", why.Reason, why.Title)
			}
			x.find(finding.Unattributed, s.name, seen, why.Cure)
		}
		if s.stats.Doubtful > 0 {
			x.find(finding.Doubtful, s.name, fmt.Sprintf("%s of the last %s",
				printable.Count(s.stats.Doubtful, "request"), printable.Count(s.lines, "line")), "")
		}
		if s.stats.Mixed > 0 {
			x.find(finding.MixedLog, s.name,
				fmt.Sprintf("%s of Odoo's in the last %s",
					printable.Count(s.records, "record"), printable.Count(s.lines, "line")), "")
		}
		if s.syslog > 0 {
			x.find(finding.Syslog, s.name, fmt.Sprintf("%d of the last %s", s.syslog, printable.Count(s.records, "record")), "")
		}
	}
	return nil
}

// isProxyLog knows a line of an access log of Traefik's or another web server's.
func isProxyLog(line []byte) bool {
	return bytes.Contains(line, []byte(` HTTP/`)) || bytes.Contains(line, []byte(`"RequestMethod"`))
}
