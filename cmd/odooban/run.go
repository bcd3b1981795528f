package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"odooban/banner"
	"odooban/internal/config"
	"odooban/internal/engine"
	"odooban/internal/jail"
	"odooban/rules"
	"odooban/watcher"
)

func newRun(a *app) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "run [FILE...]",
		Short: "Follow the logs and ban",
		Long: "run follows the configured sources, or the FILEs named (\"-\" is standard input), and bans. It ends by " +
			"SIGINT or SIGTERM; bans stay in force until their time.",
		Example: "  odooban run\n  odooban run --dry-run /srv/odoo/odoo.log\n  docker logs -f odoo 2>&1 | odooban run -",
		RunE: func(cmd *cobra.Command, files []string) error {
			return a.run(cmd, files, dryRun)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "ban nothing, only say who would have been banned")
	return cmd
}

func (a *app) run(cmd *cobra.Command, files []string, dryRun bool) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	set, err := compile(c)
	if err != nil {
		return err
	}
	sources, err := sourcesOf(c, files)
	if err != nil {
		return err
	}
	dryRun = dryRun || c.Firewall.Backend == "dry-run"
	log := newLogbook(c.Log, cmd.ErrOrStderr(), dryRun)
	j, err := newJail(c, ownNetworks(log))
	if err != nil {
		return err
	}
	firewall, err := openFirewall(cmd.Context(), c.Firewall, dryRun, log)
	if err != nil {
		return err
	}
	defer func() { log.warn(firewall.Close()) }()

	d := &daemon{engine: engine.New(j, firewall, log), firewall: firewall, set: set, log: log}
	if err := d.open(sources, cmd.InOrStdin()); err != nil {
		return err
	}
	return d.run(cmd.Context())
}

// ownNetworks lists what is never banned because it is ours.
func ownNetworks(log *logbook) []jail.Ignored {
	own, err := banner.OwnPrefixes()
	if err != nil {
		log.warn(fmt.Errorf("list own addresses: %w; add them under ignore", err))
		return loopback()
	}
	var ignored []jail.Ignored
	for _, o := range own {
		ignored = append(ignored, jail.Ignored{Prefix: o.Prefix, Why: o.Why})
	}
	return ignored
}

// openFirewall sets up where bans go.
func openFirewall(ctx context.Context, c config.Firewall, dryRun bool, log *logbook) (*banner.Keeper, error) {
	if dryRun {
		c.Backend = "dry-run"
	}
	firewall, err := banner.Open(ctx, banner.Options{Backend: c.Backend, Ports: c.Ports})
	if err != nil {
		return nil, fmt.Errorf("%w\n(odooban run --dry-run bans nothing and needs none of this)", err)
	}
	for _, note := range firewall.Notes() {
		log.warn(note)
	}
	if dryRun {
		log.say("banning nothing: this is a dry run")
	} else {
		log.say("firewall is ready: " + firewall.Name() + ", " + describePorts(c.Ports))
	}
	return firewall, nil
}

// describePorts says what banned addresses are kept away from.
func describePorts(ports []uint16) string {
	if len(ports) == 0 {
		return "all ports"
	}
	return "ports " + strings.Trim(fmt.Sprint(ports), "[]")
}

// defaultSources are where Odoo's packages and manuals put its log.
func defaultSources() []string {
	return []string{"/var/log/odoo/*.log", "/var/log/odoo*.log"}
}

// sourcesOf lists what to follow: the files named, else the configured
// sources, else the default places where something stands.
func sourcesOf(c *config.Config, files []string) ([]string, error) {
	if len(files) > 0 {
		return files, nil
	}
	var patterns []string
	for _, s := range c.Sources {
		patterns = append(patterns, s.File)
	}
	if len(patterns) > 0 {
		return patterns, nil
	}
	for _, pattern := range defaultSources() {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			patterns = append(patterns, pattern)
		}
	}
	if len(patterns) == 0 {
		return nil, errors.New("found no log: nothing matches " + strings.Join(defaultSources(), " or ") +
			"; name it: odooban run FILE, or under sources in the configuration")
	}
	return patterns, nil
}

// daemon follows sources until it is stopped.
type daemon struct {
	engine   *engine.Engine
	firewall *banner.Keeper
	set      *rules.Set
	log      *logbook
	groups   []watcher.Group
	stdin    *watcher.Reader
}

// open prepares the sources.
func (d *daemon) open(sources []string, stdin io.Reader) error {
	for _, source := range sources {
		if source == "-" {
			d.stdin = watcher.NewReader("standard input", stdin)
			continue
		}
		path, err := filepath.Abs(source)
		if err != nil {
			return err
		}
		glob, err := watcher.NewGlob(path, func(err error) { d.engine.Trouble(source, err) })
		if err != nil {
			return &usageError{err}
		}
		d.groups = append(d.groups, glob)
	}
	return nil
}

// run follows the sources until ctx ends or standard input, as the only
// source, has ended.
func (d *daemon) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	var followed sync.Map
	follow := func(source watcher.Source) {
		// A file that two patterns match would count twice.
		if _, twice := followed.LoadOrStore(source.Name(), true); twice {
			return
		}
		d.log.say("following " + source.Name())
		g.Go(func() error { return d.engine.Follow(ctx, source, d.set, time.Now()) })
	}
	for _, group := range d.groups {
		g.Go(func() error { return group.Run(ctx, follow) })
	}
	if d.stdin != nil {
		g.Go(func() error {
			defer func() {
				if len(d.groups) == 0 {
					cancel()
				}
			}()
			d.log.say("following " + d.stdin.Name())
			return d.engine.Follow(ctx, d.stdin, d.set, time.Now())
		})
	}
	g.Go(func() error { return d.engine.Run(ctx) })
	g.Go(func() error { return d.firewall.Keep(ctx, d.log.mended) })
	err := g.Wait()
	d.log.say("stopped; bans stay in force until their time")
	return err
}
