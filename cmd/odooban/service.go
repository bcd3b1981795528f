package main

import (
	"fmt"

	"odooban/internal/engine"
	"odooban/internal/printable"
	"odooban/internal/service"
)

// turning is what shows that it does not hang.
type turning interface {
	Name() string
	Rounds() uint64
}

// watchTurning lets the watchdog hear from what shows that it does not hang:
// everything that is followed but standard input. It returns what ends that.
func watchTurning(s *service.Service, what any) (end func()) {
	if t, ok := what.(turning); ok {
		return s.Watch(t.Name(), t.Rounds)
	}
	return func() {}
}

// watchParts lets the watchdog hear from all that has to go on beside the
// sources.
func (d *daemon) watchParts(p *pipeline) (end func()) {
	ends := []func(){d.service.Watch("the firewall", d.firewall.Rounds)}
	if d.journal != nil {
		ends = append(ends, d.service.Watch("the journal", d.tended.Load))
	}
	for _, group := range p.groups {
		ends = append(ends, watchTurning(d.service, group))
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

// describer returns what says in a line what the daemon does.
func (d *daemon) describer(e *engine.Engine) func() string {
	return func() string {
		status := e.Status()
		following, failures, bans := 0, uint64(0), uint64(0)
		for _, s := range status.Sources {
			if s.Trouble == "" {
				following++
			}
		}
		for _, j := range status.Jails {
			failures += j.Failures
			bans += j.Bans
		}
		return fmt.Sprintf("Following %d of %s, firewall %s; %s and %s since the start",
			following, printable.Count(len(status.Sources), "source"), d.firewall.Name(),
			printable.Count(failures, "failed login"), printable.Count(bans, "ban"))
	}
}
