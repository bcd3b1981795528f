package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"odooban/banner"
	"odooban/internal/config"
	"odooban/internal/engine"
	"odooban/internal/jail"
	"odooban/internal/service"
	"odooban/internal/store"
	"odooban/rules"
	"odooban/watcher"
)

const (
	// pruneEvery is how often the journal drops what is old.
	pruneEvery = time.Hour
	// settleEvery is how often it is asked to write what a full disk has kept it
	// from, also while nothing happens. It takes its time by itself.
	settleEvery = time.Second
)

// daemon follows sources until it is stopped.
type daemon struct {
	app     *app
	files   []string // named on the command line
	stdin   io.Reader
	dryRun  bool
	log     *logbook
	reloads <-chan os.Signal
	service *service.Service

	counter  *counter
	place    place
	firewall *banner.Keeper
	// opened is when the firewall was.
	opened  time.Time
	journal *store.Journal // nil in a dry run
	// tended is how often the journal has been tended.
	tended atomic.Uint64
}

// run serves one configuration after the other: each reload begins anew where
// the journal ends, so that no line and no count is lost.
func (d *daemon) run(ctx context.Context, c *config.Config) error {
	defer d.close()
	d.counter = newCounter(d.log)
	defer d.counter.close()
	for {
		var next *config.Config
		err := d.open(ctx, c)
		if err == nil {
			next, err = d.serve(ctx, c)
		}
		if ctx.Err() != nil {
			err = nil // stopped while it was starting: what was cut short is no failure
		}
		if err != nil || next == nil {
			d.service.Stopping()
			d.sayStopped()
			return err
		}
		d.service.Reloading()
		if !reflect.DeepEqual(c.Firewall, next.Firewall) || c.Journal != next.Journal {
			d.close()
		}
		c = next
		d.log.say("configuration was read again")
	}
}

// sayStopped says what goes on without us.
func (d *daemon) sayStopped() {
	switch {
	case d.dryRun:
		d.log.say("stopped")
	case d.firewall != nil:
		d.log.say("stopped; bans stay in force until their time")
	}
}

// open opens the journal and the firewall, if they are not. The journal comes
// first: where another odooban has it, the firewall is that one's to change.
func (d *daemon) open(ctx context.Context, c *config.Config) error {
	var err error
	if d.journal == nil && !d.dryRun {
		d.journal, err = store.Open(c.Journal.Path, store.Options{MaxAge: c.Journal.Keep, Tell: d.log.journal})
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w; run as root, or as the user whom it belongs to, with CAP_NET_ADMIN%s", err, harmless)
		}
		if err != nil {
			return err
		}
	}
	if d.firewall == nil {
		if d.firewall, err = openFirewall(ctx, c.Firewall, d.dryRun, d.log); err != nil {
			return err
		}
		d.opened = time.Now()
	}
	return nil
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
func (d *daemon) serve(ctx context.Context, c *config.Config) (next *config.Config, err error) {
	p, err := d.prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	desk := d.desk(p)
	defer d.counter.attend(context.WithoutCancel(ctx), c.Socket, desk)()
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
	g.Go(func() error { return d.checkUp(ctx, c, p.engine) })
	g.Go(func() error { return d.service.Run(ctx, d.describer(p.engine)) })
	if !d.dryRun {
		g.Go(func() error { return d.place.watch(ctx, c.Firewall.Ports, d.log) })
	}
	g.Go(func() error {
		next = d.awaitReload(ctx, p.stdin != nil)
		cancel()
		return nil
	})
	err = g.Wait()
	return next, err
}

// awaitReload returns the next configuration, or nil when ctx ends. A wrong one
// changes nothing.
func (d *daemon) awaitReload(ctx context.Context, fromStdin bool) *config.Config {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.reloads:
		}
		c, err := d.app.load()
		switch {
		case fromStdin:
			err = errors.New("standard input cannot be read again; start odooban anew")
		case err == nil:
			err = d.check(c)
		}
		if err == nil {
			return c
		}
		d.log.warn(errors.Join(errors.New("the configuration stays as it was"), err))
	}
}

// check says whether c can be served.
func (d *daemon) check(c *config.Config) error {
	_, err := compile(c)
	if err == nil {
		_, err = newJail(c, nil)
	}
	if err == nil {
		_, err = sourcesOf(c, d.files)
	}
	return err
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
	d.tended.Add(1)
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
		d.tended.Add(1)
	}
}

