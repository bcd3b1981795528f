package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"odooban/banner"
	"odooban/internal/config"
	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/service"
	"odooban/internal/store"
)

const (
	// pruneEvery is how often the journal drops what is old.
	pruneEvery = time.Hour
	// settleEvery is how often it is asked to write what a full disk has kept it
	// from, also while nothing happens. It takes its time by itself.
	settleEvery = 5 * time.Second
	// lookEvery is how often a log is looked for where there was none.
	lookEvery = 2 * time.Second
)

// daemon follows sources until it is stopped.
type daemon struct {
	app     *app
	files   []string // named on the command line
	stdin   io.Reader
	dryFlag bool // --dry-run
	log     *logbook
	reloads <-chan os.Signal
	service *service.Service

	reception *reception
	place     place
	firewall  *banner.Keeper
	// opened is when the firewall was.
	opened  time.Time
	journal *store.Journal // nil in a dry run
	// dryRun says that the configuration that is served bans nobody.
	dryRun bool
	// tended is how often the journal has been tended.
	tended atomic.Uint64
}

// run serves one configuration after the other: each reload begins anew where
// the journal ends, so that no line and no count is lost. One that turns out not
// to work here gives way to the one before.
func (d *daemon) run(ctx context.Context, c *config.Config) error {
	defer d.close()
	d.reception = newReception(d.log)
	defer d.reception.close()
	var before *config.Config
	for {
		p, err := d.begin(ctx, c)
		if err != nil && before != nil && ctx.Err() == nil {
			d.sayUnchanged(err)
			d.leave(c, before)
			c, before = before, nil
			continue
		}
		var next *config.Config
		if err == nil {
			d.log.follow(c.Log)
			if before != nil {
				d.log.say("configuration was read again")
				d.log.over(finding.ReloadRefused, "the configuration in force is the present one")
				before = nil
			}
			next, err = d.serve(ctx, c, p)
		}
		if ctx.Err() != nil {
			err = nil // stopped while it was starting: what was cut short is no failure
		}
		if err != nil || next == nil {
			d.service.Stopping()
			d.sayStopped()
			return err
		}
		if next == c {
			continue // there is a log by now, or the journal
		}
		d.service.Reloading()
		d.leave(c, next)
		c, before = next, c
	}
}

// begin opens what c needs, and makes its pipeline.
func (d *daemon) begin(ctx context.Context, c *config.Config) (*pipeline, error) {
	if err := d.open(ctx, c); err != nil {
		return nil, err
	}
	return d.prepare(ctx, c)
}

// leave lets go of what is open for c, unless next has the same.
func (d *daemon) leave(c, next *config.Config) {
	if !reflect.DeepEqual(c.Firewall, next.Firewall) || c.Journal != next.Journal {
		d.close()
	}
}

// sayUnchanged says why a reload has changed nothing.
func (d *daemon) sayUnchanged(err error) {
	text := errors.Join(errors.New("the configuration stays as it was"), err).Error()
	d.log.raise(engine.Alarm{Code: finding.ReloadRefused, Text: text})
}

// sayStopped says what goes on without us.
func (d *daemon) sayStopped() {
	switch {
	case d.dryRun:
		d.log.say("stopped")
	case d.firewall != nil && d.firewall.Name() == banner.BackendIPTables:
		d.log.say("stopped; bans stay in force until odooban runs again, or until: odooban flush")
	case d.firewall != nil:
		d.log.say("stopped; bans stay in force until their time")
	}
}

// open opens the journal and the firewall, if they are not. The journal comes
// first: where another odooban has it, the firewall is that one's to change.
func (d *daemon) open(ctx context.Context, c *config.Config) error {
	defer hurry()()
	var err error
	d.dryRun = d.bansNobody(c)
	d.log.dryRun(d.dryRun)
	if d.journal == nil && !d.dryRun {
		d.journal, err = store.Open(c.Journal.Path, store.Options{MaxAge: c.Journal.Keep, Tell: d.log.journal})
		switch {
		case errors.Is(err, fs.ErrPermission):
			return &helplessError{fmt.Errorf("%w; run as root, or as the user whom it belongs to, with CAP_NET_ADMIN", err)}
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			return fmt.Errorf("%w; name a place where it can be under journal.path", err)
		case err != nil:
			return err
		}
	}
	if d.firewall != nil {
		d.firewall.Adopt() // all bans come again, out of the journal
		return nil
	}
	if d.firewall, err = openFirewall(ctx, c.Firewall, d.dryRun, d.log); err != nil {
		return err
	}
	d.opened = time.Now()
	return nil
}

