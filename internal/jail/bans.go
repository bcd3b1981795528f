package jail

import (
	"net/netip"
	"slices"
	"time"
)

// bans remembers the stretches of time for which prefixes were banned. Those of
// one prefix never touch each other.
type bans map[netip.Prefix][]stretch

// stretch is from the first millisecond of a ban to the first after it.
type stretch struct{ from, until int64 }

func stretchOf(from time.Time, length time.Duration) stretch {
	return stretch{from.UnixMilli(), from.Add(length).UnixMilli()}
}

func (s stretch) overlaps(other stretch) bool {
	return s.from < other.until && other.from < s.until
}

// cover says whether a ban of prefix for s would overlap one that was made.
func (b bans) cover(prefix netip.Prefix, s stretch) bool {
	return slices.ContainsFunc(b[prefix], s.overlaps)
}

func (b bans) remove(old made) {
	left := slices.DeleteFunc(b[old.prefix], func(s stretch) bool { return s == old.stretch })
	if len(left) == 0 {
		delete(b, old.prefix)
		return
	}
	b[old.prefix] = left
}

// made is one ban in the order in which a policy made them.
type made struct {
	prefix netip.Prefix
	stretch
}

// remember adds a ban that p made, and lets go of p's oldest: those beyond limit,
// and those over for FindTime, which late failures no longer reach. Two at a time
// keep pace, and one stamp from the future cannot end them all.
func (b bans) remember(p *policy, ban made, limit int) {
	b[ban.prefix] = append(b[ban.prefix], ban.stretch)
	p.made = append(p.made, ban)
	over := ban.from - p.FindTime.Milliseconds()
	for range 2 {
		if p.made[0].until > over && len(p.made) <= limit {
			return
		}
		b.remove(p.made[0])
		p.made = p.made[1:]
	}
}
