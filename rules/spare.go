package rules

// spares are attempts and requests that were let go of, to be used again: a flood
// would otherwise keep the garbage collector busy more than anything else.
type spares struct {
	attempts []*attempt
	requests []*request
}

const (
	// sparesAtMost bounds how many of each are kept, spareBatch is how many are
	// made at once where there are none.
	sparesAtMost = maxAttempts
	spareBatch   = 32
)

// attempt returns one of which nothing is known.
func (s *spares) attempt() *attempt {
	if len(s.attempts) == 0 {
		fresh := make([]attempt, spareBatch)
		for i := range fresh {
			s.attempts = append(s.attempts, &fresh[i])
		}
	}
	last := len(s.attempts) - 1
	a := s.attempts[last]
	s.attempts = s.attempts[:last]
	*a = attempt{}
	return a
}

// request returns one of which nothing is known.
func (s *spares) request() *request {
	if len(s.requests) == 0 {
		fresh := make([]request, spareBatch)
		for i := range fresh {
			s.requests = append(s.requests, &fresh[i])
		}
	}
	last := len(s.requests) - 1
	q := s.requests[last]
	s.requests = s.requests[:last]
	*q = request{}
	return q
}

// letGo lets go of the attempts and the requests up to a line, all but those
// attempts that something may still ask about.
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
		if len(s.spares.attempts) == sparesAtMost {
			break
		}
		// A cooldown may have an echo.
		if !a.asked && a.event != cooledDown && a != s.previous.attempt && a.offset < awaited {
			s.spares.attempts = append(s.spares.attempts, a)
		}
	}
	// What is left of the attempts is claimed by, and stands inside, requests
	// that come after it: nothing refers to those before.
	room := sparesAtMost - len(s.spares.requests)
	s.spares.requests = append(s.spares.requests, requests[:min(len(requests), room)]...)
}
