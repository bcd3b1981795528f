package tailfile

import (
	"time"

	"odooban/watcher"
)

// sight is when a file was found to have how many bytes, which tells when its lines were
// written.
type sight struct {
	// atEnd is when pos was last known to be the end of the file.
	atEnd time.Time
	// found is the latest look at the size of the file, foundBefore the one before.
	found, foundBefore look
}

// look is how many bytes a file was found to have.
type look struct {
	size int64
	at   time.Time
}

// looked takes note of the size that the file has now.
func (s *sight) looked(size int64) {
	if size > s.found.size {
		s.foundBefore, s.found = s.found, look{size, time.Now()}
	}
}

// live reports whether what was found last was written soon after the reader had been
// at the end of the file.
func (s *sight) live() bool { return s.found.at.Sub(s.atEnd) <= liveWithin }

// seen fills in when the line from start to end was found.
func (s *sight) seen(line *watcher.Line, start, end int64) {
	if end <= s.foundBefore.size {
		line.Seen = s.foundBefore.at
		return
	}
	line.Seen, line.Found = s.found.at, s.found.size-s.foundBefore.size
	line.Continues = start < s.foundBefore.size
}
