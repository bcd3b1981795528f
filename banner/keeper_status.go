package banner

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// KeeperStatus is what a Keeper keeps in force. To ask for it is cheap, however
// many bans there are: nobody asks the kernel.
type KeeperStatus struct {
	// Backend is as of Keeper.Name.
	Backend string
	// Notes are as of Keeper.Notes.
	Notes []error
	// Bans is how many should be in force.
	Bans int
	// Mends is how many times Keep has put something right, and Last what it was the
	// last time, if ever.
	Mends uint64
	Last  Mended
	// Err is what could not be put right, or ended; Keep tries again.
	Err error
}

// Status returns what is kept in force.
func (k *Keeper) Status() KeeperStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	return KeeperStatus{
		Backend: k.name, Notes: k.notesNow(), Bans: k.known.count(time.Now()), Mends: k.mends, Last: k.last,
		Err: errors.Join(k.broken.err, k.overdue.err),
	}
}

// Dropped asks the kernel how many packets were dropped since the rules were made,
// which may be longer ago than this process. It begins anew when somebody has
// taken the rules away.
func (k *Keeper) Dropped(ctx context.Context) (uint64, error) {
	n, err := k.fw.dropped(ctx)
	if err != nil {
		return 0, fmt.Errorf("count dropped packets: %w", err)
	}
	return n, nil
}

// Held returns what is in force, with the packets that were dropped, in the
// order of the prefixes. With 100,000 bans it takes up to seconds.
func (k *Keeper) Held(ctx context.Context) ([]Held, error) { return k.fw.held(ctx) }
