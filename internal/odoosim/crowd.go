package odoosim

import (
	"net/netip"
	"time"
)

// Actor is somebody who comes to a site again and again. The zero value of Forgery is one who forges nothing.
type Actor struct {
	Name   string
	Addr   netip.Addr
	Way    Way
	Prefix string // before the path: an installed language, as in /en/jsonrpc
	// Every is how long the actor waits between two requests, give or take a fifth. From and Until bound when.
	Every       time.Duration
	From, Until time.Duration
	Forgery     *Forgery
}

// Forges reports whether the actor writes lines of others into the log.
func (a *Actor) Forges() bool { return a.Forgery != nil }

// Guesser is an actor who tries passwords by one way.
func Guesser(n int, way Way, every time.Duration) Actor {
	return Actor{Name: "guesser by " + way.String(), Addr: attacker(n), Way: way, Every: every, From: time.Second}
}

// attacker is the address of the nth actor who attacks.
func attacker(n int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, byte(10 + n)}) }

// victim is an address that never makes a request.
func victim(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + n)}) }

// visit is an actor's next request.
func (s *Site) visit(actor int) *request {
	a := &s.Actors[actor]
	user := s.named()
	if a.Forges() {
		user = s.forger(a)
	}
	if a.Way == BadPath && !a.Forges() {
		user = func(moment) string { return "web/login" }
	}
	r := s.scripted(a.Addr, actor, a.Way, a.Prefix, user)
	r.forged = a.Forges()
	return r
}

// passer is the request of somebody who has nothing to hide: people who load pages, mistype and get in, and programs.
func (s *Site) passer(int64) *request {
	addr := netip.AddrFrom4([4]byte{198, 18, byte(s.rng.IntN(200)), byte(1 + s.rng.IntN(250))})
	program := netip.AddrFrom4([4]byte{198, 51, 100, byte(20 + s.rng.IntN(3))})
	fails, passes := 4, 12 // percent
	if s.Load == Saturated {
		fails, passes = 25, 25
	}
	way := Page
	switch n := s.rng.IntN(100); {
	case n < fails:
		way = pick(s.rng, Form, Form, Form, JSON, JSONRPC, XMLRPC, Upload)
		if s.Version == 12 {
			way = pick(s.rng, Form, Form, JSON, JSONRPC, Doubled)
		}
		if s.rng.IntN(20) == 0 {
			way = LDAP
		}
	case n < fails+passes:
		if way = pick(s.rng, Pass, Pass, Pass, PassJSON, PassRPC); way == PassRPC {
			addr = program
		}
	case n < fails+passes+3:
		way, addr = Object, program
	case n < fails+passes+4:
		way = NoToken
	case n < fails+passes+25:
		way = Call
	}
	return s.scripted(addr, -1, way, "", s.named())
}
