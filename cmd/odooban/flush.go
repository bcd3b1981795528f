package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"odooban/internal/control"
	"odooban/internal/printable"
)

func newFlush(a *app) *cobra.Command {
	return a.asksFlags(&cobra.Command{
		Use:   "flush",
		Short: "End all bans",
		Long: "flush ends all bans and forgets what was counted, so that the same failures lead to no other. The running " +
			"odooban goes on with its rules in place. When none runs, its sets, tables and rules are taken out of the " +
			"firewall, too.",
		Args: usage(cobra.NoArgs),
		RunE: a.change(a.flush),
	})
}

func (a *app) flush(cmd *cobra.Command, o office, _ []string) error {
	done, err := o.Flush(cmd.Context())
	if err != nil {
		return err
	}
	more := ""
	if d, alone := o.(*control.Desk); alone {
		if err := d.Firewall.Remove(cmd.Context()); err != nil {
			return err
		}
		more = "; the firewall is as if odooban had never been"
	}
	return a.print(cmd, done, func(w *tabwriter.Writer) {
		fmt.Fprintf(w, "ended %s%s\n", printable.Count(done.Bans, "ban"), more)
	})
}
