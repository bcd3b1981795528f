package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"odooban/internal/config"
	"odooban/internal/control"
	"odooban/internal/engine"
)

// reception is where the daemon answers administrators. The socket outlives a
// reload; who answers there comes and goes with each configuration.
type reception struct {
	log    *logbook
	server *control.Server
	path   string
	// stop closes the socket and waits until nobody is answered.
	stop func()
}

func newReception(log *logbook) *reception {
	return &reception{log: log, server: control.NewServer(log.changed), stop: func() {}}
}

// attend lets d answer at the socket until the function that it returns is
// called. Without a socket all goes on: who cannot be asked still protects.
func (r *reception) attend(ctx context.Context, path string, d *control.Desk) (leave func()) {
	leave = r.server.Attend(d)
	if r.path == path {
		return leave
	}
	r.close()
	listener, err := control.Listen(path)
	if err != nil {
		r.log.warn(fmt.Errorf("%w\n(bans go on, but odooban status, why, ban and unban cannot reach this odooban)", err))
		return leave
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { r.log.warn(r.server.Run(ctx, listener)) })
	r.path = path
	r.stop = func() {
		cancel()
		running.Wait()
	}
	return leave
}

// close takes the socket away.
func (r *reception) close() {
	r.stop()
	r.path, r.stop = "", func() {}
}

// desk answers from the engine of one configuration, c.
func (d *daemon) desk(c *config.Config, e *engine.Engine) *control.Desk {
	return &control.Desk{
		Engine: e, Firewall: d.firewall, Ports: c.Firewall.Ports, Journal: d.journal, Alarms: d.log.lasting,
		Blind: d.place.trouble, Version: version, Since: time.Now().UTC(), DryRun: d.dryRun,
		Reload: func() error { return syscall.Kill(os.Getpid(), syscall.SIGHUP) },
	}
}
