package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"odooban/internal/netlab"
)

// event is a line of odooban's own log.
type event struct {
	Message string     `json:"message"`
	Addr    netip.Addr `json:"addr"`
}

// What odooban says, or begins with, when it is ready and when it has counted
// a failed login.
const (
	following   = "following "
	failedLogin = "failed login"
)

// daemon is a running "odooban run".
type daemon struct {
	cmd    *exec.Cmd
	events chan event
	// counted is how many failures it has told of, by address.
	counted map[netip.Addr]int
	// gone is closed when it has ended.
	gone chan struct{}
}

// startDaemon starts the program on the host. It runs until kill.
func startDaemon(host *netlab.Host, program, config string) (*daemon, error) {
	cmd := exec.Command(program, "run", "--config", config)
	// Variables of odooban's would win over the configuration.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ODOOBAN_") })
	// A Ctrl-C is for the demo; but when that dies, so does the daemon.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start odooban: %w", err)
	}
	d := &daemon{
		cmd: cmd, events: make(chan event, 1024),
		counted: make(map[netip.Addr]int), gone: make(chan struct{}),
	}
	if err := d.start(host); err != nil {
		return nil, fmt.Errorf("start odooban: %w", err)
	}
	go d.read(stderr)
	return d, nil
}

// start starts the program, and keeps the thread that did until it is gone:
// for the kernel, that thread is the parent.
func (d *daemon) start(host *netlab.Host) error {
	started := make(chan error)
	go func() {
		err := host.Do(func() error {
			if err := d.cmd.Start(); err != nil {
				return err
			}
			started <- nil
			<-d.gone
			return nil
		})
		if err != nil {
			started <- err
		}
	}()
	return <-started
}

// read reads what the daemon says until it ends. The demo's few seconds
// give far fewer events than the channel holds.
func (d *daemon) read(stderr io.Reader) {
	defer close(d.events)
	for in := bufio.NewScanner(stderr); in.Scan(); {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			e = event{Message: in.Text()} // how it says why it cannot start
		}
		d.events <- e
	}
}

// await waits for an event that begins with a message and is about addr; the
// zero address stands for none.
func (d *daemon) await(ctx context.Context, begin string, addr netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last string
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for odooban to say %q: %w; it said last: %s", begin, ctx.Err(), last)
		case e, ok := <-d.events:
			if !ok {
				return fmt.Errorf("wait for odooban to say %q: it has ended: %s", begin, last)
			}
			last = e.Message
			d.count(e)
			if strings.HasPrefix(e.Message, begin) && e.Addr == addr {
				return nil
			}
		}
	}
}

// count counts a failed login.
func (d *daemon) count(e event) {
	if e.Message == failedLogin {
		d.counted[e.Addr]++
	}
}

// countedSoFar takes what the daemon has said until now.
func (d *daemon) countedSoFar() map[netip.Addr]int {
	for {
		select {
		case e, ok := <-d.events:
			if ok {
				d.count(e)
				continue
			}
		default:
		}
		return d.counted
	}
}

// kill ends the daemon by SIGKILL, which it cannot see coming, and takes what
// it has said until then.
func (d *daemon) kill() error {
	if d.cmd.ProcessState != nil {
		return nil
	}
	if err := d.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill odooban: %w", err)
	}
	for e := range d.events {
		d.count(e)
	}
	_ = d.cmd.Wait() // it was killed: that is its error
	close(d.gone)
	return nil
}
