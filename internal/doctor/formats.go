package doctor

import (
	"bytes"
	"context"
	"fmt"

	"odooban/internal/finding"
)

// checkStrange looks whether there are logs of something else.
func checkStrange(_ context.Context, x *examination) error {
	const enough = 20
	for _, s := range x.logs {
		if s.lines >= enough && s.records == 0 && s.matched == 0 && !isProxyLog(s.sample) {
			x.find(finding.NotOdoo, s.name, fmt.Sprintf("of the last %d lines none is understood; the last one is %s",
				s.lines, excerpt(s.sample)), "")
		}
	}
	return nil
}

// checkFormats looks whether what is written of logins is understood, and tells
// who made them.
func checkFormats(_ context.Context, x *examination) error {
	for _, s := range x.logs {
		if s.stats.Unknown > 0 {
			x.find(finding.FormatChanged, s.name, fmt.Sprintf("%d records of the login logger, such as %s",
				s.stats.Unknown, excerpt(s.unknown)), "")
		}
		if s.stats.Unattributed > 0 && s.accesses > 0 {
			x.find(finding.Unattributed, s.name, fmt.Sprintf("%d failed logins of the last %d lines",
				s.stats.Unattributed, s.lines), "")
		}
		if s.stats.Doubtful > 0 {
			x.find(finding.Doubtful, s.name, fmt.Sprintf("%d requests of the last %d lines", s.stats.Doubtful, s.lines), "")
		}
		if s.stats.Mixed > 0 {
			x.find(finding.MixedLog, s.name,
				fmt.Sprintf("%d of the last %d lines are records of Odoo's", s.records, s.lines), "")
		}
		if s.syslog > 0 {
			x.find(finding.Syslog, s.name, fmt.Sprintf("%d of the last %d records", s.syslog, s.records), "")
		}
	}
	return nil
}

// isProxyLog knows a line of an access log of Traefik's or another web server's.
func isProxyLog(line []byte) bool {
	return bytes.Contains(line, []byte(` HTTP/`)) || bytes.Contains(line, []byte(`"RequestMethod"`))
}
