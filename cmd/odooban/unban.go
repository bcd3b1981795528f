package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"odooban/internal/control"
	"odooban/internal/printable"
)

func newUnban(a *app) *cobra.Command {
	return a.asksFlags(&cobra.Command{
		Use:   "unban PREFIX",
		Short: "End the ban of an address or a network",
		Long: "unban ends the ban of an address, or of exactly a network, and forgets its failures, so that they do not " +
			"lead to another; new ones count. An IPv6 address is unbanned with its network.",
		Example: "  odooban unban 203.0.113.7",
		Args:    usage(cobra.ExactArgs(1)),
		RunE: a.change(func(cmd *cobra.Command, o office, args []string) error {
			if err := (control.Order{Prefix: args[0]}).Check(); err != nil {
				return err
			}
			done, err := o.Unban(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.printUnbanned(cmd, args[0], &done)
		}),
	})
}

func (a *app) printUnbanned(cmd *cobra.Command, what string, done *control.Unbanned) error {
	return a.print(cmd, done, func(w *tabwriter.Writer) {
		if len(done.Ended) == 0 {
			fmt.Fprintf(w, "%s was not banned; its failures are forgotten\n", printable.Text(what))
		}
		for _, p := range done.Ended {
			fmt.Fprintf(w, "unbanned %s; its failures are forgotten\n", printable.Prefix(p))
		}
		for _, b := range done.Still {
			fmt.Fprintf(w, "it is still kept away by the ban of %[1]s: odooban unban %[1]s\n", b.Prefix)
		}
	})
}
