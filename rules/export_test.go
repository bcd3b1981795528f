package rules

import (
	"math"
	"net/netip"
)

// ContainerLine is the line in an object of Docker's, if it is whole.
func ContainerLine(object []byte) (line []byte, whole bool) {
	var d dockerLog
	line, _, whole = d.unwrap(object, 0)
	return line, whole
}

// Poison writes nonsense into what the Scanner let go of; there are three kinds.
func (s *Scanner) Poison(kind int) {
	nobody := netip.MustParseAddr("192.0.2.255")
	for _, a := range s.spareAttempts.all {
		*a = attempt{event: loginPassed, state: attemptState(kind), line: math.MaxUint64, offset: -1, addr: nobody, rule: "poison", verdict: verdict{begun: true}}
	}
	for _, q := range s.spareRequests.all {
		*q = request{line: math.MaxUint64, access: access{addr: nobody}, own: s.spareAttempts.all, to: math.MaxInt64}
	}
}
