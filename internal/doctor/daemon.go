package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"odooban/banner"
	"odooban/internal/control"
	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/printable"
)

const (
	// alarmAge is how long an alarm of the daemon counts after it was raised last.
	alarmAge = 15 * time.Minute
	// banGrace is how long after a ban requests may still be written that were
	// made before it, and slowGrace the same for a request of which nothing but
	// its end is known: Odoo lets one take two minutes.
	banGrace  = 5 * time.Second
	slowGrace = 150 * time.Second
	// lately is how long ago a request of a banned address may be to count: what
	// was wrong before may have been cured.
	lately = 10 * time.Minute
)

// Daemon asks the daemon that runs. The error is why it does not answer.
type Daemon func(context.Context) (State, error)

// State is what the daemon says about itself.
type State struct {
	// Started is when it began to follow.
	Started time.Time
	// Healthy says whether it protects, and Reasons why not.
	Healthy bool
	Reasons []string
	// Backend is that of the firewall.
	Backend string
	Sources []engine.SourceStatus
	Alarms  []engine.Alarm
	// Bans are those in force.
	Bans []banner.Ban
}

// checkDaemon looks whether the daemon runs, and what troubles it.
func checkDaemon(ctx context.Context, x *examination) error {
	if x.Daemon == nil {
		return errors.New("there is no control socket")
	}
	state := x.ask(ctx)
	if errors.Is(x.refused, control.ErrDenied) {
		return x.refused
	}
	if state == nil {
		x.find(finding.DaemonDown, "", x.refused.Error(), x.startCure())
		return nil
	}
	if !state.Healthy {
		x.find(finding.DaemonUnhealthy, "", strings.Join(state.Reasons, "\n"), "")
	}
	for _, s := range state.Sources {
		if s.Trouble != "" {
			x.find(finding.SourceTrouble, s.Name, s.Trouble, "")
		}
	}
	for _, a := range state.Alarms {
		x.alarm(a)
	}
	return nil
}

// ask asks the daemon, once. It returns nil where there is no answer.
func (x *examination) ask(ctx context.Context) *State {
	if x.state != nil || x.refused != nil || x.Daemon == nil {
		return x.state
	}
	state, err := x.Daemon(ctx)
	if err != nil {
		x.refused = err
		return nil
	}
	x.state = &state
	return x.state
}

// startCure says how the daemon is started here.
func (x *examination) startCure() string {
	if _, ok := x.service(); ok {
		return "systemctl enable --now odooban; if it ends again, journalctl -u odooban says why"
	}
	return ""
}

// alarm takes over an alarm of the daemon, unless it is old.
func (x *examination) alarm(a engine.Alarm) {
	k := finding.Of(a.Code)
	// The journal's last until they are over.
	lasting := a.Code == finding.JournalOutage || a.Code == finding.JournalDamaged
	if k.Title == "" || x.now.Sub(a.Last) > alarmAge && !lasting {
		return
	}
	evidence := a.Text
	if evidence == k.Title {
		evidence = "the daemon says so"
	}
	last := a.Last.UTC().Format(time.RFC3339)
	x.add(k, a.Source, fmt.Sprintf("%s (%s, last at %s)", evidence, printable.Count(a.Count, "time"), last), a.Cure)
}

// checkBans looks whether the logs have something of an address that is banned.
func checkBans(ctx context.Context, x *examination) error {
	if x.ask(ctx) == nil {
		return errors.New("the daemon does not tell which there are")
	}
	if x.state.Backend == dryRun {
		return nil
	}
	for _, s := range x.logs {
		for _, b := range x.state.Bans {
			if seen := x.passes(s, b); seen != "" {
				x.find(finding.BanPasses, b.Prefix.String(), seen+" in "+s.name, "")
			}
		}
	}
	return nil
}

// passes says what a log has of a banned prefix, if anything.
func (x *examination) passes(s *source, b banner.Ban) string {
	from := b.Time
	if x.state.Started.After(from) {
		from = x.state.Started
	}
	if started := x.now.Add(-lately); started.After(from) {
		from = started
	}
	for addr, v := range s.inside(b.Prefix) {
		failed := 0
		for _, at := range v.times {
			if at.After(from.Add(banGrace)) {
				failed++
			}
		}
		switch {
		case failed > 1:
			return fmt.Sprintf("%d failed logins of %s after its ban at %s", failed, addr, b.Time.UTC().Format(time.RFC3339))
		case v.latest.After(from.Add(slowGrace)):
			return fmt.Sprintf("a request of %s at %s, after its ban at %s", addr,
				v.latest.UTC().Format(time.RFC3339), b.Time.UTC().Format(time.RFC3339))
		}
	}
	return ""
}

// inside returns the visitors with an address in the prefix.
func (s *survey) inside(p netip.Prefix) map[netip.Addr]*visitor {
	if p.IsSingleIP() {
		if v := s.addrs[p.Addr()]; v != nil {
			return map[netip.Addr]*visitor{p.Addr(): v}
		}
		return nil
	}
	found := make(map[netip.Addr]*visitor)
	for addr, v := range s.addrs {
		if addr.IsValid() && p.Contains(addr) {
			found[addr] = v
		}
	}
	return found
}
