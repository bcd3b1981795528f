package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"odooban/banner"
	"odooban/internal/checkup"
	"odooban/internal/control"
	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/ini"
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
	// Healthy reports whether it protects, and Reasons why not.
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
func checkDaemon(x *facts, r *checkup.Report) {
	state := x.state
	if state == nil {
		switch {
		case errors.Is(x.refused, control.ErrLost):
			r.Find(finding.SocketLost, "", x.refused.Error(), "")
		case x.refused != nil && !errors.Is(x.refused, control.ErrDenied):
			r.Find(finding.DaemonDown, "", x.refused.Error(), startCure(x.unit))
		}
		return
	}
	if !state.Healthy {
		r.Find(finding.DaemonUnhealthy, "", strings.Join(state.Reasons, "\n"), "")
	}
	for _, s := range state.Sources {
		if s.Trouble != "" {
			r.Find(finding.SourceTrouble, s.Name, s.Trouble, "")
		}
	}
	for _, a := range state.Alarms {
		if !x.knowsBetter(a) {
			x.alarm(r, a)
		}
	}
}

// knowsBetter reports whether we see ourselves whether what an alarm says is still so:
// that a source cannot be read, and what the regular checks look for in a log that
// we read.
func (x *facts) knowsBetter(a engine.Alarm) bool {
	if a.Code == finding.SourceTrouble && slices.ContainsFunc(x.state.Sources,
		func(s engine.SourceStatus) bool { return s.Name == a.Source && s.Trouble == "" }) {
		return true
	}
	regular := slices.ContainsFunc(Regular(), func(c Check) bool { return slices.Contains(c.Finds, a.Code) })
	return regular && slices.ContainsFunc(x.logs, func(s *source) bool { return s.name == a.Source && s.err == nil })
}

// gatherDaemon asks the daemon.
func gatherDaemon(ctx context.Context, x *facts, _ *checkup.Report) error {
	if x.Daemon == nil {
		return errors.New("there is no control socket")
	}
	if x.ask(ctx) == nil && errors.Is(x.refused, control.ErrDenied) {
		return x.refused
	}
	return nil
}

// ask asks the daemon, once. It returns nil where there is no answer.
func (x *facts) ask(ctx context.Context) *State {
	if x.state != nil || x.refused != nil || x.Daemon == nil {
		return x.state
	}
	var state State
	err := within(ctx, func(ctx context.Context) (err error) {
		state, err = x.Daemon(ctx)
		return err
	})
	if err != nil {
		x.refused = err
		return nil
	}
	x.state = &state
	return x.state
}

// StartCure says how the daemon is started on this host.
func StartCure() string { return startCure(root("").service()) }

// startCure says how the daemon is started here.
func startCure(unit ini.Options) string {
	if unit != nil {
		return "systemctl enable --now odooban; if it ends again, journalctl -u odooban says why"
	}
	return finding.Of(finding.DaemonDown).Cure
}

// alarm takes over an alarm of the daemon, unless it is old.
func (x *facts) alarm(r *checkup.Report, a engine.Alarm) {
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
	r.Find(a.Code, a.Source, fmt.Sprintf("%s (%s, last at %s)", evidence, printable.Count(a.Count, "time"), last), a.Cure)
}
