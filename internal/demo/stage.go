package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"odooban/internal/netlab"
)

// What the daemon is told, and the demo holds it to.
const (
	maxRetry = 5
	findTime = 30 * time.Second
	banTime  = 8 * time.Second
)

// stage is everything the story plays on.
type stage struct {
	dir     string // holds all files
	program string // odooban
	config  string

	net    *netlab.Net
	odoo   *odoo
	kernel *kernel
	daemon *daemon // nil before it is started
}

// setStage builds odooban and makes the network with a running Odoo in it.
func setStage(ctx context.Context) (*stage, error) {
	dir, err := os.MkdirTemp("", "odooban-demo-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	s := &stage{dir: dir, program: filepath.Join(dir, "odooban"), config: filepath.Join(dir, "odooban.yaml")}
	if err := s.set(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) set(ctx context.Context) error {
	if _, err := goTool(ctx, "build", "-o", s.program, "odooban/cmd/odooban"); err != nil {
		return err
	}
	log, journal := filepath.Join(s.dir, "odoo.log"), filepath.Join(s.dir, "journal", "odooban.db")
	if err := os.WriteFile(s.config, s.configuration(log, journal), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	var err error
	if s.net, err = netlab.New(3); err != nil {
		return fmt.Errorf("%w; in a container this takes --privileged", err)
	}
	if s.kernel, err = openKernel(s.net.Server); err != nil {
		return err
	}
	s.odoo, err = startOdoo(s.net.Server, log)
	return err
}

// close ends and removes all there is.
func (s *stage) close() error {
	var err error
	if s.daemon != nil {
		err = s.daemon.kill()
	}
	if s.odoo != nil {
		s.odoo.close()
	}
	if s.kernel != nil {
		s.kernel.close()
	}
	if s.net != nil {
		s.net.Close()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// browser is that of client i, from 0.
func (s *stage) browser(i int) browser {
	client := s.net.Clients[i]
	return browser{host: client, from: client.Addr4, to: s.net.Server.Addr4}
}

func (s *stage) configuration(log, journal string) []byte {
	return fmt.Appendf(nil, `sources:
  - file: %s
jails:
  - {rule: odoo-login, maxretry: %d, findtime: %s, bantime: %s}
journal: {path: %s}
socket: %s
log: {level: debug, format: json}
`, log, maxRetry, findTime, banTime, journal, filepath.Join(s.dir, "odooban.sock"))
}

// goTool runs the go command and returns what it printed.
func goTool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, problem.String())
	}
	return strings.TrimSpace(string(out)), nil
}
