package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odooban/internal/checkup"
	"odooban/internal/control"
	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/sidecar"
	"odooban/internal/testrequire"
)

// says makes the daemon of a host say something.
func (h *host) says(s State, err error) {
	h.Daemon = func(context.Context) (State, error) { return s, err }
}

// What the daemon says of itself, or that it says nothing, is a finding.
func TestDaemon(t *testing.T) {
	now := time.Now()
	well := State{Healthy: true, Backend: "ipset", Started: now.Add(-time.Hour)}
	with := func(change func(*State)) State {
		s := well
		change(&s)
		return s
	}
	tests := []struct {
		name  string
		state State
		err   error
		code  string
		want  string
	}{
		{"it does not run", State{}, errors.New("connect: no such file or directory"), finding.DaemonDown, "no such file"},
		{
			"it does not protect", with(func(s *State) { s.Healthy, s.Reasons = false, []string{"no source", "no firewall"} }),
			nil, finding.DaemonUnhealthy, "no source\nno firewall",
		},
		{
			"it cannot read a source", with(func(s *State) {
				s.Sources = []engine.SourceStatus{{Name: "docker", Trouble: "no engine; start it"}}
			}), nil, finding.SourceTrouble, "no engine; start it",
		},
		{
			"it has raised an alarm", with(func(s *State) {
				s.Alarms = []engine.Alarm{{Code: finding.OwnAddress, Text: "from 127.0.0.1", Cure: "x", Count: 3, Last: now}}
			}), nil, finding.OwnAddress, "from 127.0.0.1 (3 times",
		},
		{
			"the firewall refuses", with(func(s *State) {
				s.Alarms = []engine.Alarm{{Code: finding.FirewallFailed, Text: "bans are not in force: no", Count: 1, Last: now}}
			}), nil, finding.FirewallFailed, "bans are not in force",
		},
		{
			"the journal cannot be written", with(func(s *State) {
				s.Alarms = []engine.Alarm{{Code: finding.JournalOutage, Text: "disk full", Count: 1, Last: now}}
			}), nil, finding.JournalOutage, "disk full",
		},
		{
			"the journal was damaged", with(func(s *State) {
				s.Alarms = []engine.Alarm{{Code: finding.JournalDamaged, Text: "set aside", Count: 1, Last: now}}
			}), nil, finding.JournalDamaged, "set aside",
		},
		{
			"its socket was removed", State{}, control.ErrLost, finding.SocketLost, "socket was removed",
		},
		{"it is a dry run", with(func(s *State) { s.Backend = "dry-run" }), nil, finding.DryRun, "dry-run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.says(tt.state, tt.err)
			found := h.examine(tt.code)
			if len(found) != 1 || !strings.Contains(found[0].Evidence, tt.want) || found[0].Cure == "" {
				t.Errorf("found %+v", found)
			}
			h.says(well, nil)
			if found := h.examine(tt.code); len(found) > 0 {
				t.Errorf("found after the cure: %+v", found)
			}
		})
	}
}

// What was over a while ago is none.
func TestOldAlarm(t *testing.T) {
	h := newHost(t)
	h.says(State{Healthy: true, Alarms: []engine.Alarm{{Code: finding.OwnAddress, Count: 1, Last: h.Now().Add(-time.Hour)}}}, nil)
	if found := h.examine(finding.OwnAddress); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

// What was cured is no finding, although the daemon's alarm about it stands.
func TestAlarmAfterTheCure(t *testing.T) {
	h := newHost(t)
	s := State{
		Healthy: true, Sources: []engine.SourceStatus{{Name: logPath}},
		Alarms: []engine.Alarm{
			{Code: finding.SourceTrouble, Source: logPath, Text: "permission denied", Count: 1, Last: h.Now()},
			{Code: finding.LevelHides, Source: logPath, Text: "hidden", Count: 1, Last: h.Now()},
		},
	}
	h.says(s, nil)
	if found := append(h.examine(finding.SourceTrouble), h.examine(finding.LevelHides)...); len(found) > 0 {
		t.Errorf("found after the cure: %+v", found)
	}
	s.Sources[0].Trouble = "permission denied"
	if found := h.examine(finding.SourceTrouble); len(found) != 1 {
		t.Errorf("found while it lasts: %+v", found)
	}
}

// A daemon in a container without clients keeps nobody away.
func TestNoClients(t *testing.T) {
	h := newHost(t)
	place := sidecar.Place{Contained: true, Alone: true}
	h.Blind = place.Blind
	if found := h.examine(finding.NoClients); len(found) != 1 || found[0].Evidence == "" {
		t.Errorf("found %+v", found)
	}
	place.Wide = true // network_mode: host
	h.Blind = place.Blind
	if found := h.examine(finding.NoClients); len(found) > 0 {
		t.Errorf("found after the cure: %+v", found)
	}
}

// Who may not ask the daemon is told so, and that is no finding.
func TestDaemonMayNotBeAsked(t *testing.T) {
	h := newHost(t)
	h.says(State{}, control.ErrDenied)
	r := Examine(t.Context(), h.Environment, only("the daemon"))
	if len(r.Findings) > 0 || len(r.Unchecked) != 1 || !strings.Contains(r.Unchecked[0].Why, "sudo") {
		t.Errorf("%+v", r)
	}
}

// A journal in memory is lost at a restart.
func TestJournalIsInMemory(t *testing.T) {
	memory, err := os.MkdirTemp("/dev/shm", "doctor") //nolint:usetesting // it has to be in memory
	if err != nil {
		testrequire.Skip(t, "needs a file system in memory at /dev/shm")
	}
	t.Cleanup(func() { os.RemoveAll(memory) })
	h := newHost(t)
	h.Root = ""
	examine := func(path string) []checkup.Finding {
		h.Config.Journal.Path = path
		return Examine(t.Context(), h.Environment, only("the journal")).Findings
	}
	found := examine(filepath.Join(memory, "not", "yet", "odooban.db"))
	if len(found) != 1 || found[0].Code != finding.JournalVolatile || !strings.Contains(found[0].Evidence, "in memory") {
		t.Errorf("found %+v", found)
	}
	if found := examine("/proc/odooban.db"); len(found) > 0 { // as good as a disk: there is one everywhere
		t.Errorf("found %+v", found)
	}
}
