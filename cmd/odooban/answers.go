package main

import (
	"text/tabwriter"

	"github.com/spf13/cobra"

	"odooban/internal/control"
	"odooban/internal/printable"
)

// asked gives what came of a question to a command's caller: wrong questions are
// wrong usage.
func asked(err error) error {
	if control.Wrong(err) {
		return &usageError{err}
	}
	return err
}

// print prints an answer as JSON, or for people by write.
func (a *app) print(cmd *cobra.Command, answer any, write func(w *tabwriter.Writer)) error {
	if a.json {
		return printable.JSON(cmd.OutOrStdout(), answer)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	write(w)
	return w.Flush()
}
