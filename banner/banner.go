// Package banner keeps banned addresses away: it puts them into the kernel's
// packet filter, where each ban ends by itself at its time, also when this
// process is dead.
package banner

import (
	"net/netip"
	"time"
)

// Ban is one prefix that is kept away for a time. Rule, Prefix and Time are
// its identity.
type Ban struct {
	Prefix netip.Prefix
	// Rule is the name of the rule whose failures led to the ban.
	Rule string
	// Time is when the failure that triggered the ban happened, by the log.
	Time time.Time
	// Until is when the ban ends.
	Until time.Time
	// Failures is how many failures were counted within findtime.
	Failures int
}
