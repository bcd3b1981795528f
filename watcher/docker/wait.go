package docker

import (
	"context"
	"time"

	"odooban/watcher"
)

// What waits for the engine here comes round meanwhile, and for no longer than
// patience: an engine may take a connection and never answer.

// ask lets f ask the engine.
func ask(ctx context.Context, beat *watcher.Heartbeat, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var err error
	during(beat, func() { err = f(ctx) }, cancel)
	return err
}

// during waits for f, and calls cancel, which must end it, when it takes too
// long.
func during(beat *watcher.Heartbeat, f, cancel func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	late := time.AfterFunc(patience, cancel)
	defer late.Stop()
	tick := time.NewTicker(watcher.RoundEvery)
	defer tick.Stop()
	for {
		beat.Turn()
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}
