package control

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"odooban/banner"
	"odooban/internal/store"
)

// Record answers from the journal alone, when no daemon runs. It knows what was
// banned, and not whether the firewall still has it.
type Record struct {
	Journal *store.Journal
	// Key is what the failures of an address are counted by.
	Key func(netip.Addr) netip.Prefix
}

// Bans returns the bans that have not ended.
func (r *Record) Bans(context.Context) (Bans, error) {
	recorded, err := r.Journal.Bans(time.Now())
	if err != nil {
		return Bans{}, fmt.Errorf("list bans: %w", err)
	}
	return Bans{Bans: merge(recorded, []banner.Held{})}, nil
}

// Why tells what the journal knows of an address.
func (r *Record) Why(_ context.Context, text string) (Why, error) {
	addr, err := ParseAddr(text)
	if err != nil {
		return Why{}, &wrongError{err}
	}
	w := Why{
		Addr: addr, Prefix: r.Key(addr), Counting: []Counting{}, Bans: []Ban{},
		Earlier: []Ban{}, Failures: []Failure{}, Rejected: []Rejected{},
	}
	err = w.remember(r.Journal, time.Now(), true)
	return w, err
}
