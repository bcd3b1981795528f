package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"odooban/banner"
	"odooban/internal/control"
	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/printable"
)

// alarmAge is how long an alarm of the daemon counts after it was raised last.
const alarmAge = 15 * time.Minute

// Daemon asks the daemon that runs. The error is why it does not answer.
type Daemon func(context.Context) (State, error)

// State is what the daemon says about itself.
type State struct {
	// Started is when it began to follow.
	Started time.Time
	// Healthy says whether it protects, and Reasons why not.
	Healthy bool
	Reasons []string
	// Backend is that of the firewall, and Ports are those that it closes, none for
	// all; nil where the daemon does not tell.
	Backend string
	Ports   []uint16
	Sources []engine.SourceStatus
	Alarms  []engine.Alarm
	// Bans are those in force.
	Bans []banner.Ban
}

// checkDaemon looks whether the daemon runs, and what troubles it.
func checkDaemon(ctx context.Context, x *examination) error {
	x.checkVariables()
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

// StartCure says how the daemon is started on this host.
func StartCure() string { return new(examination).startCure() }

// startCure says how the daemon is started here.
func (x *examination) startCure() string {
	if _, ok := x.service(); ok {
		return "systemctl enable --now odooban; if it ends again, journalctl -u odooban says why"
	}
	return finding.Of(finding.DaemonDown).Cure
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
