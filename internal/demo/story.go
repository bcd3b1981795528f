package main

import (
	"context"
	"net/netip"
	"time"

	"odooban/internal/odoosim"
)

// story is what happens, in order. Every step checks what it tells.
type story struct {
	*stage
	*teller

	// Two attack, and one has nothing to do with it.
	guesser, forger, stranger *person
	// log is what Odoo writes, and who wrote it.
	log *odoosim.Log
	// banned is since when the guesser is banned.
	banned time.Time
}

// person is a client with a connection that is open since before the attack.
type person struct {
	browser
	who   string
	visit *visit
}

// prefix is what a ban of the person refuses.
func (p *person) prefix() netip.Prefix { return netip.PrefixFrom(p.from, p.from.BitLen()) }

func newStory(s *stage, t *teller) *story {
	someone := func(i int, who string) *person { return &person{browser: s.browser(i), who: who} }
	return &story{
		stage: s, teller: t,
		guesser: someone(0, guesser), forger: someone(1, forger), stranger: someone(2, stranger),
	}
}

func (s *story) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop() // of the log, too
	defer s.hangUp()
	for _, step := range []func(context.Context) error{
		s.beforeIt, s.attack, s.attackersAreOut, s.strangerIsIn, s.daemonDies, s.banRunsOut,
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
	for _, p := range []*person{s.guesser, s.forger, s.stranger} {
		if p.visit != nil {
			p.visit.conn.Close()
		}
	}
}

// beforeIt starts odooban and lets everybody in.
func (s *story) beforeIt(ctx context.Context) error {
	s.head("A busy server and its clients, in network namespaces that go with this demo")
	var err error
	if s.daemon, err = startDaemon(s.net.Server, s.program, s.config); err != nil {
		return err
	}
	if err := s.daemon.await(ctx, following, netip.Addr{}); err != nil {
		return err
	}
	s.say(server, "%s answers on port %d; a simulator writes the log of a busy Odoo 19", s.net.Server.Addr4, webPort)
	s.say(odooban, "runs there and follows that log: %d failed logins in %v are a ban of %v", maxRetry, findTime, banTime)
	for _, p := range []*person{s.guesser, s.forger, s.stranger} {
		var took time.Duration
		if p.visit, took, err = p.look(ctx); err != nil {
			return err
		}
		s.say(p.who, "%s opens the page in %s and keeps the connection", p.from, ms(took))
	}
	return nil
}
