// Package await lets tests wait for what no event tells of.
//
// It promises to ask soon and often, and that a test that waits in vain ends
// and says for what.
package await

import (
	"testing"
	"time"
)

const (
	// patience is how long something may take on a busy machine.
	patience = time.Minute
	// pace is how often it is asked whether it has happened.
	pace = 20 * time.Millisecond
)

// Until waits until something has happened.
func Until(t testing.TB, what string, happened func() bool) {
	t.Helper()
	end, again := time.NewTimer(patience), time.NewTicker(pace)
	defer end.Stop()
	defer again.Stop()
	for !happened() {
		select {
		case <-again.C:
		case <-end.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
