package doctor

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"odooban/internal/config"
	"odooban/internal/finding"
)

// silent takes what it is asked and never answers; an engine, from so many
// answers on.
type silent struct{ answers int }

func (s *silent) ask(ctx context.Context) error {
	if s.answers--; s.answers >= 0 {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *silent) Containers(ctx context.Context, _ []config.Docker) ([]Container, error) {
	return []Container{{Name: "one"}, {Name: "two"}}, s.ask(ctx)
}

func (s *silent) Read(ctx context.Context, _ Container, _ string) ([]byte, error) {
	return nil, s.ask(ctx)
}

// engine and journal differ in what they are asked.
type (
	silentEngine  struct{ *silent }
	silentJournal struct{ *silent }
)

func (s silentEngine) Tail(ctx context.Context, _ Container, _ int) ([]byte, error) {
	return nil, s.ask(ctx)
}

func (s silentJournal) Tail(ctx context.Context, _ string, _ int) ([]byte, error) {
	return nil, s.ask(ctx)
}

// Who does not answer is not waited for, and said not to have.
func TestNobodyAnswers(t *testing.T) {
	containers := []config.Source{{Docker: &config.Docker{}}}
	tests := []struct {
		name    string
		sources []config.Source
		answers int
		// about is the source that cannot be read, and unchecked what else was not
		// looked at.
		about, unchecked string
	}{
		{"an engine", containers, 0, "docker", ""},
		{"an engine that nobody asked for", nil, 0, "", "containers"},
		{"an engine, about a log", containers, 1, "docker", ""},
		{"an engine, about a file", containers, 3, "", "containers"},
		{"journald", []config.Source{{Journald: &config.Journald{Unit: "odoo.service"}}}, 0, "journal:odoo.service", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.Files, h.Config.Sources = nil, tt.sources
			h.Docker = silentEngine{&silent{tt.answers}}
			h.Journal = silentJournal{&silent{tt.answers}}
			h.says(State{Healthy: true}, nil)
			synctest.Test(t, func(t *testing.T) {
				r := Examine(t.Context(), h.Environment, Checks())
				about, unchecked := "", ""
				for _, f := range r.Findings {
					if f.Code == finding.SourceTrouble && strings.Contains(f.Evidence, "no answer for 10s") {
						about += f.About
					}
				}
				for _, u := range r.Unchecked {
					if strings.Contains(u.Why, "no answer for 10s") {
						unchecked += u.What
					}
				}
				if about != tt.about || unchecked != tt.unchecked {
					t.Errorf("about %q, unchecked %q in %+v", about, unchecked, r)
				}
			})
		})
	}
}

// Who is stopped finds nothing wrong.
func TestExamineEndsWithItsContext(t *testing.T) {
	h := newHost(t)
	h.Config.Sources = []config.Source{{Docker: &config.Docker{}}}
	h.Docker = silentEngine{&silent{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := Examine(ctx, h.Environment, Checks()); len(r.Findings)+len(r.Checked)+len(r.Unchecked) > 0 {
		t.Errorf("it says %+v", r)
	}
}
