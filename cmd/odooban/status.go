package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"odooban/internal/control"
	"odooban/internal/doctor"
	"odooban/internal/printable"
	"odooban/rules"
)

func newStatus(a *app) *cobra.Command {
	return a.asksFlags(&cobra.Command{
		Use:   "status",
		Short: "Show the status of the running odooban",
		Long: "status asks the running odooban what it follows, what it has found and banned, whether the firewall keeps " +
			"its bans in force, and what may keep it from protecting. Counts begin when it was started or last read its " +
			"configuration. When none runs it says so, tells from the journal how many bans go on, and exits 1.",
		Args: usage(cobra.NoArgs),
		RunE: a.status,
	})
}

func (a *app) status(cmd *cobra.Command, _ []string) error {
	daemon, err := a.client()
	if err != nil {
		return err
	}
	s, err := daemon.Status(cmd.Context())
	switch {
	case errors.Is(err, control.ErrDown):
		return a.statusDown(cmd, err)
	case err != nil:
		return a.statusUnknown(cmd, err)
	}
	return a.print(cmd, s, func(w *tabwriter.Writer) { writeStatus(w, &s) })
}

// statusDown tells what goes on without a daemon.
func (a *app) statusDown(cmd *cobra.Command, down error) error {
	err := a.record(cmd, down, func(r *control.Record) error {
		bans, err := r.Bans(cmd.Context())
		if err != nil {
			return err
		}
		return errors.Join(a.printDown(cmd, down, len(bans.Bans)), &saidError{down, exitFailed})
	})
	if errors.Is(err, control.ErrDown) { // nor does the journal tell
		err = a.statusUnknown(cmd, err)
	}
	return err
}

// statusUnknown gives a program a document, too, when there is nothing to tell.
func (a *app) statusUnknown(cmd *cobra.Command, why error) error {
	if !a.json {
		return why
	}
	return errors.Join(a.printDown(cmd, why, 0), why)
}

// printDown says that so many bans go on without a daemon, and why there is none.
func (a *app) printDown(cmd *cobra.Command, why error, bans int) error {
	s := control.Status{
		Reasons: []string{why.Error()}, Sources: []control.Source{}, Jails: []control.Jail{}, Alarms: []control.Alarm{},
		Firewall: control.Firewall{Bans: bans},
	}
	return a.print(cmd, s, func(w *tabwriter.Writer) {
		fmt.Fprintf(w, "Still in force: %s. Nobody new is banned. Start it: %s\n",
			printable.Count(bans, "ban"), doctor.StartCure())
	})
}

func writeStatus(w *tabwriter.Writer, s *control.Status) {
	fmt.Fprintf(w, "odooban %s, process %d, counting since %s UTC\n",
		printable.Text(s.Version), s.PID, printable.Time(s.Since))
	switch {
	case !s.Healthy:
		for _, why := range s.Reasons {
			fmt.Fprintf(w, "NOT HEALTHY: %s\n", printable.Text(why))
		}
	case s.DryRun:
		fmt.Fprint(w, "Healthy. This is a dry run: it bans nobody.\n")
	default:
		fmt.Fprint(w, "Healthy.\n")
	}
	writeSources(w, s.Sources)
	fmt.Fprint(w, "\nJAIL\tBANS FOR\tAFTER\tFAILURES\tBANS\tCOUNTING\n")
	for _, j := range s.Jails {
		fmt.Fprintf(w, "%s\t%s\t%d in %s\t%d\t%d\t%d\n", printable.Text(j.Rule), seconds(j.BanTime), j.MaxRetry,
			seconds(j.FindTime), j.Failures, j.Bans, j.Counting)
	}
	for _, j := range s.Jails {
		if j.Forgotten > 0 {
			fmt.Fprintf(w, "%s: %s forgotten, as too many were counted\n", printable.Text(j.Rule),
				printable.Count(j.Forgotten, "address"))
		}
	}
	writeFirewall(w, &s.Firewall)
	for _, a := range s.Alarms {
		fmt.Fprintf(w, "\nALARM %s, %s, last %s",
			printable.Text(a.Code), printable.Count(a.Count, "time"), printable.Time(a.Last))
		if a.Source != "" {
			fmt.Fprintf(w, ", %s", printable.Text(a.Source))
		}
		fmt.Fprintf(w, "\n      %s\n", printable.Text(a.Text))
		if a.Cure != "" {
			fmt.Fprintf(w, "      %s\n", printable.Text(a.Cure))
		}
	}
}

func writeSources(w io.Writer, sources []control.Source) {
	fmt.Fprint(w, "\nSOURCE\tLINES\tFAILURES\tLAST LINE (UTC)\tLAG\n")
	for _, s := range sources {
		lag := "-"
		if !s.LastRecord.IsZero() {
			lag = seconds(s.Lag)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\n", printable.Text(s.Name), s.Lines, s.Failures, printable.Time(s.LastLine), lag)
	}
	for _, s := range sources {
		if s.Trouble != "" {
			fmt.Fprintf(w, "TROUBLE: %s\n", printable.Text(s.Trouble))
		}
		if s.Unattributed+s.Unknown > 0 {
			fmt.Fprintf(w, "%s: %s without an address, %s about logins not understood\n", printable.Text(s.Name),
				printable.Count(s.Unattributed, "failure"), printable.Count(s.Unknown, "line"))
		}
		if len(s.Rejected) > 0 {
			fmt.Fprintf(w, "%s: not counted: %s\n", printable.Text(s.Name), byReason(s.Rejected))
		}
	}
}

// byReason tells how many lines were rejected for which reasons, the most first.
func byReason(counts map[rules.Reason]uint64) string {
	reasons := slices.SortedFunc(maps.Keys(counts), func(a, b rules.Reason) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, r := range reasons {
		parts = append(parts, fmt.Sprintf("%d %s", counts[r], printable.Text(string(r))))
	}
	return strings.Join(parts, ", ")
}

func writeFirewall(w io.Writer, f *control.Firewall) {
	dropped := "some packets" // a note says why it is not known
	if f.Dropped != nil {
		dropped = printable.Count(*f.Dropped, "packet")
	}
	fmt.Fprintf(w, "\nFirewall %s: %s in force, %s dropped, put right %s\n", printable.Text(f.Backend),
		printable.Count(f.Bans, "ban"), dropped, printable.Count(f.Mended, "time"))
	for _, found := range f.LastMended {
		fmt.Fprintf(w, "      last: %s\n", printable.Text(found))
	}
	for _, note := range f.Notes {
		fmt.Fprintf(w, "NOTE  %s\n", printable.Text(note))
	}
}
