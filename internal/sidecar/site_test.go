package sidecar_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"odooban/internal/dockertest"
	"odooban/internal/netnstest"
	"odooban/internal/testrequire"
)

// site is a host with Docker, on which Compose runs an imitation of the
// reference deployment, and the clients around it.
type site struct {
	*netnstest.Net
	engine *dockertest.Engine
	t      *testing.T
	// files are the Compose files, as one gives them to docker compose -f.
	files []string
	// env is the environment of Compose.
	env []string
}

// newSite makes the host and its engine, with the images.
func newSite(t *testing.T, images string) *site {
	t.Helper()
	s := &site{Net: netnstest.New(t, 3), t: t}
	s.engine = dockertest.Start(t, dockertest.Options{
		Host: s.Server, Network: true,
		// Where the Compose files expect the socket, and with addresses of IPv6.
		Args: []string{"--host=unix:///var/run/docker.sock", "--experimental", "--ip6tables", "--storage-driver=overlay2"},
	})
	load(t, s.engine, images)
	return s
}

// compose runs docker-compose and returns what it printed.
func (s *site) compose(args ...string) string {
	s.t.Helper()
	out, err := s.tryCompose(args...)
	if err != nil {
		s.t.Fatalf("docker-compose %v: %v\n%s", args, err, out)
	}
	return out
}

func (s *site) tryCompose(args ...string) (string, error) {
	all := []string{"--project-name", "odoo", "--ansi", "never"}
	for _, file := range s.files {
		all = append(all, "--file", file)
	}
	cmd := exec.Command("docker-compose", append(all, args...)...)
	// The engine waits for its disk, to which the tests of other packages write.
	cmd.Env = append(append(os.Environ(), "DOCKER_HOST="+s.engine.Address, "COMPOSE_HTTP_TIMEOUT=300"), s.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// said is one line of odooban's log.
type said struct {
	Level, Message, Alarm, Prefix, Rule, Source, Cure string
}

// await reads odooban's log until it has said so often what right wants, and
// returns the last of these lines.
func (s *site) await(what string, times int, right func(said) bool) said {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		var found []said
		for _, line := range s.log() {
			if right(line) {
				found = append(found, line)
			}
		}
		if len(found) >= times {
			return found[times-1]
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			s.t.Fatalf("odooban did not say %s\n%s", what, s.compose("logs", "odooban"))
		}
	}
}

// log returns what odooban has said so far, in all its runs.
func (s *site) log() []said {
	s.t.Helper()
	stream, err := s.engine.Client.ContainerLogs(s.t.Context(), "odoo_odooban_1", client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		s.t.Fatal(err)
	}
	defer stream.Close()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, stream); err != nil {
		s.t.Fatal(err)
	}
	var lines []said
	for one := range strings.Lines(text.String()) {
		var line said
		if json.Unmarshal([]byte(one), &line) == nil {
			lines = append(lines, line)
		}
	}
	return lines
}

// awaitBan waits until one of the prefixes is banned.
func (s *site) awaitBan(prefix string) said {
	s.t.Helper()
	return s.await("that it has banned "+prefix, 1, func(line said) bool { return line.Message == "banned" && line.Prefix == prefix })
}

// awaitMessage waits until a message has come so often.
func (s *site) awaitMessage(part string, times int) said {
	s.t.Helper()
	return s.await(part, times, func(line said) bool { return strings.Contains(line.Message, part) })
}

// variant puts one of the two variants of iptables first in PATH, for Docker.
func variant(t *testing.T, name string) {
	t.Helper()
	dir := t.TempDir()
	for _, tables := range []string{"iptables", "ip6tables"} {
		if err := os.Symlink(testrequire.Command(t, tables+"-"+name), filepath.Join(dir, tables)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}
