package watcher

import (
	"encoding/json"
	"errors"
	"fmt"
)

const (
	// WarmUp is how many bytes before a stored position are read again: more than
	// whoever reads the lines waits for what comes before he decides.
	WarmUp = 2 << 20
	// MaxPosition bounds, in bytes, the positions that are read.
	MaxPosition = 256 << 10
)

// ErrPosition is about a position that is none.
var ErrPosition = errors.New("not a position that this program has written; reading begins at the start")

// DecodePosition reads a position of any kind of source into p, a pointer. Whether
// what it says can be is for the caller to say.
func DecodePosition(text []byte, p any) error {
	if len(text) > MaxPosition {
		return fmt.Errorf("read position of %d bytes: %w", len(text), ErrPosition)
	}
	if err := json.Unmarshal(text, p); err != nil {
		return fmt.Errorf("read position: %w: %w", err, ErrPosition)
	}
	return nil
}
