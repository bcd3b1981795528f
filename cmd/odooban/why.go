package main

import (
	"errors"
	"fmt"
	"net/netip"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"odooban/internal/control"
	"odooban/internal/printable"
	"odooban/rules"
)

// shownFailures is how many failures are shown to people, the latest ones.
const shownFailures = 20

func newWhy(a *app) *cobra.Command {
	return a.asksFlags(&cobra.Command{
		Use:   "why ADDR",
		Short: "Explain why an address is banned, or is not",
		Long: "why tells what is known of an address: whether it is banned and until when, what is counted, what it has " +
			"tried, earlier bans, and whether it is never banned; and which lines name it or were sent by it that are " +
			"not counted, and why. IPv6 addresses are told with their network. When no " +
			"odooban runs it tells what the journal knows.",
		Example: "  odooban why 203.0.113.7",
		Args:    usage(cobra.ExactArgs(1)),
		RunE:    a.why,
	})
}

func (a *app) why(cmd *cobra.Command, args []string) error {
	if _, err := control.ParseAddr(args[0]); err != nil {
		return &usageError{err}
	}
	daemon, err := a.client()
	if err != nil {
		return err
	}
	why, err := daemon.Why(cmd.Context(), args[0])
	if errors.Is(err, control.ErrDown) {
		return a.record(cmd, err, func(r *control.Record) error {
			why, err := r.Why(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.printWhy(cmd, &why)
		})
	}
	if err != nil {
		return asked(err)
	}
	return a.printWhy(cmd, &why)
}

func (a *app) printWhy(cmd *cobra.Command, why *control.Why) error {
	return a.print(cmd, why, func(w *tabwriter.Writer) { writeWhy(w, why) })
}

func writeWhy(w *tabwriter.Writer, why *control.Why) {
	name := why.Addr.String()
	if !why.Prefix.IsSingleIP() {
		name += ", counted with its network " + why.Prefix.String() + ","
	}
	switch {
	case len(why.Bans) > 0 && why.DryRun:
		fmt.Fprintf(w, "%s would be banned; this is a dry run.\n\n", name)
		writeBans(w, why.Bans)
	case len(why.Bans) > 0:
		fmt.Fprintf(w, "%s is banned.\n\n", name)
		writeBans(w, why.Bans)
	case why.Ignored != "":
		fmt.Fprintf(w, "%s is never banned: %s.\n", name, printable.Text(why.Ignored))
	default:
		fmt.Fprintf(w, "%s is not banned.\n", name)
	}
	for _, c := range why.Counting {
		fmt.Fprintf(w, "\nCounting: %s of %s from %s to %s UTC; banned at %d within %s.\n",
			printable.Count(c.Failures, "failure"), printable.Text(c.Rule), printable.Time(c.First), printable.Time(c.Last),
			c.MaxRetry, seconds(c.FindTime))
	}
	if len(why.Earlier) > 0 {
		fmt.Fprint(w, "\nEARLIER BAN\tRULE\tFAILURES\tFROM (UTC)\tUNTIL (UTC)\n")
		for _, b := range why.Earlier {
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n",
				printable.Prefix(b.Prefix), printable.Text(b.Rule), b.Failures, printable.Time(b.Time), ended(b))
		}
	}
	writeFailures(w, why.Failures)
	writeRejected(w, why.Rejected)
}

func writeFailures(w *tabwriter.Writer, failures []control.Failure) {
	if len(failures) == 0 {
		fmt.Fprint(w, "\nNo failures are known.\n")
		return
	}
	fmt.Fprint(w, "\nFAILED (UTC)\tADDRESS\tRULE\tUSER\tDATABASE\tSOURCE\n")
	for _, f := range failures[max(0, len(failures)-shownFailures):] {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", printable.Time(f.Time), f.Addr, printable.Text(f.Rule),
			printable.Text(f.User), printable.Text(f.DB), printable.Text(f.Source))
	}
	if n := len(failures) - shownFailures; n > 0 {
		fmt.Fprintf(w, "and %d before: --json lists up to a thousand\n", n)
	}
}

// writeRejected writes what is not counted, and what each reason means.
func writeRejected(w *tabwriter.Writer, rejected []control.Rejected) {
	if len(rejected) == 0 {
		return
	}
	shown := rejected[max(0, len(rejected)-shownFailures):]
	fmt.Fprint(w, "\nNOT COUNTED (UTC)\tNAMES\tSENT BY\tRULE\tUSER\tSOURCE\tREASON\n")
	for _, r := range shown {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", printable.Time(r.Time), known(r.Addr), known(r.By),
			printable.Text(r.Rule), printable.Text(r.User), printable.Text(r.Source), printable.Text(string(r.Reason)))
	}
	if n := len(rejected) - len(shown); n > 0 {
		fmt.Fprintf(w, "and %d before: --json lists the latest that are remembered\n", n)
	}
	told := make(map[rules.Reason]bool)
	for _, r := range shown {
		if !told[r.Reason] {
			fmt.Fprintf(w, "%s: %s; %s\n", printable.Text(string(r.Reason)), printable.Text(r.Title), printable.Text(r.Cure))
		}
		told[r.Reason] = true
	}
}

// known is an address, or "-" where there is none.
func known(addr netip.Addr) string {
	if !addr.IsValid() {
		return "-"
	}
	return addr.String()
}
