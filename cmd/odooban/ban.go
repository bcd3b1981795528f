package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"odooban/internal/control"
	"odooban/internal/printable"
)

func newBan(a *app) *cobra.Command {
	var order control.Order
	cmd := &cobra.Command{
		Use:   "ban PREFIX",
		Short: "Ban an address or a network",
		Long: "ban bans an address, or a network, for as long as --for says, else for the longest bantime of the jails. An " +
			"IPv6 address is banned with its network, as failures are (ipv6_prefix); name it with /128 to ban it alone. What " +
			"is never banned is refused. The ban outlives restarts, and is not made longer for earlier ones.",
		Example: "  odooban ban 203.0.113.7 --for 1d\n  odooban ban 198.51.100.0/24",
		Args:    usage(cobra.ExactArgs(1)),
		RunE: a.change(func(cmd *cobra.Command, o office, args []string) error {
			order.Prefix = args[0]
			if err := order.Check(); err != nil {
				return err
			}
			done, err := o.Ban(cmd.Context(), order)
			if err != nil {
				return err
			}
			return a.printBanned(cmd, &done)
		}),
	}
	cmd.Flags().StringVar(&order.For, "for", "", "how `LONG`, such as 30m, 12h, 7d")
	return a.asksFlags(cmd)
}

func (a *app) printBanned(cmd *cobra.Command, done *control.Banned) error {
	return a.print(cmd, done, func(w *tabwriter.Writer) {
		fmt.Fprintf(w, "banned %s until %s UTC\n", printable.Prefix(done.Ban.Prefix), until(done.Ban.Until))
		if done.Note != "" {
			fmt.Fprintf(w, "note: %s\n", printable.Text(done.Note))
		}
	})
}
