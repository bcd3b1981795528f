package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func newHealth(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Exit 0 if the running odooban protects, else 1 with the reasons",
		Long: "health asks the running odooban whether it protects: its firewall is in force, where clients come by, and " +
			"it follows at least one log. It is for the health check of a container, and for monitoring; people see " +
			"more by odooban status and odooban doctor.",
		Args: usage(cobra.NoArgs),
		RunE: a.health,
	}
}

func (a *app) health(cmd *cobra.Command, _ []string) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	status, err := socketOf(c).Status(cmd.Context())
	if err != nil {
		return err
	}
	if !status.Healthy {
		var reasons []error
		for _, why := range status.Reasons {
			reasons = append(reasons, errors.New(why))
		}
		return errors.Join(reasons...)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), "healthy")
	return err
}
