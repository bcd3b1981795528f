package replay

import (
	"iter"
	"sync"
)

// batch is what became certain in a log.
type batch struct {
	log   *Log
	found found
}

// ahead does what iter.Pull2 does, and what comes next is looked for in a goroutine
// of its own, while what came before is counted. What next returns is valid until it
// is called again; at the end it must not be. stop waits for the goroutine to end.
func ahead(all iter.Seq2[*Log, found]) (next func() (*Log, found, bool), stop func()) {
	made, free, enough := make(chan batch), make(chan found, 1), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(made)
		for log, some := range all {
			select {
			case kept := <-free:
				some.failures = append(kept.failures[:0], some.failures...)
				some.rejected = append(kept.rejected[:0], some.rejected...)
			case <-enough:
				return
			}
			select {
			case made <- batch{log, some}:
			case <-enough:
				return
			}
		}
	})
	var taken found
	next = func() (*Log, found, bool) {
		free <- taken
		b, ok := <-made
		taken = b.found
		return b.log, b.found, ok
	}
	stop = sync.OnceFunc(func() {
		close(enough)
		group.Wait()
	})
	return next, stop
}
