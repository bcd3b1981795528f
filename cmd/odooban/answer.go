package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"odooban/internal/config"
	"odooban/internal/control"
)

// counter is where the daemon answers administrators. The socket outlives a
// reload; who answers there comes and goes with each configuration.
type counter struct {
	log    *logbook
	server *control.Server
	path   string
	// stop closes the socket and waits until nobody is answered.
	stop func()
}

func newCounter(log *logbook) *counter {
	return &counter{log: log, server: control.NewServer(log.changed), stop: func() {}}
}

// attend lets d answer at the socket until the function that it returns is
// called. Without a socket all goes on: who cannot be asked still protects.
func (c *counter) attend(ctx context.Context, path string, d *control.Desk) (leave func()) {
	leave = c.server.Attend(d)
	if c.path == path {
		return leave
	}
	c.close()
	listener, err := control.Listen(path)
	if err != nil {
		c.log.warn(fmt.Errorf("%w\n(bans go on, but odooban status, why, ban and unban cannot reach this odooban)", err))
		return leave
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { c.log.warn(c.server.Run(ctx, listener)) })
	c.path = path
	c.stop = func() {
		cancel()
		running.Wait()
	}
	return leave
}

// close takes the socket away.
func (c *counter) close() {
	c.stop()
	c.path, c.stop = "", func() {}
}

// desk answers from the pipeline of one configuration.
func (d *daemon) desk(p *pipeline) *control.Desk {
	return &control.Desk{
		Engine: p.engine, Firewall: d.firewall, Journal: d.journal, Alarms: d.log.lasting, Blind: d.place.trouble,
		Version: version, Since: time.Now().UTC(), DryRun: d.dryRun,
	}
}

// socketOf is where the daemon of a configuration answers.
func socketOf(c *config.Config) *control.Client { return control.Dial(c.Socket) }
