package engine

import (
	"maps"
	"slices"
)

const (
	// apart is how many bytes of text lie between two steps of a trail.
	apart = 256 << 10
	// reread is how many bytes before a position are read again for sure: sources
	// go back for 2 MiB.
	reread = 1 << 20
	// maxSteps bounds a trail.
	maxSteps = 1024
)

// trail is where reading a source could have gone on. What is not decided may
// stand further back than a source reads again by itself: a second of a flood is
// tens of megabytes.
type trail struct {
	size  int64 // bytes of text so far
	steps []step
}

// step is a moment of reading.
type step struct {
	size     int64
	read     map[string]int64 // the bookmark's
	position []byte
}

// pass takes so many bytes of text, and says whether a step is due.
func (t *trail) pass(bytes int) bool {
	t.size += int64(bytes)
	n := len(t.steps)
	return n == 0 || t.size-t.steps[n-1].size >= apart
}

// add takes a step.
func (t *trail) add(read map[string]int64, position []byte) {
	if len(t.steps) == maxSteps {
		t.steps = slices.Delete(t.steps, 0, 1)
	}
	t.steps = append(t.steps, step{t.size, maps.Clone(read), position})
}

// before returns the position to go on at for all lines from open on to come
// again; nil says that the latest does. What lies before it is forgotten.
func (t *trail) before(open map[string]int64) []byte {
	at := len(t.steps) - 1
	for at > 0 && !t.steps[at].precedes(open) {
		at--
	}
	t.steps = slices.Delete(t.steps, 0, max(0, at))
	if len(t.steps) == 0 || t.size-t.steps[0].size <= reread {
		return nil
	}
	return t.steps[0].position
}

// precedes says whether nothing behind the first open lines was read.
func (s *step) precedes(open map[string]int64) bool {
	for generation, offset := range open {
		if read, ok := s.read[generation]; ok && read > offset {
			return false
		}
	}
	return true
}
