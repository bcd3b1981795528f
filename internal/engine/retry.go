package engine

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"odooban/banner"
)

// Refused bans are tried again after retryFirst, then after twice as long each
// time, up to retryMost.
const (
	retryFirst = time.Second
	retryMost  = 30 * time.Second
	// maxRetries bounds the bans that are kept for another try; it is what the
	// kernel's sets hold.
	maxRetries = 1_000_000
)

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

// take empties what is kept.
func (r *retries) take() []banner.Ban {
	r.mu.Lock()
	defer r.mu.Unlock()
	bans := slices.Collect(maps.Values(r.pending))
	clear(r.pending)
	return bans
}

// run tries again until ctx ends. try says whether it is done, else it has
// added the bans again.
func (r *retries) run(ctx context.Context, try func([]banner.Ban) bool) error {
	wait := retryFirst
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, retryMost)
		if try(r.take()) {
			wait = retryFirst
		}
	}
}
