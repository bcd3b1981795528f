package rules

import (
	"testing"
	"time"
)

// TestLags holds that one stamp ahead is forgotten, and a clock that is ahead is not.
func TestLags(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 45, 46, 0, time.UTC)
	var l lags
	for i, tt := range []struct {
		after, lag, want time.Duration
	}{
		{0, 3 * time.Millisecond, 0},
		{time.Minute, -time.Minute, -time.Minute},
		{time.Second, time.Millisecond, -time.Minute},
		{lagSpan, time.Millisecond, -time.Minute},
		{time.Second, time.Millisecond, -time.Minute},
		{lagSpan, time.Millisecond, 0},
		{lagSpan, -time.Second, -time.Second},
		{2 * lagSpan, -time.Second, -time.Second},
		{2 * lagSpan, -time.Second + time.Millisecond, -time.Second},
	} {
		now = now.Add(tt.after + 1)
		l.note(tt.lag, now)
		if got := l.shortest(); got != tt.want {
			t.Errorf("record %d: the shortest lag is %v, want %v", i, got, tt.want)
		}
	}
}
