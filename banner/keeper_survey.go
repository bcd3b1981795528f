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
	// count returns how many are in force, or negative where the kernel does not
	// tell.
	count(ctx context.Context) (int, error)
}

// surveyAfter is how long after the start the others are looked for: until then
// there is more to do.
const surveyAfter = time.Second

// adoptDue adopts what of the bans is in force, as long as that is not known. If
// no more are than the others that are known, none of them is. If there are enough
// for all, and some of them are, all are taken to be until the survey.
func (k *Keeper) adoptDue(ctx context.Context, bans []Ban) error {
	if k.unlisted == nil {
		return nil
	}
	n, err := k.unlisted.count(ctx)
	now := time.Now()
	due, _ := pending(bans, now) // Block says what is refused
	prefixes := prefixesOf(due)
	others := k.known.count(now) - len(k.known.bans(prefixes, now))
	if err != nil || n == others {
		return err
	}
	lost, err := k.fw.missing(ctx, prefixes)
	if err == nil && (n < others+len(due) || lost > 0) {
		due, err = k.unlisted.find(ctx, prefixes)
	}
	if err != nil {
		return err
	}
	k.adopt(due, 0)
	return nil
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

// learnOthers asks what is in force, while bans go on. It puts in force what is
// not there after all or ends too early, and learns what is new.
func (k *Keeper) learnOthers(ctx context.Context) error {
	began := time.Now()
	seen, err := k.see(ctx)
	if err != nil {
		return err
	}
	took := time.Since(began)
	ends := make(map[netip.Prefix]time.Time, len(seen))
	for _, b := range seen {
		ends[b.Prefix] = b.end().Add(took)
	}
	if _, err := k.put(ctx, k.short(ends)); err != nil {
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

// see returns what is in force: what is known, or if there is more than that all.
func (k *Keeper) see(ctx context.Context) ([]Ban, error) {
	k.mu.Lock()
	// One that ends right now may not be there any more, in place of another.
	known := k.known.after(time.Now().Add(aboutOver))
	n, err := k.unlisted.count(ctx)
	k.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case n != len(known):
		return k.fw.List(ctx)
	}
	return k.unlisted.find(ctx, known)
}

// short returns what should last longer than it was seen to.
func (k *Keeper) short(ends map[netip.Prefix]time.Time) []netip.Prefix {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.DeleteFunc(k.known.after(time.Now().Add(aboutOver)), func(p netip.Prefix) bool {
		end, ok := ends[p]
		return ok && reaches(end, k.known.ends[p])
	})
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
