package main

import (
	"context"
	"net/netip"
	"time"
)

// story is what happens, in order. Every step checks what it tells.
type story struct {
	*stage
	*teller

	// attacking and browsing are the connections that are open since before
	// the attack.
	attacking, browsing *visit
	// tries is how many failed logins the attacker has made by IPv4.
	tries int
	// banned is since when the attacker is banned there.
	banned time.Time
}

func newStory(s *stage, t *teller) *story { return &story{stage: s, teller: t} }

func (s *story) run(ctx context.Context) error {
	defer s.hangUp()
	for _, step := range []func(context.Context) error{
		s.beforeIt, s.plainTries, s.forgedTry, s.decidingTry, s.overIPv6,
		s.attackerIsOut, s.innocentIsNot,
		s.daemonDies, s.banRunsOut,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	s.ending()
	return nil
}

// hangUp closes the connections that are open.
func (s *story) hangUp() {
	for _, v := range []*visit{s.attacking, s.browsing} {
		if v != nil {
			v.conn.Close()
		}
	}
}

// beforeIt starts odooban and lets both clients in.
func (s *story) beforeIt(ctx context.Context) error {
	s.head("A server and two clients, each in a network namespace that goes with this demo")
	s.say(server, "%s serves a login page on port %d and logs as a captured Odoo 19 did", s.net.Server.Addr4, webPort)
	var err error
	if s.daemon, err = startDaemon(s.net.Server, s.program, s.config); err != nil {
		return err
	}
	if err := s.daemon.await(ctx, following, netip.Addr{}); err != nil {
		return err
	}
	s.say(odooban, "runs there and follows that log: %d failed logins in %v are a ban of %v", maxRetry, findTime, banTime)
	var took time.Duration
	if s.attacking, took, err = s.attacker().look(ctx); err != nil {
		return err
	}
	s.say(attacker, "%s opens the page in %s and keeps the connection", s.attacker().from, ms(took))
	if s.browsing, took, err = s.innocent().look(ctx); err != nil {
		return err
	}
	s.say(innocent, "%s opens the page in %s and keeps the connection", s.innocent().from, ms(took))
	return nil
}
