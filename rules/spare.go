package rules

// spares are what was let go of, to be used again: a flood would otherwise keep the
// garbage collector busy more than anything else.
type spares[T any] struct{ all []*T }

const (
	// sparesAtMost bounds how many of each are kept, spareBatch is how many are
	// made at once where there are none.
	sparesAtMost = maxAttempts
	spareBatch   = 32
)

// take returns one of which nothing is known.
func (s *spares[T]) take() *T {
	if len(s.all) == 0 {
		fresh := make([]T, spareBatch)
		for i := range fresh {
			s.all = append(s.all, &fresh[i])
		}
	}
	last := len(s.all) - 1
	spare := s.all[last]
	s.all = s.all[:last]
	*spare = *new(T)
	return spare
}

// letGo keeps attempts and requests that are forgotten, to be used again: but for the
// attempts that a kept request may ask about, as they stand before its oldest line,
// cooldowns, and those that are awaited.
func (s *Scanner) letGo(attempts []*attempt, requests, kept []*request, oldest uint64) {
	for _, q := range kept {
		for _, a := range q.own { // in the order of their lines
			if a.line >= oldest {
				break
			}
			a.asked = true
		}
		if q.first != nil && q.first.line < oldest {
			q.first.asked = true
		}
	}
	awaited := s.offset + 1
	if len(s.attention.awaited) > 0 {
		awaited = s.attention.awaited[0].offset
	}
	for _, a := range attempts {
		if len(s.spareAttempts.all) == sparesAtMost {
			break
		}
		// A cooldown may have an echo.
		if !a.asked && a.event != cooledDown && a != s.previous.attempt && a.offset < awaited {
			s.spareAttempts.all = append(s.spareAttempts.all, a)
		}
	}
	// What is left of the attempts is claimed by, and stands inside, requests
	// that come after it: nothing refers to those before.
	room := sparesAtMost - len(s.spareRequests.all)
	s.spareRequests.all = append(s.spareRequests.all, requests[:min(len(requests), room)]...)
}
