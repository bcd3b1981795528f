package banner

import (
	"maps"
	"net/netip"
	"time"
)

// ledger is what should be in force: for each prefix its end. It is bounded:
// beyond maxMembers, which is what a set of the kernel holds, it learns no more.
type ledger struct {
	ends map[netip.Prefix]time.Time
}

// raise notes the ban and returns it with the later end, if a later one is
// known.
func (l *ledger) raise(b Ban) Ban {
	if l.ends == nil {
		l.ends = make(map[netip.Prefix]time.Time)
	}
	known, ok := l.ends[b.Prefix]
	switch {
	case ok && known.After(b.Until):
		b.Until = known
	case ok || len(l.ends) < maxMembers:
		l.ends[b.Prefix] = b.Until
	}
	return b
}

// bans returns what of the prefixes should be in force at now.
func (l *ledger) bans(prefixes []netip.Prefix, now time.Time) []Ban {
	var bans []Ban
	for _, p := range prefixes {
		if until, ok := l.ends[p]; ok && until.After(now) {
			bans = append(bans, Ban{Prefix: p, Until: until})
		}
	}
	return bans
}

// after returns the prefixes that should be in force after t, in no order.
func (l *ledger) after(t time.Time) []netip.Prefix {
	var prefixes []netip.Prefix
	for p, until := range l.ends {
		if until.After(t) {
			prefixes = append(prefixes, p)
		}
	}
	return prefixes
}

// count is how many prefixes should be in force after t.
func (l *ledger) count(t time.Time) (n int) {
	for _, until := range l.ends {
		if until.After(t) {
			n++
		}
	}
	return n
}

func (l *ledger) forget(p netip.Prefix) { delete(l.ends, p) }

// sweep forgets what has ended.
func (l *ledger) sweep(now time.Time) {
	maps.DeleteFunc(l.ends, func(_ netip.Prefix, until time.Time) bool { return !until.After(now) })
}
