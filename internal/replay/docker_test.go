package replay_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"odooban/internal/dockertest"
	"odooban/internal/replay"
	"odooban/watcher"
	"odooban/watcher/docker"
)

// container is the one container that a group finds, as a source.
type container struct{ *docker.Group }

func (c container) Follow(ctx context.Context, sink watcher.Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var following sync.WaitGroup
	var failed error
	err := c.Run(ctx, func(found watcher.Source) bool {
		following.Go(func() {
			failed = found.Follow(ctx, sink)
			cancel()
		})
		return true
	})
	following.Wait()
	return errors.Join(err, failed)
}

// runContainer lets a container write a log, in one go, while a daemon follows
// it. It returns what a replay of the same log bans, too.
func runContainer(t *testing.T, w *dockertest.Writer, name string, records []record) (*daemon, []replay.Ban) {
	t.Helper()
	s := &server{t: t, file: w.Out}
	d := followSource(t, s, true, func(alarm watcher.Alarm) watcher.Source {
		group, err := docker.New(docker.Containers{Name: name}, alarm)
		if err != nil {
			t.Fatal(err)
		}
		return container{group}
	})
	var log strings.Builder
	for _, r := range records {
		log.WriteString(r.text)
	}
	s.write(records...)
	d.awaitSettled(t, s.lines)
	path := filepath.Join(t.TempDir(), "odoo.log")
	if err := os.WriteFile(path, []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return d, replayed(t, path)
}

// wantNobodyBlamed wants bans of forgers alone. What came together may have been
// read in pieces, so that one of a forger's own failures is not sure.
func wantNobodyBlamed(t *testing.T, d *daemon, want []replay.Ban) {
	t.Helper()
	d.stop()
	banned := d.banned()
	if len(banned) == 0 || len(banned) > len(want) {
		t.Errorf("%d bans, a replay has %d", len(banned), len(want))
	}
	for _, ban := range banned {
		if !netip.MustParsePrefix("203.0.113.0/24").Contains(ban.Prefix.Addr()) {
			t.Errorf("banned whom a login blamed: %v", ban)
		}
	}
	if len(d.alarms) > 0 {
		t.Errorf("alarms %q", d.alarms)
	}
}

// A log gives the same bans from a container as from a file, and forged records
// blame nobody.
func TestContainerAndReplayGiveTheSameBans(t *testing.T) {
	e := dockertest.Start(t, dockertest.Options{})
	t.Setenv("DOCKER_HOST", e.Address)
	for _, terminal := range []bool{false, true} {
		for history, records := range histories(t) {
			name := fmt.Sprintf("%s-%t", strings.Map(plain, history), terminal)
			t.Run(name, func(t *testing.T) {
				w := e.Write(t, dockertest.Spec{Name: name, Image: "odoo", Terminal: terminal})
				defer w.Remove(t)
				d, want := runContainer(t, w, name, records)
				if history == "forgeries" {
					wantNobodyBlamed(t, d, want)
				} else {
					wantSame(t, d, want, 0)
				}
			})
		}
	}
}

// plain leaves what a container's name may hold.
func plain(r rune) rune {
	if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789", r) {
		return r
	}
	return '-'
}
