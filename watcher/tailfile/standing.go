package tailfile

import "odooban/watcher"

// standing is the trouble of a file, which is over when a look at it meets none.
type standing struct {
	watcher.Trouble
	met bool // since the last look began
}

// begin begins a look.
func (s *standing) begin() { s.met = false }

// lasts tells of a trouble that lasts at least until the next look.
func (s *standing) lasts(err error) {
	s.met = true
	s.Lasts(err)
}

// end ends a look.
func (s *standing) end() {
	if !s.met {
		s.Over()
	}
}
