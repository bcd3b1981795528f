package replay

import (
	"iter"
	"sync"

	"odooban/rules"
)

// batch is failures that became certain in a log.
type batch struct {
	log      *Log
	failures []rules.Failure
}

// ahead does what iter.Pull2 does, and what comes next is looked for in a goroutine
// of its own, while what came before is counted. What next returns is valid until it
// is called again; at the end it must not be. stop waits for the goroutine to end.
func ahead(failures iter.Seq2[*Log, []rules.Failure]) (next func() (*Log, []rules.Failure, bool), stop func()) {
	made, free, enough := make(chan batch), make(chan []rules.Failure, 1), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(made)
		for log, some := range failures {
			select {
			case kept := <-free:
				some = append(kept[:0], some...)
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
	var taken []rules.Failure
	next = func() (*Log, []rules.Failure, bool) {
		free <- taken
		b, ok := <-made
		taken = b.failures
		return b.log, b.failures, ok
	}
	stop = sync.OnceFunc(func() {
		close(enough)
		group.Wait()
	})
	return next, stop
}
