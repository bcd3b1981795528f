package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What cannot be freed is tried again until it can, and warned of once.
func TestFreeWhenever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		more := make(chan struct{}, 1)
		tries, warnings := 0, 0
		free := func() error {
			if tries++; tries%4 != 0 {
				return errors.New("the firewall is busy")
			}
			return nil
		}
		go freeWhenever(ctx, more, free, func(error) { warnings++ })
		for round := 1; round <= 2; round++ {
			more <- struct{}{}
			time.Sleep(time.Hour)
			synctest.Wait()
			if tries != 4*round || warnings != round {
				t.Errorf("after round %d: %d tries, %d warnings", round, tries, warnings)
			}
		}
		cancel()
	})
}
