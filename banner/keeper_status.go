package banner

import (
	"context"
	"errors"
	"time"
)

// KeeperStatus is what a Keeper keeps in force. To ask for it is cheap, however
// many bans there are; List and Held ask the kernel for each.
type KeeperStatus struct {
	// Backend is as of Keeper.Name.
	Backend string
	// Notes are as of Keeper.Notes.
	Notes []error
	// Bans is how many should be in force.
	Bans int
	// Dropped is how many packets were dropped since the rules were made, which
	// may be longer ago than this process. It begins anew when somebody has taken
	// the rules away.
	Dropped uint64
	// Mends is how many times Keep has put something right, and Last what it was the
	// last time, if ever.
	Mends uint64
	Last  Mended
	// Err is what could not be put right, or ended; Keep tries again.
	Err error
}

// Status returns what is kept in force. Without an answer of the kernel the
// error says why, and all but Dropped is filled in.
func (k *Keeper) Status(ctx context.Context) (KeeperStatus, error) {
	k.mu.Lock()
	s := KeeperStatus{
		Backend: k.name, Notes: k.Notes(), Bans: k.known.count(time.Now()), Mends: k.mends, Last: k.last,
		Err: errors.Join(k.broken.err, k.overdue.err),
	}
	k.mu.Unlock()
	var err error
	s.Dropped, err = k.fw.dropped(ctx)
	return s, err
}

// Held returns what is in force, with the packets that were dropped, in the
// order of the prefixes. With 100,000 bans it takes up to seconds.
func (k *Keeper) Held(ctx context.Context) ([]Held, error) { return k.fw.held(ctx) }
