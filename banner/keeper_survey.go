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
	// others says whether others than these prefixes, which are, may be in force.
	others(ctx context.Context, prefixes []netip.Prefix) (bool, error)
}

// surveyAfter is how long after the start the others are looked for: until then
// there is more to do.
const surveyAfter = time.Second

// adoptDue adopts what of the bans is in force, as long as that is not known. If
// no others are in force than those known, none of them is.
func (k *Keeper) adoptDue(ctx context.Context, bans []Ban) error {
	if k.unlisted == nil {
		return nil
	}
	more, err := k.unlisted.others(ctx, k.known.after(time.Now()))
	if !more || err != nil {
		return err
	}
	due, _ := pending(bans, time.Now()) // Block says what is refused
	found, err := k.unlisted.find(ctx, prefixesOf(due))
	k.adopt(found, 0)
	return err
}

func prefixesOf(bans []Ban) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(bans))
	for i, b := range bans {
		prefixes[i] = b.Prefix
	}
	return prefixes
}

// survey learns what else is in force, and ends when it knows or ctx ends.
func (k *Keeper) survey(ctx context.Context) {
	if k.unlisted == nil {
		return
	}
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

// learnOthers asks what else is in force, while bans go on, and learns it.
func (k *Keeper) learnOthers(ctx context.Context) error {
	k.mu.Lock()
	// One that ends right now may not be there any more, in place of another.
	more, err := k.unlisted.others(ctx, k.known.after(time.Now().Add(aboutOver)))
	k.mu.Unlock()
	var seen []Ban
	if err == nil && more {
		seen, err = k.fw.List(ctx)
	}
	if err != nil {
		return err
	}
	for some := range slices.Chunk(seen, putBatch) {
		if err := k.learnNew(ctx, some); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unlisted = nil
	return nil
}

// learnNew learns what is new among bans that were in force a moment ago, if
// nobody has ended it since.
func (k *Keeper) learnNew(ctx context.Context, seen []Ban) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	unknown := slices.DeleteFunc(prefixesOf(seen), func(p netip.Prefix) bool {
		_, ok := k.known.ends[p]
		return ok
	})
	found, err := k.unlisted.find(ctx, unknown)
	k.learn(found)
	return err
}

// end is when a ban that was found in force ends: one for ever, made by hand,
// not in our time.
func (b Ban) end() time.Time {
	if b.Until.IsZero() {
		return time.Now().AddDate(100, 0, 0)
	}
	return b.Until
}

// reaches says whether a ban that was found in force lasts until then, to the
// second, which is how exactly kernels tell.
func reaches(found, until time.Time) bool { return until.Sub(found) <= time.Second }
