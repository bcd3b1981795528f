package engine

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"odooban/banner"
	"odooban/internal/backoff"
)

// maxRetries bounds the bans that are kept for another try; it is what the
// kernel's sets hold.
const maxRetries = 1_000_000

// retries keeps the bans that the firewall has refused.
type retries struct {
	mu      sync.Mutex
	pending map[netip.Prefix]banner.Ban
	wake    chan struct{}
}

// add keeps bans for another try.
func (r *retries) add(bans []banner.Ban) {
	r.mu.Lock()
	for _, b := range bans {
		if known, ok := r.pending[b.Prefix]; ok && known.Until.After(b.Until) || !ok && len(r.pending) >= maxRetries {
			continue
		}
		r.pending[b.Prefix] = b
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// count returns how many bans are kept for another try.
func (r *retries) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.pending)
}

// take empties what is kept.
func (r *retries) take() []banner.Ban {
	r.mu.Lock()
	defer r.mu.Unlock()
	bans := slices.Collect(maps.Values(r.pending))
	clear(r.pending)
	return bans
}

// drop forgets bans that people have ended.
func (r *retries) drop(prefixes []netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range prefixes {
		delete(r.pending, p)
	}
}

// run lets try take the bans and try again, until ctx ends. It says whether it is
// done, else it has added the bans again.
func (r *retries) run(ctx context.Context, try func() bool) error {
	var again backoff.Backoff
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(again.Next()):
		}
		if try() {
			again.Reset()
		}
	}
}
