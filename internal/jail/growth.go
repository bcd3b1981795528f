package jail

import (
	"fmt"
	"time"
)

// Growth makes the bans of repeat offenders longer. A prefix that was banned n
// times in the last Memory, by any rule, is banned for BanTime x Factor^n, at
// most for Cap. The zero Growth makes none longer.
type Growth struct {
	// Factor is a whole number, so that lengths are exact; 0 and 1 turn growth
	// off, and the other two with it.
	Factor int
	// Cap is the longest a ban grows, not shorter than any policy's BanTime.
	Cap time.Duration
	// Memory is how long before a ban the beginnings of earlier ones count, at
	// least a second.
	Memory time.Duration
}

func (g Growth) on() bool { return g.Factor > 1 }

// memory is how long a ban makes later ones longer.
func (g Growth) memory() time.Duration {
	if !g.on() {
		return 0
	}
	return g.Memory
}

// length is how long a ban after so many earlier ones lasts, when the first
// lasts banTime.
func (g Growth) length(banTime time.Duration, earlier int) time.Duration {
	if !g.on() {
		return banTime
	}
	length := banTime
	for range earlier {
		if length > g.Cap/time.Duration(g.Factor) {
			return g.Cap
		}
		length *= time.Duration(g.Factor)
	}
	return length
}

func (g Growth) validate(policies []Policy) error {
	if g.Factor < 0 {
		return fmt.Errorf("growth: factor %d is negative; write factor: 2, or 1 to turn growth off", g.Factor)
	}
	if !g.on() {
		return nil
	}
	if g.Memory < time.Second {
		return fmt.Errorf("growth: memory %v is under a second; write memory: 30d", g.Memory)
	}
	for _, p := range policies {
		if g.Cap < p.BanTime {
			return fmt.Errorf("growth: cap %v is less than the bantime of jail %s; write cap: %v or more",
				g.Cap, p.Rule, p.BanTime)
		}
	}
	return nil
}
