package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"odooban/internal/control"
	"odooban/internal/printable"
)

func newBans(a *app) *cobra.Command {
	return a.asksFlags(&cobra.Command{
		Use:   "bans",
		Short: "List the bans in force",
		Long: "bans lists the bans in force: since when, until when, by which rule, and how many packets were dropped. " +
			"When no odooban runs it lists those that the journal knows.",
		Args: usage(cobra.NoArgs),
		RunE: a.bans,
	})
}

func (a *app) bans(cmd *cobra.Command, _ []string) error {
	daemon, err := a.client()
	if err != nil {
		return err
	}
	b, err := daemon.Bans(cmd.Context())
	if errors.Is(err, control.ErrDown) {
		return a.record(cmd, err, func(r *control.Record) error {
			b, err := r.Bans(cmd.Context())
			return errors.Join(err, a.printBans(cmd, b))
		})
	}
	if err != nil {
		return err
	}
	return a.printBans(cmd, b)
}

func (a *app) printBans(cmd *cobra.Command, b control.Bans) error {
	return a.print(cmd, b, func(w *tabwriter.Writer) {
		if len(b.Bans) == 0 {
			fmt.Fprint(w, "Nobody is banned.\n")
			return
		}
		if b.DryRun {
			fmt.Fprint(w, "They would be banned; this is a dry run.\n\n")
		}
		writeBans(w, b.Bans)
	})
}

func writeBans(w io.Writer, bans []control.Ban) {
	fmt.Fprint(w, "BANNED\tRULE\tFAILURES\tFROM (UTC)\tUNTIL (UTC)\tPACKETS\n")
	for _, b := range bans {
		rule := b.Rule
		if rule == "" {
			rule = "unknown"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n",
			printable.Prefix(b.Prefix), printable.Text(rule), b.Failures, printable.Time(b.Time), until(b.Until), packets(b))
	}
}

// packets says how many packets of a ban were dropped.
func packets(b control.Ban) string {
	switch {
	case !b.InForce:
		return "-"
	case b.Packets == nil:
		return "unknown"
	}
	return strconv.FormatUint(*b.Packets, 10)
}

// ended says how a ban that is over has ended.
func ended(b control.Ban) string {
	if b.Lifted.IsZero() {
		return printable.Time(b.Until)
	}
	return fmt.Sprintf("%s, by hand after %s", printable.Time(b.Lifted), b.Lifted.Sub(b.Time).Round(time.Second))
}
