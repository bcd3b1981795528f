package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/moby/client"
	"github.com/spf13/cobra"

	"odooban/banner"
	"odooban/internal/config"
	"odooban/internal/control"
	"odooban/internal/doctor"
	"odooban/internal/engine"
	"odooban/internal/own"
	"odooban/internal/printable"
	"odooban/internal/sidecar"
)

func newDoctor(a *app) *cobra.Command {
	return a.jsonFlag(&cobra.Command{
		Use:   "doctor [FILE...]",
		Short: "Check whether protection works here, and report what to do if not",
		Long: "doctor looks at the logs that odooban run would follow, or at the FILEs named, at how Odoo is told to log, " +
			"at the firewall, at the daemon and at what runs beside it. For each thing that is wrong it says what was seen, " +
			"what to do, and where to read more: in the source, or where a package brought it in /usr/share/doc/odooban. It " +
			"changes nothing. Run it as root: without rights it says what it could not see.\n\n" +
			"It exits with 1 if something keeps odooban from protecting; warnings alone are no failure.",
		Example:           "  sudo odooban doctor\n  odooban doctor --json /srv/odoo/odoo.log",
		Args:              named(0),
		ValidArgsFunction: completeFiles,
		RunE:              a.doctor,
	})
}

func (a *app) doctor(cmd *cobra.Command, files []string) error {
	daemon, err := a.client()
	if err != nil {
		return err
	}
	c, mistakes := a.load()
	if mistakes != nil {
		c = config.Default()
	}
	set, err := compile(c)
	if err != nil {
		mistakes, c = err, config.Default()
	}
	env := environment(cmd.Context(), c, files)
	env.Rules, env.Mistakes = set, mistakes
	env.Daemon = askDaemon(daemon)
	report := doctor.Examine(cmd.Context(), env, doctor.Checks())
	if err := cmd.Context().Err(); err != nil {
		return fmt.Errorf("look around: %w", err) // what it was kept from seeing is not wrong
	}
	if a.json {
		err = printable.JSON(cmd.OutOrStdout(), report)
	} else {
		err = report.WriteText(cmd.OutOrStdout())
	}
	if err == nil && report.Failed() {
		err = errors.New("protection does not work as it should; do what is said under cure")
	}
	return err
}

// environment is this host, with what of it can be looked at.
func environment(ctx context.Context, c *config.Config, files []string) doctor.Environment {
	env := doctor.Environment{
		Now: time.Now, Config: c, Own: own.Prefixes, Journal: doctor.Systemd{}, Docker: dockerEngine(),
	}
	env.Files, env.Config = logFiles(ctx, c, files)
	env.Blind = blind(metricsPort(c))
	if os.Geteuid() == 0 {
		env.Firewall = doctor.Netfilter{Options: banner.Options{Backend: c.Firewall.Backend, Ports: c.Firewall.Ports}}
	}
	return env
}

// askDaemon asks the daemon at the control socket.
func askDaemon(c *control.Client) doctor.Daemon {
	return func(ctx context.Context) (doctor.State, error) {
		status, err := c.Status(ctx)
		if err != nil {
			return doctor.State{}, err
		}
		s := doctor.State{
			Started: status.Since, Healthy: status.Healthy, Reasons: status.Reasons, Backend: status.Firewall.Backend,
			Ports: status.Firewall.Ports,
		}
		for _, one := range status.Sources {
			s.Sources = append(s.Sources, engine.SourceStatus{Name: one.Name, Trouble: one.Trouble})
		}
		for _, a := range status.Alarms {
			s.Alarms = append(s.Alarms, engine.Alarm{
				Code: a.Code, Source: a.Source, Text: a.Text, Cure: a.Cure, Count: a.Count, Last: a.Last,
			})
		}
		bans, err := c.Bans(ctx)
		for _, b := range bans.Bans {
			if b.InForce && !b.Time.IsZero() {
				s.Bans = append(s.Bans, banner.Ban{Prefix: b.Prefix, Rule: b.Rule, Time: b.Time, Until: b.Until})
			}
		}
		return s, err
	}
}

// blind says why no client's packets can pass here, or nil. On our ports odooban
// itself listens.
func blind(ours []uint16) func(guarded []uint16) error {
	return func(guarded []uint16) error {
		place, err := sidecar.Look(ours...)
		if err != nil {
			return nil //nolint:nilerr // what cannot be seen is not taken for wrong
		}
		return place.Blind(guarded)
	}
}

// logFiles lists the files and patterns that run would follow. Files that were
// named take the place of all that is configured.
func logFiles(ctx context.Context, c *config.Config, named []string) ([]string, *config.Config) {
	sources, _, err := sourcesOf(ctx, c, named)
	if err != nil {
		return nil, c // there is none; that is a finding
	}
	if len(named) > 0 {
		only := *c
		only.Sources = sources
		c = &only
	}
	var files []string
	for _, s := range sources {
		if path, err := filepath.Abs(s.File); err == nil && s.File != "" && s.File != "-" {
			files = append(files, path)
		}
	}
	return files, c
}

// dockerEngine is the engine of DOCKER_HOST or of this host, or nil.
func dockerEngine() doctor.Docker {
	const socket = "/var/run/docker.sock"
	if _, err := os.Stat(socket); err != nil && os.Getenv(client.EnvOverrideHost) == "" {
		return nil
	}
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return nil
	}
	return doctor.Engine{Client: engine}
}
