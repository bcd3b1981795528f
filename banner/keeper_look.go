package banner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

const (
	// aboutOver is how long before its end a ban is not missed any more.
	aboutOver = 2 * time.Second
	// putBatch is how many bans are put in force before others get their turn.
	putBatch = 1000
)

// expirer is a backend whose bans do not end by themselves.
type expirer interface {
	expire(ctx context.Context) error
}

// expire lets bans end that do not end by themselves.
func (k *Keeper) expire(ctx context.Context, report func(Mended)) {
	if e, ok := k.fw.(expirer); ok {
		k.tell(ctx, Mended{Err: e.expire(ctx)}, &k.overdue, report)
	}
}

// look looks once whether all is in place, repairs it and reports.
func (k *Keeper) look(ctx context.Context, report func(Mended)) {
	var m Mended
	err := errors.Join(k.repair(ctx, &m), k.restore(ctx, &m))
	m.Righted = err == nil && len(m.Found) > 0
	m.Err = errors.Join(err, k.rearm(ctx))
	k.mu.Lock()
	m.Err = errors.Join(m.Err, k.surveyed)
	k.mu.Unlock()
	k.tell(ctx, m, &k.broken, report)
}

// tell reports what was put right, and an error unless it is the one that was.
func (k *Keeper) tell(ctx context.Context, m Mended, was *lasting, report func(Mended)) {
	if ctx.Err() != nil {
		return
	}
	k.mu.Lock()
	news := was.becomes(m.Err)
	if m.Righted {
		k.mends++
		k.last = m
	}
	m.Count = k.mends
	k.mu.Unlock()
	if m.Righted || news {
		report(m)
	}
}

// lasting is an error that stays until what it is about succeeds.
type lasting struct{ err error }

// becomes sets the error, and says whether that is news to people.
func (l *lasting) becomes(err error) bool {
	before := l.err
	l.err = err
	return err != nil && (before == nil || before.Error() != err.Error())
}

// repair puts back what the bans need.
func (k *Keeper) repair(ctx context.Context, m *Mended) (err error) {
	if m.Found, err = k.fw.Repair(ctx); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.noteIPv6()
}

// restore puts all bans back in force if some are missing.
func (k *Keeper) restore(ctx context.Context, m *Mended) error {
	prefixes, lost, err := k.lost(ctx)
	if lost == 0 || err != nil {
		return err
	}
	m.Found = append(m.Found, fmt.Sprintf("bans were gone: at least %d of %d", lost, len(prefixes)))
	m.Restored, err = k.put(ctx, prefixes)
	return err
}

// lost returns what should be in force and how much of that is not.
func (k *Keeper) lost(ctx context.Context) ([]netip.Prefix, int, error) {
	// Nobody blocks or unblocks meanwhile, or what is on its way would be
	// missed.
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	k.known.sweep(now)
	k.adopted = nil
	prefixes := k.known.after(now.Add(aboutOver))
	n, err := k.fw.missing(ctx, prefixes)
	return prefixes, n, err
}

// rearm puts bans in force again that are longer than the kernel can count.
// Each look is in time: a ban that was cut short when it was put in force the
// last time has two days or more until the kernel ends it.
func (k *Keeper) rearm(ctx context.Context) error {
	now := time.Now()
	if now.Sub(k.rearmed) < rearmEvery {
		return nil
	}
	k.rearmed = now
	k.mu.Lock()
	long := k.known.after(now.Add(maxTimeout*time.Second - 2*rearmEvery))
	k.mu.Unlock()
	_, err := k.put(ctx, long)
	return err
}

// put puts what is still known of the prefixes in force, and says how many. Where
// some are refused it goes on with the others, and returns the first error: the
// prefixes are sorted, so that it is the same one each time.
func (k *Keeper) put(ctx context.Context, prefixes []netip.Prefix) (n int, refused error) {
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	for some := range slices.Chunk(prefixes, putBatch) {
		k.mu.Lock()
		bans := k.known.bans(some, time.Now())
		err := k.fw.Block(ctx, bans)
		k.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return n, ctx.Err()
		case err == nil:
			n += len(bans)
		case refused == nil:
			refused = err
		}
	}
	return n, refused
}
