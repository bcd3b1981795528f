package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/config"
)

// What is found by itself is followed, and what cannot be looked for is said,
// also where something else was found.
func TestFindSources(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "odoo.log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	none, refuses, answers := filepath.Join(dir, "none"), filepath.Join(dir, "refuses"), filepath.Join(dir, "answers")
	closed, err := net.ListenUnix("unix", &net.UnixAddr{Name: refuses, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	closed.SetUnlinkOnClose(false)
	closed.Close()
	serveNoContainers(t, answers)
	file, docker := config.Source{File: log}, config.Source{Docker: &config.Docker{}}
	tests := []struct {
		name            string
		places          []string
		engine          string
		want            []config.Source
		unseen, missing string
	}{
		{"a log, no Docker", []string{log}, none, []config.Source{file}, "", ""},
		{"a log, no containers", []string{log}, answers, []config.Source{file}, "", ""},
		{"a log, no answer", []string{log}, refuses, []config.Source{file}, "containers are not followed: ask Docker", ""},
		{"only Docker", nil, answers, []config.Source{docker}, "", ""},
		{"nothing", []string{none}, none, nil, "", "nothing matches " + none},
		{"no answer", []string{none}, refuses, nil, "", "it does not answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", "unix://"+tt.engine)
			sources, unseen, missing := findSources(t.Context(), tt.places)
			if diff := cmp.Diff(tt.want, sources); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
			says(t, unseen, tt.unseen)
			says(t, missing, tt.missing)
		})
	}
}

// says checks that an error says something, or that there is none.
func says(t *testing.T, err error, what string) {
	t.Helper()
	if (err != nil) != (what != "") || err != nil && !strings.Contains(err.Error(), what) {
		t.Errorf("got %v, want %q", err, what)
	}
}