// hurry lets garbage pile up until the function that it gives is called: until
// all bans are known, time is dearer than memory.
func hurry() (done func()) {
	const percent = 400
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}

// close lets go of firewall and journal. Bans stay in force.
func (d *daemon) close() {
	if d.firewall != nil {
		d.log.warn(d.firewall.Close())
		d.firewall = nil
	}
	if d.journal != nil {
		d.log.warn(d.journal.Close())
		d.journal = nil
	}
}

// serve follows the sources of one configuration until ctx ends, standard
// input, as the only source, has ended, or another configuration is to be
// served, which it returns.
func (d *daemon) serve(ctx context.Context, c *config.Config, p *pipeline) (next *config.Config, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	desk := d.desk(c, p.engine)
	defer d.reception.attend(context.WithoutCancel(ctx), c.Socket, desk)()
	g, ctx := errgroup.WithContext(ctx)
	defer d.watchParts(p)()
	p.follow(ctx, g, cancel)
	g.Go(func() error { return p.engine.Run(ctx) })
	g.Go(func() error { return d.firewall.Keep(ctx, d.log.mended) })
	g.Go(func() error { return d.tend(ctx) })
	g.Go(func() error {
		d.serveMetrics(ctx, c.Metrics, desk)
		return nil
	})
	g.Go(func() error { return d.spareOwn(ctx, c, p) })
	g.Go(func() error { return d.checkUp(ctx, c, p) })
	g.Go(func() error { return d.service.Run(ctx, d.describer(p.engine)) })
	if !d.dryRun {
		g.Go(func() error { return d.place.watch(ctx, c, d.log) })
	}
	g.Go(func() error {
		next = d.awaitReload(ctx, c, p)
		cancel()
		return nil
	})
	err = g.Wait()
	return next, err
}

// awaitReload returns the next configuration, or nil when ctx ends. A wrong one
// changes nothing. It is the same, c, when there is a log at last, or what the
// journal held before.
func (d *daemon) awaitReload(ctx context.Context, c *config.Config, p *pipeline) *config.Config {
	var look <-chan time.Time
	if p.idle {
		every := time.NewTicker(lookEvery)
		defer every.Stop()
		look = every.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look:
			if _, _, missing := sourcesOf(ctx, c, d.files); missing == nil {
				return c
			}
			continue
		case <-p.late:
			if p.late = nil; p.stdin == nil {
				return c
			}
			continue
		case <-d.reloads:
		}
		next, err := d.app.load()
		switch {
		case p.stdin != nil:
			err = errors.New("standard input cannot be read again; start odooban anew")
		case err == nil:
			err = d.check(ctx, next, !p.idle)
		}
		if err == nil {
			return next
		}
		d.sayUnchanged(err)
	}
}

// check says whether c can be served. There need not be a log for that when
// odooban starts, but a reload must not take away what is followed.
func (d *daemon) check(ctx context.Context, c *config.Config, following bool) error {
	_, err := compile(c)
	if err == nil {
		_, err = newJail(c, nil)
	}
	if err == nil && following {
		if _, _, err = sourcesOf(ctx, c, d.files); err != nil {
			err = fmt.Errorf("%w; name it under sources", err)
		}
	}
	if err == nil && !d.bansNobody(c) {
		err = checkJournal(c)
	}
	return err
}

// bansNobody says whether c is for a dry run.
func (d *daemon) bansNobody(c *config.Config) bool {
	return d.dryFlag || c.Firewall.Backend == banner.BackendDryRun
}

// tend lets the journal drop what is old and catch up after an outage, until
// ctx ends.
func (d *daemon) tend(ctx context.Context) error {
	if d.journal == nil {
		return nil
	}
	prune, settle := time.NewTicker(pruneEvery), time.NewTicker(settleEvery)
	defer prune.Stop()
	defer settle.Stop()
	d.turn()
	d.prune(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-prune.C:
			d.prune(ctx)
		case <-settle.C:
			d.journal.Update(func(*store.Tx) {})
		}
		d.turn()
	}
}

// turn shows the watchdog that the journal is tended.
func (d *daemon) turn() { d.tended.Add(1) }

func (d *daemon) prune(ctx context.Context) {
	if err := d.journal.Prune(ctx, time.Now(), d.turn); err != nil && ctx.Err() == nil {
		d.log.warn(err)
	}
}
