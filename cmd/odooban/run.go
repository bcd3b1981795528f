package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"odooban/banner"
	"odooban/internal/config"
	"odooban/internal/jail"
	"odooban/internal/own"
	"odooban/internal/service"
	"odooban/watcher/docker"
)

func newRun(a *app) *cobra.Command {
	var dryFlag bool
	cmd := &cobra.Command{
		Use:   "run [FILE...]",
		Short: "Follow the logs and ban",
		Long: "run follows the configured sources, or the FILEs named (\"-\" is standard input), and bans. Where there is " +
			"nothing to follow yet it waits. SIGINT or SIGTERM ends it, and bans stay in force until their time (with the " +
			"backend iptables until it runs again); SIGHUP lets it read its configuration again.",
		Example: "  odooban run\n  odooban run --dry-run /srv/odoo/odoo.log\n" +
			"  docker logs -f odoo 2>&1 | odooban run -",
		Args:              named(0),
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, files []string) error {
			return a.run(cmd, files, dryFlag)
		},
	}
	cmd.Flags().BoolVar(&dryFlag, "dry-run", false, "ban nothing, only say who would have been banned")
	return cmd
}

func (a *app) run(cmd *cobra.Command, files []string, dryFlag bool) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	if err := noFolder(files); err != nil {
		return err
	}
	d := &daemon{
		app: a, files: files, stdin: cmd.InOrStdin(), dryFlag: dryFlag, log: newLogbook(c.Log, cmd.ErrOrStderr()),
	}
	if err := d.check(cmd.Context(), c, false); err != nil {
		return err
	}
	if d.service, err = service.FromEnvironment(d.log.warn); err != nil {
		return err
	}
	reloads, stop := notifyReload()
	defer stop()
	d.reloads = reloads
	err = d.run(cmd.Context(), c)
	if _, ok := errors.AsType[*helplessError](err); ok {
		err = fmt.Errorf("%w\n(odooban run --dry-run bans nothing and needs none of this)", err)
	}
	return err
}

// noFolder says which of the names is that of a folder, which will never be a log.
func noFolder(files []string) error {
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			return &usageError{fmt.Errorf("run %s: is a directory; name the files in it, like '%s'",
				name, filepath.Join(name, "*.log"))}
		}
	}
	return nil
}

// notifyReload says when the configuration is to be read again: at SIGHUP.
func notifyReload() (<-chan os.Signal, func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	return hup, func() { signal.Stop(hup) }
}

// ownNetworks lists what is never banned because it is ours.
func ownNetworks(log *logbook) []jail.Ignored {
	prefixes, err := own.Prefixes()
	if err != nil {
		log.warn(fmt.Errorf("list own addresses: %w; add them under ignore", err))
		return asIgnored(own.Loopback())
	}
	return asIgnored(prefixes)
}

// helplessError says that there is no right or no way to protect.
type helplessError struct{ error }

func (e *helplessError) Unwrap() error { return e.error }

// openFirewall sets up where bans go.
func openFirewall(ctx context.Context, c config.Firewall, dry bool, log *logbook) (*banner.Keeper, error) {
	if dry {
		c.Backend = banner.BackendDryRun
	}
	firewall, err := banner.Open(ctx, banner.Options{Backend: c.Backend, Ports: c.Ports})
	if err != nil {
		return nil, &helplessError{err}
	}
	for _, note := range firewall.Notes() {
		log.warn(note)
	}
	if dry {
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

// defaultSources are where Odoo's packages and manuals put its log, and Traefik
// its access log.
func defaultSources() []string {
	return []string{"/var/log/odoo/*.log", "/var/log/odoo*.log", "/var/log/traefik/access.log"}
}

// sourcesOf lists what to follow: the files named, else the configured
// sources, else what is found, where something may be unseen.
func sourcesOf(ctx context.Context, c *config.Config, files []string) (sources []config.Source, unseen, missing error) {
	if len(files) > 0 {
		return fileSources(files), nil, nil
	}
	if len(c.Sources) > 0 {
		return c.Sources, nil, nil
	}
	return findSources(ctx, defaultSources())
}

// findSources lists the places where something stands, and containers that look
// like Odoo; unseen says why there may be more of them. Where there is nothing but
// Docker, containers are waited for; missing says that there is nothing.
func findSources(ctx context.Context, places []string) (sources []config.Source, unseen, missing error) {
	var patterns []string
	for _, pattern := range places {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			patterns = append(patterns, pattern)
		}
	}
	sources = fileSources(patterns)
	names, err := containers(ctx)
	if len(names) > 0 || err == nil && len(sources) == 0 {
		sources = append(sources, config.Source{Docker: &config.Docker{}})
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // there is no Docker here
	}
	if len(sources) == 0 {
		return nil, nil, errors.Join(errors.New("found no log: nothing matches "+strings.Join(places, " or ")), err)
	}
	if err != nil {
		unseen = fmt.Errorf("containers are not followed: %w; to leave them out, name the logs under sources", err)
	}
	return sources, unseen, nil
}

// containers lists those that run now and look like Odoo.
func containers(ctx context.Context) ([]string, error) {
	const patience = 3 * time.Second
	docker, err := docker.New(docker.Containers{}, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return docker.Find(ctx)
}

// describeSources says what sources were found.
func describeSources(sources []config.Source) string {
	var parts []string
	for _, s := range sources {
		if s.Docker != nil {
			parts = append(parts, "Docker containers that look like Odoo")
		} else {
			parts = append(parts, s.File)
		}
	}
	return strings.Join(parts, ", ")
}

func fileSources(patterns []string) []config.Source {
	sources := make([]config.Source, len(patterns))
	for i, pattern := range patterns {
		sources[i].File = pattern
	}
	return sources
}
