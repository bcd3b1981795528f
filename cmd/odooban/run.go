package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"odooban/banner"
	"odooban/internal/config"
	"odooban/internal/jail"
	"odooban/internal/service"
)

func newRun(a *app) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "run [FILE...]",
		Short: "Follow the logs and ban",
		Long: "run follows the configured sources, or the FILEs named (\"-\" is standard input), and bans. SIGINT " +
			"or SIGTERM ends it, and bans stay in force until their time; SIGHUP lets it read its configuration again.",
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
	dryRun = dryRun || c.Firewall.Backend == "dry-run"
	d := &daemon{
		app: a, files: files, stdin: cmd.InOrStdin(), dryRun: dryRun,
		log: newLogbook(c.Log, cmd.ErrOrStderr(), dryRun),
	}
	if err := d.check(c); err != nil {
		return err
	}
	if d.service, err = service.FromEnvironment(d.log.warn); err != nil {
		return err
	}
	reloads, stop := notifyReload()
	defer stop()
	d.reloads = reloads
	return d.run(cmd.Context(), c)
}

// notifyReload says when the configuration is to be read again: at SIGHUP.
func notifyReload() (<-chan os.Signal, func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	return hup, func() { signal.Stop(hup) }
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
func sourcesOf(c *config.Config, files []string) ([]config.Source, error) {
	if len(files) > 0 {
		return fileSources(files), nil
	}
	if len(c.Sources) > 0 {
		return c.Sources, nil
	}
	var patterns []string
	for _, pattern := range defaultSources() {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			patterns = append(patterns, pattern)
		}
	}
	if len(patterns) == 0 {
		return nil, errors.New("found no log: nothing matches " + strings.Join(defaultSources(), " or ") +
			"; name it: odooban run FILE, or under sources in the configuration")
	}
	return fileSources(patterns), nil
}

func fileSources(patterns []string) []config.Source {
	sources := make([]config.Source, len(patterns))
	for i, pattern := range patterns {
		sources[i].File = pattern
	}
	return sources
}
