package watcher

import (
	"context"
	"sync/atomic"
	"time"
)

// RoundEvery is how often what only waits comes round meanwhile.
const RoundEvery = time.Second

// Heartbeat counts how often a loop has come round. Whoever looks on sees by it
// that the loop does not hang.
type Heartbeat struct{ count atomic.Uint64 }

// Turn says that the loop has come round.
func (h *Heartbeat) Turn() { h.count.Add(1) }

// Rounds is how many times following has come round: at least once in a few
// seconds, also while nothing is written, unless reading or the Sink hangs. It
// can be asked for at any time.
func (h *Heartbeat) Rounds() uint64 { return h.count.Load() }

// PauseFor waits for d, or until something comes from early. It returns false if
// ctx has ended.
func (h *Heartbeat) PauseFor(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	tick := time.NewTicker(RoundEvery)
	defer tick.Stop()
	for {
		h.Turn()
		select {
		case <-ctx.Done():
			return false
		case <-early:
			return ctx.Err() == nil
		case <-timer.C:
			return true
		case <-tick.C:
		}
	}
}
