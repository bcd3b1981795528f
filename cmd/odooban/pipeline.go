package main

import (
	"context"
	"io"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"odooban/internal/config"
	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/jail"
	"odooban/internal/service"
	"odooban/rules"
	"odooban/watcher"
	"odooban/watcher/docker"
	"odooban/watcher/journald"
	"odooban/watcher/lines"
	"odooban/watcher/tailfile"
)

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
	stdin *lines.Reader
	// idle says that there is nothing to follow yet.
	idle bool
	// late ends when the journal is open at last, if it could not even be read.
	late <-chan struct{}

	service *service.Service
}

// prepare makes the pipeline, which goes on where the journal ends.
func (d *daemon) prepare(ctx context.Context, c *config.Config) (*pipeline, error) {
	defer hurry()()
	set, err := compile(c)
	if err != nil {
		return nil, err
	}
	j, err := newJail(c, ownNetworks(d.log))
	if err != nil {
		return nil, err
	}
	sources, unseen, missing := sourcesOf(ctx, c, d.files)
	d.log.warn(unseen)
	if len(d.files) == 0 && len(c.Sources) == 0 && missing == nil {
		d.log.say("no sources are configured; found " + describeSources(sources))
	}
	p := &pipeline{engine: engine.New(j, d.firewall, d.log), jail: j, set: set, log: d.log, service: d.service}
	p.since = time.Now().Add(-j.Lookback())
	if d.journal != nil {
		p.late = d.journal.Late()
		if err := p.engine.Restore(ctx, d.journal, time.Now()); err != nil {
			return nil, err
		}
	}
	if p.idle = missing != nil; p.idle {
		kind := finding.Of(finding.NoSource)
		p.engine.Raise(engine.Alarm{Code: kind.Code, Text: missing.Error() + "; looking again", Cure: kind.Cure})
	}
	var patterns []string
	for _, source := range sources {
		if source.File != "" && source.File != "-" {
			patterns = append(patterns, source.File)
		} else if err := p.open(source, d.stdin); err != nil {
			return nil, err
		}
	}
	if err := p.openFiles(patterns); err != nil {
		return nil, err
	}
	return p, nil
}

// open prepares a source that is no pattern.
func (p *pipeline) open(source config.Source, stdin io.Reader) error {
	switch {
	case source.File == "-":
		p.stdin = lines.NewReader("standard input", stdin)
	case source.Journald != nil:
		p.openUnit(source.Journald.Unit)
	case source.Docker != nil:
		return p.openContainers(*source.Docker)
	}
	return nil
}

// openContainers prepares the containers of a Docker engine.
func (p *pipeline) openContainers(pick config.Docker) error {
	docker, err := docker.New(docker.Containers(pick), p.engine.Trouble)
	if err != nil {
		return &usageError{err}
	}
	docker.Resume(p.engine.Positions())
	p.groups = append(p.groups, docker)
	return nil
}

// openUnit prepares what a unit writes to systemd's journal.
func (p *pipeline) openUnit(name string) {
	unit := journald.New(name, p.since, p.engine.Trouble)
	if err := unit.Resume(p.engine.Position(unit.Name())); err != nil {
		p.engine.Trouble(unit.Name(), &watcher.LossError{Err: err})
	}
	p.units = append(p.units, unit)
}

// openFiles prepares the files that patterns match, as one group: a file that
// several of them match, under whatever names, must not count twice.
func (p *pipeline) openFiles(patterns []string) error {
	if len(patterns) == 0 {
		return nil
	}
	var paths []string
	for _, pattern := range patterns {
		path, err := filepath.Abs(pattern)
		if err != nil {
			return err
		}
		paths = append(paths, path)
	}
	glob, err := tailfile.NewGlob(paths, p.engine.Trouble)
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
	start := func(source watcher.Source) bool {
		// A container that two groups mean would count twice, as would a file that is
		// back while what was there before is still being decided.
		if _, twice := followed.LoadOrStore(source.Name(), true); twice {
			return false
		}
		p.log.say("following " + source.Name())
		unwatch := watchTurning(p.service, source)
		g.Go(func() error {
			defer followed.Delete(source.Name())
			defer unwatch()
			return p.engine.Follow(ctx, source, p.set, time.Now())
		})
		return true
	}
	for _, unit := range p.units {
		start(unit)
	}
	for _, group := range p.groups {
		g.Go(func() error { return group.Run(ctx, start) })
	}
	if p.stdin == nil {
		return
	}
	p.log.say("following " + p.stdin.Name())
	g.Go(func() error {
		if len(p.groups)+len(p.units) == 0 {
			defer end()
		}
		return p.engine.Follow(ctx, p.stdin, p.set, time.Now())
	})
}
