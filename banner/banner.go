// Package banner keeps banned addresses away: it puts them into the kernel's
// packet filter, where each ban ends by itself at its time, also when this
// process is dead.
package banner

import (
	"context"
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

func (b Ban) about() netip.Prefix { return b.Prefix }

// Firewall keeps prefixes away until their time. A prefix is blocked once or
// not at all; prefixes that overlap are blocked and unblocked each for itself.
// All methods may be called from several goroutines.
type Firewall interface {
	// Block puts bans in force. A ban that has already run out is skipped; a
	// prefix that is blocked already gets the new end, sooner or later; of
	// several bans of one prefix in one call the one that ends last counts.
	// A prefix that must not be banned, such as 0.0.0.0/0, is an error and
	// does not keep the other bans from being put in force.
	Block(ctx context.Context, bans []Ban) error
	// Unblock ends bans. A prefix that is not blocked is no error.
	Unblock(ctx context.Context, prefixes []netip.Prefix) error
	// List returns what is in force, in the order of the prefixes. Only Prefix
	// and Until are filled, Until to the second: the kernel knows no more.
	// Until is zero for a prefix that somebody put in by hand for ever.
	List(ctx context.Context) ([]Ban, error)
}
