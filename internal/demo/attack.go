package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"odooban/internal/odoosim"
)

const (
	// before is how long the log is a peaceful one, pace how fast two then
	// attack, and accusing how many failed logins of the stranger's each login
	// of the forger's holds.
	before   = time.Second
	pace     = 80 * time.Millisecond
	accusing = 5
	// promptly is within what both are to be banned, from their first try.
	promptly = time.Second
)

// busy is the log of a busy Odoo that two attack at once. But for when it
// starts it is always the same.
func (s *story) busy(start time.Time) *odoosim.Log {
	return odoosim.Simulate(odoosim.Config{
		Load: odoosim.Busy, Workers: 4, Fast: true, Start: start, Length: before + 4*time.Second,
		Actors: []odoosim.Actor{
			{Addr: s.guesser.from, Way: odoosim.Form, Every: pace, From: before},
			{
				Addr: s.forger.from, Way: odoosim.Form, Every: pace, From: before,
				Forgery: &odoosim.Forgery{
					Knows: odoosim.Second, Open: odoosim.ForeignOpening, Ending: odoosim.LoginEnding,
					Lines: accusing, Accused: s.stranger.from,
				},
			},
		},
	})
}

// attack lets the log be written, and waits for the bans.
func (s *story) attack(ctx context.Context) error {
	s.log = s.busy(time.Now())
	go s.odoo.play(ctx, s.log) // until it ends, or odoo is closed
	if err := s.peace(ctx); err != nil {
		return err
	}
	s.head("Two attack it at once, each a dozen times a second")
	since, err := s.kernel.awaitBans(ctx, s.guesser.prefix(), s.forger.prefix())
	if err != nil {
		return err
	}
	s.odoo.refuse(s.guesser.from)
	s.odoo.refuse(s.forger.from)
	s.banned = since[s.guesser.prefix()]
	s.say(guesser, "tries one password after the other; of each try, Odoo logs")
	s.quoteTry(s.guesser.from)
	s.say(forger, "tries logins with line ends in them, to get the stranger banned; of each, Odoo logs")
	s.quoteTry(s.forger.from)
	for _, p := range []*person{s.guesser, s.forger} {
		if err := s.inTime(p, since[p.prefix()]); err != nil {
			return err
		}
	}
	return s.strangerIsFree()
}

// peace waits for the first attempt of the attackers', and tells of the time
// until then.
func (s *story) peace(ctx context.Context) error {
	first := s.tries(s.guesser)[0].At
	if other := s.tries(s.forger)[0].At; other.Before(first) {
		first = other
	}
	select {
	case <-time.After(time.Until(first)):
	case <-ctx.Done():
		return ctx.Err()
	}
	lines, people := 0, make(map[netip.Addr]bool)
	for i := range s.log.Writes {
		w := &s.log.Writes[i]
		if !w.At.Before(first) {
			break
		}
		lines += len(w.Lines())
		if w.Author.IsValid() {
			people[w.Author] = true
		}
	}
	mistyped := 0
	for _, a := range s.log.Attempts {
		if a.Written.Before(first) {
			mistyped++
		}
	}
	s.say(server, "has logged %d lines of %d honest visitors, %d failed logins among them",
		lines, len(people), mistyped)
	return nil
}

// tries are the failed logins that a person makes in all of the log.
func (s *story) tries(p *person) []odoosim.Attempt {
	var tries []odoosim.Attempt
	for _, a := range s.log.Attempts {
		if a.Addr == p.from {
			tries = append(tries, a)
		}
	}
	return tries
}

// inTime holds a ban to its promise.
func (s *story) inTime(p *person, banned time.Time) error {
	tries := s.tries(p)
	took := banned.Sub(tries[0].At)
	made, logged := 0, tries[0].At
	for _, a := range tries {
		if a.At.After(banned) {
			break
		}
		made, logged = made+1, a.At
		if a.Written.Before(banned) {
			logged = a.Written // with its access line
		}
	}
	if took > promptly {
		return fmt.Errorf("see who is banned: the %s is after %v and %d tries, not within %v", p.who, took, made, promptly)
	}
	s.say(theKernel, "refuses the %s %.2f s after its first try, %s after Odoo logged try %d",
		p.who, took.Seconds(), ms(banned.Sub(logged)), made)
	return nil
}

// strangerIsFree shows that nobody else is banned, and nothing counted of the
// stranger's, whom the log accuses.
func (s *story) strangerIsFree() error {
	if err := s.onlyBanned(s.guesser.prefix(), s.forger.prefix()); err != nil {
		return err
	}
	text, err := s.odoo.written()
	if err != nil {
		return err
	}
	accused := 0
	for line := range strings.Lines(text) {
		if strings.Contains(line, failedMark) && strings.Contains(line, " from "+s.stranger.from.String()) {
			accused++
		}
	}
	if accused < maxRetry {
		return fmt.Errorf("see who is accused: the log accuses the stranger %d times only", accused)
	}
	if n := s.daemon.countedSoFar()[s.stranger.from]; n > 0 {
		return fmt.Errorf("see who was counted: odooban counted %d tries of the stranger, who made none", n)
	}
	s.say(stranger, "is not banned: the log holds %d failed logins \"from %s\", and odooban believes none",
		accused, s.stranger.from)
	return nil
}

// quoteTry quotes a person's first failed login as it stands in the log.
func (s *story) quoteTry(from netip.Addr) {
	for i := range s.log.Writes {
		w := &s.log.Writes[i]
		if w.Author != from || !bytes.Contains(w.Text, []byte(failedMark)) {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(w.Text)), "\n")
		for n, line := range lines {
			const shown = 3
			switch {
			case n < shown || n == len(lines)-1:
				s.quote(shorter(line))
			case n == shown:
				s.quote(fmt.Sprintf("... and %d lines more like these ...", len(lines)-1-shown))
			}
		}
		return
	}
}

// shorter is a line of a log without what is the same in all of them, from the
// process to the logger, and without what an access line ends in.
func shorter(line string) string {
	header, message, _ := strings.Cut(line, ": ")
	stamp, _, _ := strings.Cut(header, ",")
	message = strings.TrimSpace(message)
	if request, _, access := strings.Cut(message, " HTTP/1.1"); access {
		message = request + "..."
	}
	return stamp + " ... " + message
}

// onlyBanned holds the kernel to refusing these and nobody else.
func (s *story) onlyBanned(want ...netip.Prefix) error {
	all, err := s.kernel.banned()
	if err != nil {
		return err
	}
	for _, prefix := range want {
		if _, ok := all[prefix]; !ok {
			return fmt.Errorf("see who is banned: %s is not any more", prefix)
		}
		delete(all, prefix)
	}
	for prefix := range all {
		return fmt.Errorf("see who is banned: %s is, and should not be", prefix)
	}
	return nil
}

// onlyTriesCounted holds odooban to having counted tries that were made, each
// once, and those of both attackers as often as it takes.
func (s *story) onlyTriesCounted() error {
	made := make(map[netip.Addr]int)
	for _, a := range s.log.Attempts {
		made[a.Addr]++
	}
	counted := s.daemon.countedSoFar()
	for addr, n := range counted {
		if n > made[addr] {
			return fmt.Errorf("see who was counted: %s was, %d times, and tried %d times", addr, n, made[addr])
		}
	}
	if counted[s.guesser.from] < maxRetry || counted[s.forger.from] < maxRetry {
		return errors.New("see who was counted: an attacker was banned for less than it takes")
	}
	return nil
}
