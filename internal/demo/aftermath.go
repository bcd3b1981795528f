package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// attackerIsOut shows the rule, and what it does to the attacker.
func (s *story) attackerIsOut(ctx context.Context) error {
	s.head("The ban")
	rules, err := s.kernel.rules(ctx)
	if err != nil {
		return err
	}
	s.say(theKernel, "drops by this rule, which iptables -t raw -S PREROUTING lists first:")
	ports, set, _ := strings.Cut(rules[0], " -m set ")
	s.quote(ports)
	s.quote("    -m set " + set)
	if err := s.attackerCannotConnect(ctx); err != nil {
		return err
	}
	dropped, err := s.unheard(ctx, func() error { return s.attacking.look(hearing) })
	if err != nil {
		return fmt.Errorf("look at the attacker's open connection: %w", err)
	}
	s.say(attacker, "the open connection: no answer in %.1f s; packets dropped by the rule: %d",
		hearing.Seconds(), dropped)
	// Or TCP would send again what was dropped while others are counted.
	return s.attacking.abort()
}

// attackerCannotConnect tries a new connection.
func (s *story) attackerCannotConnect(ctx context.Context) error {
	dropped, err := s.unheard(ctx, func() error {
		v, err := s.attacker().open(ctx, hearing)
		if err == nil {
			v.conn.Close()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("try a new connection of the attacker's: %w", err)
	}
	s.say(attacker, "a new connection: no answer in %.1f s; packets dropped by the rule: %d", hearing.Seconds(), dropped)
	return nil
}

// unheard holds what the attacker does to getting no answer because the
// kernel drops its packets, and returns how many.
func (s *story) unheard(ctx context.Context, act func() error) (int, error) {
	before, err := s.kernel.dropped(ctx)
	if err != nil {
		return 0, err
	}
	switch err := act(); {
	case err == nil:
		return 0, errors.New("it was answered, although the attacker is banned")
	case !unanswered(err):
		return 0, err
	}
	after, err := s.kernel.dropped(ctx)
	if err == nil && after == before {
		err = errors.New("it was not answered, but no packet of it was dropped")
	}
	return after - before, err
}

// innocentIsNot shows that nobody else is kept out.
func (s *story) innocentIsNot(ctx context.Context) error {
	began := time.Now()
	if err := s.browsing.look(patience); err != nil {
		return fmt.Errorf("look at the innocent client's open connection: %w", err)
	}
	open := time.Since(began)
	v, fresh, err := s.innocent().look(ctx)
	if err != nil {
		return err
	}
	v.conn.Close()
	s.say(innocent, "the open connection: answered in %s; a new one in %s", ms(open), ms(fresh))
	return nil
}

// daemonDies shows that a ban in force needs no odooban.
func (s *story) daemonDies(ctx context.Context) error {
	s.head("Without odooban")
	if err := s.daemon.kill(); err != nil {
		return err
	}
	if err := s.onlyAttackerCounted(); err != nil {
		return err
	}
	s.say(odooban, "process %d was killed (SIGKILL)", s.daemon.cmd.Process.Pid)
	if err := s.attackerCannotConnect(ctx); err != nil {
		return err
	}
	all, err := s.kernel.banned()
	if err != nil {
		return err
	}
	left, ok := all[netip.PrefixFrom(s.attacker().from, 32)]
	if !ok {
		return errors.New("see who is banned: the ban went with odooban")
	}
	s.say(theKernel, "keeps the ban by itself, for %.0f s more", left.Seconds())
	return nil
}

// onlyAttackerCounted holds odooban to having counted the attacker's tries,
// each once, and nobody else's.
func (s *story) onlyAttackerCounted() error {
	attacker6 := netip.PrefixFrom(s.net.Clients[0].Addr6, 64)
	var counted4, counted6 int
	for addr, n := range s.daemon.counted {
		switch {
		case addr == s.attacker().from:
			counted4 += n
		case attacker6.Contains(addr):
			counted6 += n
		default:
			return fmt.Errorf("see who was counted: %s was, %d times, and did nothing", addr, n)
		}
	}
	if counted4 != maxRetry || counted6 != maxRetry {
		return fmt.Errorf("see who was counted: the attacker %d and %d times, not %d times each",
			counted4, counted6, maxRetry)
	}
	return nil
}

// banRunsOut waits for the kernel to end the ban.
func (s *story) banRunsOut(ctx context.Context) error {
	end, err := s.kernel.awaitEnd(ctx, netip.PrefixFrom(s.attacker().from, 32), banTime+patience)
	if err != nil {
		return err
	}
	lasted := end.Sub(s.banned)
	// Times in the log are whole milliseconds, in the kernel whole seconds.
	if lasted < banTime-100*time.Millisecond || lasted > banTime+1500*time.Millisecond {
		return fmt.Errorf("wait for the end of the ban: it lasted %v, not %v", lasted, banTime)
	}
	s.say(theKernel, "has ended the ban, after %.1f s", lasted.Seconds())
	v, took, err := s.attacker().look(ctx)
	if err != nil {
		return err
	}
	v.conn.Close()
	s.say(attacker, "opens the page again, in %s", ms(took))
	return nil
}

// ending says what to do next.
func (s *story) ending() {
	s.head("All of this just happened, and was checked. On a server of yours:")
	for _, next := range [][2]string{
		{"odooban replay FILE...", "whom would it have banned? Reads Odoo's logs, touches nothing"},
		{"odooban run --dry-run", "follow the logs, ban nobody"},
		{"odooban run", "follow the logs and ban; README.md has the rest"},
	} {
		s.line("  %-24s %s", next[0], next[1])
	}
}
