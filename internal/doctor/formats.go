package doctor

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"odooban/internal/checkup"
	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/printable"
)

// checkStrange looks whether there are logs of something else.
func checkStrange(x *facts, r *checkup.Report) {
	const enough = 20
	for _, s := range x.logs {
		if s.lines >= enough && s.records+s.proxied+s.matched == 0 {
			r.Find(finding.NotOdoo, s.name, fmt.Sprintf("of the last %s none is understood; the last one is %s",
				printable.Count(s.lines, "line"), excerpt(s.sample)), strangeCure(s.sample))
		}
	}
}

// strangeCure says what to follow instead of a log with such lines; empty if it is
// not known whose they are.
func strangeCure(line []byte) string {
	switch {
	case bytes.Contains(line, []byte("werkzeug")):
		return "" // Odoo's, in a form of its own
	case bytes.Contains(line, []byte(" HTTP/")):
		return "take it out of sources: of web servers odooban reads Traefik's access log alone, " +
			"in its formats json and common"
	case bytes.Contains(line, []byte("traefik")):
		return "name Traefik's access log instead (accessLog: {filePath: /var/log/traefik/access.log, format: json})"
	}
	return ""
}

// checkFormats looks whether what is written of logins is understood, and tells
// who made them.
func checkFormats(x *facts, r *checkup.Report) {
	for _, s := range x.logs {
		if s.stats.Unknown > 0 {
			r.Find(finding.FormatChanged, s.name, fmt.Sprintf("%s of the login logger, such as %s",
				printable.Count(s.stats.Unknown, "record"), excerpt(s.unknown)), "")
		}
		if s.stats.Unattributed > 0 && s.accesses > 0 {
			seen := fmt.Sprintf("%s of the last %s",
				printable.Count(s.stats.Unattributed, "failed login"), printable.Count(s.lines, "line"))
			why, known := engine.MainReason(s.stats.Rejected)
			if known {
				seen += fmt.Sprintf("; mostly %s: %s", why.Reason, why.Title)
			}
			r.Find(finding.Unattributed, s.name, seen, why.Cure)
		}
		if s.stats.Doubtful > 0 {
			r.Find(finding.Doubtful, s.name, fmt.Sprintf("%s of the last %s",
				printable.Count(s.stats.Doubtful, "request"), printable.Count(s.lines, "line")), "")
		}
		if s.stats.Mixed > 0 {
			r.Find(finding.MixedLog, s.name,
				fmt.Sprintf("%s of Odoo's in the last %s",
					printable.Count(s.records, "record"), printable.Count(s.lines, "line")), "")
		}
		if s.syslog > 0 {
			r.Find(finding.Syslog, s.name, fmt.Sprintf("%d of the last %s", s.syslog, printable.Count(s.records, "record")), "")
		}
	}
}

// excerpt is the start of a line of a log.
func excerpt(line []byte) string {
	const longest = 160
	text := strings.ToValidUTF8(string(line[:min(len(line), longest)]), "?")
	if len(line) > longest {
		text += "..."
	}
	return strconv.Quote(text)
}
