package backoff

import (
	"slices"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	var b Backoff
	for range 2 {
		if b.Again() {
			t.Error("there was a try before the first")
		}
		var waits []time.Duration
		for range 7 {
			waits = append(waits, b.Next()/time.Second)
		}
		if want := []time.Duration{1, 2, 4, 8, 16, 30, 30}; !slices.Equal(waits, want) || !b.Again() {
			t.Errorf("waits %v seconds, want %v", waits, want)
		}
		b.Reset()
	}
}
