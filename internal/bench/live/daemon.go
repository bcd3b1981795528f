package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// daemon is a program that runs on a site.
type daemon struct {
	*site
	process

	cmd   *exec.Cmd
	ended chan struct{}
	began time.Time
}

// start starts a program. It dies with this process, too: the thread that is its
// parent stays until then.
func (s *site) start(env []string, name string, args ...string) (*daemon, error) {
	log, err := os.OpenFile(filepath.Join(s.dir, "said.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	d := &daemon{site: s, cmd: exec.Command(name, args...), ended: make(chan struct{}), began: time.Now()}
	d.cmd.Env, d.cmd.Stdout, d.cmd.Stderr = env, log, log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		err := s.net.Server.Do(func() error {
			if err := d.cmd.Start(); err != nil {
				return err
			}
			started <- nil
			_ = d.cmd.Wait() // how it ended does not matter
			close(d.ended)
			return nil
		})
		if err != nil {
			started <- err
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	d.process = process(d.cmd.Process.Pid)
	return d, nil
}

// said is the end of what it has said, as an error.
func (d *daemon) said() error {
	text, _ := os.ReadFile(filepath.Join(d.dir, "said.log"))
	return fmt.Errorf("it said: %s", text[max(0, len(text)-2000):])
}

// stop ends it as the system does.
func (d *daemon) stop() error {
	const patience = 5 * time.Minute
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", d.cmd.Path, errors.Join(err, d.said()))
	}
	select {
	case <-d.ended:
		return nil
	case <-time.After(patience):
		d.kill()
		return fmt.Errorf("stop %s: it had not ended after %v", d.cmd.Path, patience)
	}
}

// kill ends it at once, if it runs.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill() // it may have ended
	<-d.ended
}

// close ends it and leaves its site.
func (d *daemon) close() {
	d.kill()
	d.site.close()
}

// closeAll closes daemons.
func closeAll(daemons []*daemon) {
	for _, d := range daemons {
		d.close()
	}
}

// wait waits until a time has passed.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
