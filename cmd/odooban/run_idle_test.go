package main

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"odooban/internal/finding"
	"odooban/internal/testrequire"
)

// Where there is nothing to follow odooban says so, and waits: there is a log at
// last when Docker is.
func TestRunWithNothingToFollow(t *testing.T) {
	if slices.ContainsFunc(defaultSources(), func(pattern string) bool {
		found, _ := filepath.Glob(pattern)
		return len(found) > 0
	}) {
		testrequire.Skip(t, "there is a log that run finds by itself")
	}
	socket := filepath.Join(t.TempDir(), "docker.sock")
	odooban := start(t, (*exec.Cmd).Start, []string{"DOCKER_HOST=unix://" + socket}, "run", "--dry-run")
	awaitAlarm := func(nth int) entry {
		t.Helper()
		return odooban.await(t, "alarm", func(e entry) bool {
			if e.Alarm == finding.NoSource {
				nth--
			}
			return nth == 0
		})
	}
	e := awaitAlarm(1)
	if !strings.Contains(e.Message, "nothing matches /var/log/odoo/*.log or ") || !strings.Contains(e.text, "sources: [{file: ") {
		t.Errorf("the alarm says neither where it looked nor what to do: %s", e.text)
	}
	// Another configuration may have it.
	if err := odooban.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	odooban.awaitMessage(t, "configuration was read again")
	awaitAlarm(2)
	serveNoContainers(t, socket)
	odooban.awaitMessage(t, "no sources are configured; found Docker containers that look like Odoo")
	if code := odooban.end(t, syscall.SIGTERM); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// serveNoContainers is an engine of Docker without a container.
func serveNoContainers(t *testing.T, socket string) {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
			w.Header().Set("Api-Version", "1.44")
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, "[]")
		default:
			<-r.Context().Done()
		}
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
}
