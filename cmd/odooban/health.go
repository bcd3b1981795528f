package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"odooban/internal/control"
)

func newHealth(a *app) *cobra.Command {
	return a.asksFlags(&cobra.Command{
		Use:   "health",
		Short: "Exit 0 if the running odooban protects, else 1 with the reasons",
		Long: "health asks the running odooban whether it protects: its firewall is in force, where clients come by, and " +
			"it follows at least one log. It is for the health check of a container, and for monitoring; people see " +
			"more by odooban status and odooban doctor.",
		Args: usage(cobra.NoArgs),
		RunE: a.health,
	})
}

// health is what odooban health prints as JSON.
type health struct {
	Healthy bool     `json:"healthy"`
	Reasons []string `json:"reasons"`
}

func (a *app) health(cmd *cobra.Command, _ []string) error {
	daemon, err := a.client()
	if err != nil {
		return err
	}
	status, err := daemon.Status(cmd.Context())
	if err != nil {
		status = control.Status{Reasons: []string{err.Error()}} // who does not answer is not known to protect
	}
	all := []error{a.print(cmd, health{status.Healthy, append([]string{}, status.Reasons...)}, func(w *tabwriter.Writer) {
		if status.Healthy {
			fmt.Fprintln(w, "healthy")
		}
	})}
	for _, why := range status.Reasons {
		all = append(all, errors.New(why))
	}
	return errors.Join(all...)
}
