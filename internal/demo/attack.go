package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// victim is whom the forged login is to get banned.
const victim = "8.8.8.8"

// plainTries are failed logins as everybody makes them.
func (s *story) plainTries(ctx context.Context) error {
	s.head("The attack: real requests, logged as Odoo logs them")
	for _, login := range []string{"nobody", "admin"} {
		took, err := s.try(ctx, login)
		if err != nil {
			return err
		}
		s.tell(login, took)
	}
	return nil
}

// forgedTry is a failed login that holds whole records accusing others.
func (s *story) forgedTry(ctx context.Context) error {
	login, err := s.capture.forgery(victim, time.Now())
	if err != nil {
		return err
	}
	took, err := s.try(ctx, login)
	if err != nil {
		return err
	}
	s.say(attacker, "tries a login with line ends in it, which makes Odoo log:")
	for line := range strings.Lines(s.odoo.lastRecord()) {
		before, after, _ := strings.Cut(line, failedMark)
		if len(before) > len(stampLayout) {
			before = before[:len(stampLayout)]
		}
		s.quote(before + " ... Login failed for login:" + strings.TrimSpace(after))
	}
	if n := s.daemon.counted[netip.MustParseAddr(victim)]; n > 0 {
		return fmt.Errorf("see who was counted: odooban counted %d tries of %s, who made none", n, victim)
	}
	s.say(odooban, "counts one try of %s after %s, %d of %d, and none of %s",
		s.attacker().from, ms(took), s.tries, maxRetry, victim)
	return nil
}

// decidingTry leads to the ban.
func (s *story) decidingTry(ctx context.Context) error {
	prefix := netip.PrefixFrom(s.attacker().from, 32)
	took, err := s.lastTry(ctx, s.attacking, prefix)
	if err != nil {
		return err
	}
	s.banned = time.Now()
	s.tries++
	if err := s.onlyBanned(prefix); err != nil {
		return err
	}
	s.say(attacker, "tries admin again, %d of %d", s.tries, maxRetry)
	s.say(theKernel, "refuses %s and nobody else, %s after Odoo logged that", prefix, ms(took))
	return nil
}

// overIPv6 is the attacker coming back, each time from another address.
func (s *story) overIPv6(ctx context.Context) error {
	var took time.Duration
	prefix := netip.PrefixFrom(s.attacker6(0).from, 64).Masked()
	for n := range maxRetry {
		b := s.attacker6(n)
		err := b.visit(ctx, func(v *visit) (err error) {
			if n < maxRetry-1 {
				return s.tryFrom(ctx, v, b.from, "admin")
			}
			took, err = s.lastTry(ctx, v, prefix)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := s.onlyBanned(netip.PrefixFrom(s.attacker().from, 32), prefix); err != nil {
		return err
	}
	s.say(attacker, "tries admin over IPv6, from %d addresses of the same /64", maxRetry)
	s.say(theKernel, "refuses all of %s, %s after Odoo logged the last", prefix, ms(took))
	return nil
}

// tell tells of a try that was counted.
func (s *story) tell(login string, took time.Duration) {
	s.say(attacker, "tries %s: odooban counts it %s after Odoo logged it, %d of %d", login, ms(took), s.tries, maxRetry)
}

// try makes one more failed login and returns how long after Odoo had written
// its record odooban has counted it.
func (s *story) try(ctx context.Context, login string) (time.Duration, error) {
	if err := s.tryFrom(ctx, s.attacking, s.attacker().from, login); err != nil {
		return 0, err
	}
	s.tries++
	written, err := s.odoo.lastFailed()
	return time.Since(written), err
}

// tryFrom makes a failed login and waits until odooban has counted it.
func (s *story) tryFrom(ctx context.Context, v *visit, from netip.Addr, login string) error {
	if err := v.try(login); err != nil {
		return fmt.Errorf("try to log in from %s: %w", from, err)
	}
	return s.daemon.await(ctx, failedLogin, from)
}

// lastTry makes the failed login that is one too many, and returns how long
// after Odoo had written its record the kernel refused prefix.
func (s *story) lastTry(ctx context.Context, v *visit, prefix netip.Prefix) (time.Duration, error) {
	if err := v.try("admin"); err != nil {
		return 0, fmt.Errorf("try to log in for the last time: %w", err)
	}
	refused, err := s.kernel.awaitBan(ctx, prefix)
	if err != nil {
		return 0, err
	}
	written, err := s.odoo.lastFailed()
	return refused.Sub(written), err
}

// onlyBanned holds the kernel to refusing these and nobody else.
func (s *story) onlyBanned(want ...netip.Prefix) error {
	all, err := s.kernel.banned()
	if err != nil {
		return err
	}
	for prefix := range all {
		if !slices.Contains(want, prefix) {
			return fmt.Errorf("see who is banned: %s is, and should not be", prefix)
		}
	}
	if len(all) != len(want) {
		return fmt.Errorf("see who is banned: %d prefixes are, not %v", len(all), want)
	}
	return nil
}
