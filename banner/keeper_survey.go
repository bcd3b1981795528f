package banner

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// slowLister is a backend that lists many bans so slowly that nobody can wait
// for that when odooban starts. So the keeper asks it for those that it is to put
// in force, and for others later.
type slowLister interface {
	// find returns which of the prefixes are in force.
	find(ctx context.Context, prefixes []netip.Prefix) ([]Ban, error)
	// others says whether others than these prefixes may be in force.
	others(ctx context.Context, prefixes []netip.Prefix) (bool, error)
}

// surveyAfter is how long after the start the others are looked for: until then
// there is more to do.
const surveyAfter = time.Second

// adoptDue adopts what of the bans is in force, as long as that is not known.
func (k *Keeper) adoptDue(ctx context.Context, bans []Ban) error {
	if k.unlisted == nil {
		return nil
	}
	prefixes := make([]netip.Prefix, 0, len(bans))
	for _, b := range bans {
		if p, err := canonical(b.Prefix); err == nil {
			prefixes = append(prefixes, p)
		}
	}
	found, err := k.unlisted.find(ctx, prefixes)
	k.adopt(found, 0)
	return err
}

// survey learns what else is in force, and ends when it knows or ctx ends.
func (k *Keeper) survey(ctx context.Context) {
	wait := time.NewTimer(surveyAfter)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		err := k.learnOthers(ctx)
		k.mu.Lock()
		k.surveyed = err
		k.mu.Unlock()
		if err == nil {
			return
		}
		wait.Reset(keepEvery)
	}
}

// learnOthers lists what is in force, while bans go on, and learns what of that
// is new and still is.
func (k *Keeper) learnOthers(ctx context.Context) error {
	if more, err := k.anyOthers(ctx); !more || err != nil {
		return err
	}
	listed, err := k.fw.List(ctx)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(listed, putBatch) {
		if err := k.learnNew(ctx, some); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unlisted = nil
	return nil
}

// anyOthers says whether more may be in force than is known.
func (k *Keeper) anyOthers(ctx context.Context) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.unlisted == nil {
		return false, nil
	}
	// One that ends right now may not be there any more, in place of another.
	more, err := k.unlisted.others(ctx, k.known.after(time.Now().Add(aboutOver)))
	if !more && err == nil {
		k.unlisted = nil
	}
	return more, err
}

// learnNew learns what is not known of bans that were in force a moment ago.
func (k *Keeper) learnNew(ctx context.Context, bans []Ban) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var unknown []netip.Prefix
	for _, b := range bans {
		if !k.known.has(b.Prefix) {
			unknown = append(unknown, b.Prefix)
		}
	}
	found, err := k.unlisted.find(ctx, unknown)
	k.learn(found)
	return err
}
