package banner

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

var _ Firewall = (*DryRun)(nil)

// DryRun is a Firewall that only writes down what would be in force. The zero
// value is ready.
type DryRun struct {
	// Now tells the time by which bans end: time.Now if it is nil, the time
	// of the log in a replay.
	Now func() time.Time

	mu      sync.Mutex
	bans    map[netip.Prefix]Ban
	sweepAt int
}

// Block writes the bans down. See Firewall.
func (d *DryRun) Block(ctx context.Context, bans []Ban) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	todo, refused := pending(bans, now)
	if d.bans == nil {
		d.bans = make(map[netip.Prefix]Ban)
	}
	for _, b := range todo {
		d.bans[b.Prefix] = b
	}
	// Sweeping when the number has doubled bounds both memory and work.
	if len(d.bans) >= d.sweepAt {
		d.sweep(now)
		d.sweepAt = 2*len(d.bans) + 1024
	}
	return refused
}

// Unblock forgets the bans of the prefixes. See Firewall.
func (d *DryRun) Unblock(ctx context.Context, prefixes []netip.Prefix) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range prefixes {
		delete(d.bans, p.Masked())
	}
	return nil
}

// List returns what would be in force. See Firewall.
func (d *DryRun) List(ctx context.Context) ([]Ban, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep(d.now())
	return slices.SortedFunc(maps.Values(d.bans), byPrefix), nil
}

func (d *DryRun) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

func (d *DryRun) sweep(now time.Time) {
	maps.DeleteFunc(d.bans, func(_ netip.Prefix, b Ban) bool { return !b.Until.After(now) })
}
