package watcher

import (
	"context"
	"time"
)

// What waits for the engine here comes round meanwhile, and for no longer than
// dockerPatience: an engine may take a connection and never answer.

// ask lets f ask the engine.
func (r *rounds) ask(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, dockerPatience)
	defer cancel()
	var err error
	r.during(func() { err = f(ctx) }, cancel)
	return err
}

// during waits for f, and calls cancel, which must end it, when it takes too
// long.
func (r *rounds) during(f, cancel func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	late := time.AfterFunc(dockerPatience, cancel)
	defer late.Stop()
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		r.turn()
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}
