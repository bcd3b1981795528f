package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"odooban/internal/control"
	"odooban/internal/finding"
)

const (
	// reloadWithin is how long a reload may take, and reloadLook how often it is
	// looked for.
	reloadWithin = 2 * time.Minute
	reloadLook   = 100 * time.Millisecond
)

func newReload(a *app) *cobra.Command {
	return a.asksFlags(&cobra.Command{
		Use:   "reload",
		Short: "Let the running odooban read its configuration again",
		Long: "reload lets the running odooban read its configuration again, as SIGHUP does, and waits for the outcome. " +
			"Where the configuration is refused, because of a mistake or because it does not work here, the one before " +
			"stays in force, and reload says why and exits 1.",
		Args: usage(cobra.NoArgs),
		RunE: a.reload,
	})
}

// reloaded is what odooban reload prints as JSON.
type reloaded struct {
	Since time.Time `json:"since"`
}

func (a *app) reload(cmd *cobra.Command, _ []string) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), reloadWithin)
	defer cancel()
	daemon, err := a.client()
	if err != nil {
		return err
	}
	before, err := daemon.Status(ctx)
	if err == nil {
		err = daemon.Reload(ctx)
	}
	if err != nil {
		return err
	}
	look := time.NewTicker(reloadLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the reload: %w; see: odooban status", ctx.Err())
		case <-look.C:
		}
		if daemon, err = a.client(); err != nil { // it may have another socket by now
			continue
		}
		now, err := daemon.Status(ctx)
		switch refused := refusal(now); {
		case err != nil:
			continue // it is reading
		case refused.Count > refusal(before).Count:
			return errors.New(refused.Text)
		case now.Since.After(before.Since):
			return a.print(cmd, reloaded{now.Since}, func(w *tabwriter.Writer) {
				fmt.Fprintln(w, "the configuration was read again")
			})
		}
	}
}

// refusal is the alarm that a reload was refused.
func refusal(s control.Status) control.Alarm {
	i := slices.IndexFunc(s.Alarms, func(a control.Alarm) bool { return a.Code == finding.ReloadRefused })
	if i < 0 {
		return control.Alarm{}
	}
	return s.Alarms[i]
}
