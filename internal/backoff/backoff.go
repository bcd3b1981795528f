// Package backoff says how long to wait before something that failed is tried again.
package backoff

import "time"

// What failed is tried again after First, then after twice as long each time, up to
// Most.
const (
	First = time.Second
	Most  = 30 * time.Second
)

// Backoff counts the tries of one thing. The zero value has none behind it.
type Backoff struct{ last time.Duration }

// Next is how long to wait before the next try.
func (b *Backoff) Next() time.Duration {
	b.last = min(max(2*b.last, First), Most)
	return b.last
}

// Again reports whether there was a try before.
func (b *Backoff) Again() bool { return b.last > 0 }

// Reset says that it went well.
func (b *Backoff) Reset() { b.last = 0 }
