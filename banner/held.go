package banner

import (
	"net/netip"
	"slices"
	"time"
)

// Held is a ban as the kernel has it.
type Held struct {
	Prefix netip.Prefix
	// Until is when it ends, to the second, or zero for never.
	Until time.Time
	// Packets is how many were dropped since the ban was last put in force.
	Packets uint64
	// Counted says whether the kernel counts them: it does not in sets that
	// were made without counters.
	Counted bool
}

// inOrder sorts by prefix.
func inOrder(all []Held) []Held {
	slices.SortFunc(all, func(a, b Held) int { return a.Prefix.Compare(b.Prefix) })
	return all
}

// bare is what Firewall.List tells of held.
func bare(held []Held, err error) ([]Ban, error) {
	if err != nil {
		return nil, err
	}
	bans := make([]Ban, len(held))
	for i, h := range held {
		bans[i] = Ban{Prefix: h.Prefix, Until: h.Until}
	}
	return bans, nil
}
