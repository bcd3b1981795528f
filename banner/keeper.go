package banner

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

var _ Firewall = (*Keeper)(nil)

const (
	// keepEvery is how often Keep looks whether all is in place.
	keepEvery = 30 * time.Second
	// keepSettle is how long a change by others has time to be finished.
	keepSettle = 200 * time.Millisecond
	// keepPause is the least time between two looks because of changes.
	keepPause = 2 * time.Second
	// turnEvery is how often Keep comes round at least, and expireEvery how often
	// where it has to end bans.
	turnEvery   = 5 * time.Second
	expireEvery = time.Second
	// rearmEvery is how often bans longer than the kernel can count are put in
	// force again.
	rearmEvery = 24 * time.Hour
)

// Keeper is a Firewall that stays in force. It knows which bans there are and,
// while Keep runs, puts back what others take away. Unlike with a bare
// backend a ban does not shorten a longer one of the same prefix.
type Keeper struct {
	name  string
	notes []error
	fw    backend
	// changes tells of changes to the packet filter while listen runs, which ends
	// with the context; nil when nobody changes anything.
	changes func(context.Context) (changed <-chan struct{}, listen func())
	// every is how long damage that nobody tells us of may last.
	every time.Duration

	rounds atomic.Uint64

	// mu also makes sure that nothing is put back after it was unblocked.
	mu    sync.Mutex
	known ledger
	// adopted are the latest ends of bans that were found in force, until they are
	// asked for: they need not be put in force again.
	adopted map[netip.Prefix]time.Time
	// slow is the backend if it lists slowly, and unlisted is that as long as not
	// all that is in force is known.
	slow, unlisted slowLister
	// surveyed is why it is not.
	surveyed error
	mends    uint64
	last     Mended
	left     leftovers
	// guarded says that IPv6 was guarded at some time, and noIPv6 why it is not now.
	guarded bool
	noIPv6  error
	// broken is what the last look could not put right, and overdue why bans that
	// do not end by themselves could not be ended.
	broken, overdue lasting
	// rearmed is when all long bans were last put in force.
	rearmed time.Time
}

// Mended is what Keep found wrong and has put right.
type Mended struct {
	// Found says in words what was wrong.
	Found []string
	// Righted says that all of it was put right.
	Righted bool
	// Restored is how many bans were put in force again.
	Restored int
	// Count is how many times something was put right, with this one.
	Count uint64
	// Err is what could not be put right and what to do. Keep tries again, and
	// reports it once for as long as it lasts.
	Err error
}

func newKeeper(name string, fw backend) *Keeper {
	slow, _ := fw.(slowLister)
	k := &Keeper{name: name, fw: fw, slow: slow, every: keepEvery, rearmed: time.Now()}
	_ = k.noteIPv6() // it never was, so it is no error
	return k
}

// Name returns which backend is used: ipset, nftables, iptables or dry-run.
func (k *Keeper) Name() string { return k.name }

// Notes returns what people should know and may want to cure: that IPv6 is not
// guarded, or why a better backend is not used.
func (k *Keeper) Notes() []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.notesNow()
}

// notesNow are the notes without what is an error of Keep: that IPv6 is not guarded
// any more. The caller holds mu.
func (k *Keeper) notesNow() []error {
	notes := slices.Clone(k.notes)
	if k.noIPv6 != nil && !k.guarded {
		notes = append(notes, k.noIPv6)
	}
	return notes
}

// noteIPv6 notes whether IPv6 is guarded. It is an error that it is not any more, as
// the bans that were in force there are not. The caller holds mu.
func (k *Keeper) noteIPv6() error {
	k.noIPv6 = k.fw.IPv6()
	k.guarded = k.guarded || k.noIPv6 == nil
	if !k.guarded {
		return nil
	}
	return k.noIPv6
}

