package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// attackersAreOut shows the rule, and what it does to the attackers.
func (s *story) attackersAreOut(ctx context.Context) error {
	s.head("The bans")
	rules, err := s.kernel.rules(ctx)
	if err != nil {
		return err
	}
	s.say(theKernel, "drops by this rule, which iptables -t raw -S PREROUTING lists first:")
	ports, set, _ := strings.Cut(rules[0], " -m set ")
	s.quote(ports)
	s.quote("    -m set " + set)
	for _, p := range []*person{s.guesser, s.forger} {
		fresh, err := s.cannotConnect(ctx, p)
		if err != nil {
			return err
		}
		open, err := s.unheard(ctx, func() error { return p.visit.look(hearing) })
		if err != nil {
			return fmt.Errorf("look at the open connection of the %s: %w", p.who, err)
		}
		s.say(p.who, "its open connection: no answer, %d packets dropped; a new one: no answer, %d dropped", open, fresh)
		// Or TCP would send again what was dropped while others are counted.
		if err := p.visit.abort(); err != nil {
			return err
		}
	}
	return nil
}

// cannotConnect tries a new connection, and returns how many packets were
// dropped.
func (s *story) cannotConnect(ctx context.Context, p *person) (int, error) {
	dropped, err := s.unheard(ctx, func() error {
		v, err := p.open(ctx, hearing)
		if err == nil {
			v.conn.Close()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("try a new connection of the %s: %w", p.who, err)
	}
	return dropped, nil
}

// unheard holds what a banned client does to getting no answer because the
// kernel drops its packets, and returns how many.
func (s *story) unheard(ctx context.Context, act func() error) (int, error) {
	before, err := s.kernel.dropped(ctx)
	if err != nil {
		return 0, err
	}
	switch err := act(); {
	case err == nil:
		return 0, errors.New("it was answered, although it is banned")
	case !unanswered(err):
		return 0, err
	}
	after, err := s.kernel.dropped(ctx)
	if err == nil && after == before {
		err = errors.New("it was not answered, but no packet of it was dropped")
	}
	return after - before, err
}

// strangerIsIn shows that whom the forger accused is served.
func (s *story) strangerIsIn(ctx context.Context) error {
	began := time.Now()
	if err := s.stranger.visit.look(patience); err != nil {
		return fmt.Errorf("look at the stranger's open connection: %w", err)
	}
	open := time.Since(began)
	v, fresh, err := s.stranger.look(ctx)
	if err != nil {
		return err
	}
	v.conn.Close()
	s.say(stranger, "its open connection: answered in %s; a new one in %s", ms(open), ms(fresh))
	return nil
}

// daemonDies shows that a ban in force needs no odooban.
func (s *story) daemonDies(ctx context.Context) error {
	s.head("Without odooban")
	if err := s.daemon.kill(); err != nil {
		return err
	}
	if err := s.onlyTriesCounted(); err != nil {
		return err
	}
	if err := s.onlyBanned(s.guesser.prefix(), s.forger.prefix()); err != nil {
		return err
	}
	s.say(odooban, "process %d was killed (SIGKILL)", s.daemon.cmd.Process.Pid)
	dropped, err := s.cannotConnect(ctx, s.guesser)
	if err != nil {
		return err
	}
	all, err := s.kernel.banned()
	if err != nil {
		return err
	}
	left, ok := all[s.guesser.prefix()]
	if !ok {
		return errors.New("see who is banned: the ban went with odooban")
	}
	s.say(guesser, "a new connection: no answer, %d dropped; the kernel keeps the ban by itself, for %.0f s more",
		dropped, left.Seconds())
	return nil
}

// banRunsOut waits for the kernel to end the ban.
func (s *story) banRunsOut(ctx context.Context) error {
	end, err := s.kernel.awaitEnd(ctx, s.guesser.prefix(), banTime+patience)
	if err != nil {
		return err
	}
	lasted := end.Sub(s.banned)
	// Times in the log are whole milliseconds, in the kernel whole seconds.
	if lasted < banTime-100*time.Millisecond || lasted > banTime+1500*time.Millisecond {
		return fmt.Errorf("wait for the end of the ban: it lasted %v, not %v", lasted, banTime)
	}
	v, took, err := s.guesser.look(ctx)
	if err != nil {
		return err
	}
	v.conn.Close()
	s.say(guesser, "opens the page again, in %s: the kernel has ended the ban, after %.1f s", ms(took), lasted.Seconds())
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