func (d *daemon) prune(ctx context.Context) {
	if err := d.journal.Prune(ctx, time.Now()); err != nil && ctx.Err() == nil {
		d.log.warn(err)
	}
}

// pipeline is what serves one configuration.
type pipeline struct {
	engine *engine.Engine
	jail   *jail.Jail
	set    *rules.Set
	log    *logbook
	groups []watcher.Group
	// units are those that have their log in systemd's journal, and since is how
	// far back it is read when nothing is known of where reading stopped.
	units []watcher.Source
	since time.Time
	stdin *watcher.Reader

	service *service.Service
}

// prepare makes the pipeline, which goes on where the journal ends.
func (d *daemon) prepare(ctx context.Context, c *config.Config) (*pipeline, error) {
	set, err := compile(c)
	if err != nil {
		return nil, err
	}
	j, err := newJail(c, ownNetworks(d.log))
	if err != nil {
		return nil, err
	}
	sources, err := sourcesOf(c, d.files)
	if err != nil {
		return nil, err
	}
	if len(d.files) == 0 && len(c.Sources) == 0 {
		d.log.say("no sources are configured; found " + describeSources(sources))
	}
	p := &pipeline{engine: engine.New(j, d.firewall, d.log), jail: j, set: set, log: d.log, service: d.service}
	p.since = time.Now().Add(-j.Lookback())
	if d.journal != nil {
		if err := p.engine.Restore(ctx, d.journal, time.Now()); err != nil {
			return nil, err
		}
	}
	for _, source := range sources {
		if err := p.open(source, d.stdin); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// open prepares a source.
func (p *pipeline) open(source config.Source, stdin io.Reader) error {
	switch {
	case source.File == "-":
		p.stdin = watcher.NewReader("standard input", stdin)
	case source.Journald != nil:
		p.openUnit(source.Journald.Unit)
	case source.Docker != nil:
		return p.openContainers(*source.Docker)
	default:
		return p.openFiles(source.File)
	}
	return nil
}

// openContainers prepares the containers of a Docker engine.
func (p *pipeline) openContainers(pick config.Docker) error {
	var docker *watcher.Docker
	docker, err := watcher.NewDocker(watcher.Containers(pick), func(err error) { p.engine.Trouble(docker.Name(), err) })
	if err != nil {
		return &usageError{err}
	}
	docker.Resume(p.engine.Position)
	p.groups = append(p.groups, docker)
	return nil
}

// openUnit prepares what a unit writes to systemd's journal.
func (p *pipeline) openUnit(name string) {
	var unit *watcher.Journal
	trouble := func(err error) { p.engine.Trouble(unit.Name(), err) }
	unit = watcher.NewJournal(name, p.since, trouble)
	if err := unit.Resume(p.engine.Position(unit.Name())); err != nil {
		trouble(err)
	}
	p.units = append(p.units, unit)
}

// openFiles prepares the files that a pattern matches.
func (p *pipeline) openFiles(pattern string) error {
	path, err := filepath.Abs(pattern)
	if err != nil {
		return err
	}
	glob, err := watcher.NewGlob(path, func(err error) { p.engine.Trouble(pattern, err) })
	if err != nil {
		return &usageError{err}
	}
	glob.Resume(p.engine.Position)
	p.groups = append(p.groups, glob)
	return nil
}

// follow follows the sources. When standard input, as the only one, has ended,
// that is the end.
func (p *pipeline) follow(ctx context.Context, g *errgroup.Group, end func()) {
	var followed sync.Map
	start := func(source watcher.Source) {
		// A file that two patterns match would count twice.
		if _, twice := followed.LoadOrStore(source.Name(), true); twice {
			return
		}
		p.log.say("following " + source.Name())
		end := watchTurning(p.service, source)
		g.Go(func() error {
			defer followed.Delete(source.Name())
			defer end()
			return p.engine.Follow(ctx, source, p.set, time.Now())
		})
	}
	for _, unit := range p.units {
		start(unit)
	}
	for _, group := range p.groups {
		g.Go(func() error {
			return group.Run(ctx, func(source watcher.Source) {
				p.engine.Followed(group.Name())
				start(source)
			})
		})
	}
	if p.stdin == nil {
		return
	}
	p.log.say("following " + p.stdin.Name())
	g.Go(func() error {
		if len(p.groups) == 0 {
			defer end()
		}
		return p.engine.Follow(ctx, p.stdin, p.set, time.Now())
	})
}