// Block puts bans in force, and keeps them so. See Firewall.
func (k *Keeper) Block(ctx context.Context, bans []Ban) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.adoptDue(ctx, bans); err != nil {
		return err
	}
	todo := make([]Ban, 0, len(bans))
	for _, b := range bans {
		if prefix, err := canonical(b.Prefix); err == nil {
			b.Prefix = prefix
			b = k.known.raise(b)
		}
		if !k.inForce(b) {
			todo = append(todo, b)
		}
	}
	return k.fw.Block(ctx, todo)
}

// inForce says whether b was found in force; once, as others may have taken it
// away since.
func (k *Keeper) inForce(b Ban) bool {
	until, ok := k.adopted[b.Prefix]
	delete(k.adopted, b.Prefix)
	return ok && reaches(until, b.Until)
}

// Adopt lets Block ask what is in force, and leave that alone, as after Open: for
// who is about to block again all that is due. Where to ask takes longer than to
// block again, and bans count on, it does nothing. Keep must not run meanwhile.
func (k *Keeper) Adopt() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unlisted = k.slow
}

// Unblock ends bans. See Firewall.
func (k *Keeper) Unblock(ctx context.Context, prefixes []netip.Prefix) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range prefixes {
		k.known.forget(p.Masked())
		delete(k.adopted, p.Masked())
	}
	return errors.Join(k.fw.Unblock(ctx, prefixes), k.left.unblock(ctx, prefixes))
}

// List returns what is in force. See Firewall.
func (k *Keeper) List(ctx context.Context) ([]Ban, error) { return k.fw.List(ctx) }

// Remove takes all bans and everything else of ours away. Keep puts back empty
// sets and rules.
func (k *Keeper) Remove(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known, k.adopted = ledger{}, nil
	err := k.fw.Remove(ctx)
	left, failed := k.left.remove(ctx)
	k.left = left
	return errors.Join(err, failed)
}

// Close lets go of the kernel. Bans stay in force until their end, those of
// iptables rules until somebody opens them again.
func (k *Keeper) Close() error {
	err := k.fw.Close()
	for _, old := range k.left {
		err = errors.Join(err, old.Close())
	}
	return err
}

// Rounds is how many times Keep has come round: every few seconds, unless it hangs
// or the kernel does not answer to a ban. It can be asked for at any time.
func (k *Keeper) Rounds() uint64 { return k.rounds.Load() }

// turn counts a round, when bans can be put in force.
func (k *Keeper) turn() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rounds.Add(1)
}

// learn notes bans that are in force already. The caller holds mu.
func (k *Keeper) learn(bans []Ban) {
	for _, b := range bans {
		b.Until = b.end()
		k.known.raise(b)
	}
}

// adopt learns bans that are in force in our own backend. To ask for them took
// so long: how much time each has left was read at some moment of that. The caller
// holds mu.
func (k *Keeper) adopt(bans []Ban, took time.Duration) {
	k.learn(bans)
	if k.adopted == nil {
		k.adopted = make(map[netip.Prefix]time.Time, len(bans))
	}
	for _, b := range bans {
		k.adopted[b.Prefix] = b.end().Add(took)
	}
}

// Keep looks every 30 seconds, and where the kernel tells of changes at once,
// whether all is in place, repairs it, and reports what was wrong. It ends
// without an error when ctx does. It must run in the network namespace that
// the firewall was opened in.
func (k *Keeper) Keep(ctx context.Context, report func(Mended)) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	beside.Go(func() { k.survey(ctx) })
	var changed <-chan struct{}
	if k.changes != nil {
		var listen func()
		changed, listen = k.changes(ctx)
		beside.Go(listen)
	}
	every := time.NewTicker(k.every)
	defer every.Stop()
	pace := turnEvery
	if _, ok := k.fw.(expirer); ok {
		pace = expireEvery
	}
	round := time.NewTicker(pace)
	defer round.Stop()
	k.turn()
	var settled <-chan time.Time
	looked := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-round.C:
			k.expire(ctx, report)
			k.turn()
			continue
		case <-changed:
			if settled == nil {
				settled = time.After(max(keepSettle, keepPause-time.Since(looked)))
			}
			continue
		case <-settled:
		case <-every.C:
		}
		k.look(ctx, report)
		settled, looked = nil, time.Now()
	}
}
