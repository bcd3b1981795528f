package replay

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// mostRows bounds the rows of failures in a table; the bans are all there.
const mostRows = 20

// WriteTable writes the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Files {
		fmt.Fprintf(t, "%s\t%d lines\t%s\n", f.Path, f.Lines, span(f))
	}
	r.writeFailures(t)
	r.writeForged(t)
	r.writeBans(t)
	for _, a := range r.Alarms {
		fmt.Fprintf(t, "\nNOTE  %s (%d times, %s)\n      %s\n", a.Text, a.Count, a.Source, a.Cure)
	}
	return t.Flush()
}

// span says from when to when a file goes.
func span(f File) string {
	if f.From == nil {
		return "no line of it looks like Odoo's"
	}
	return clock(*f.From) + " to " + clock(*f.To)
}

// clock writes a time for people.
func clock(t time.Time) string { return t.UTC().Format(time.DateTime) }

func (r *Report) writeFailures(w io.Writer) {
	if len(r.Failures) == 0 {
		fmt.Fprint(w, "\nNo failures.\n")
		return
	}
	fmt.Fprint(w, "\nFAILED\tRULE\tCOUNT\tFIRST (UTC)\tLAST (UTC)\n")
	for i, f := range r.Failures {
		if i == mostRows {
			fmt.Fprintf(w, "and %d more addresses: --json lists them all\n", len(r.Failures)-i)
			break
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", f.Addr, f.Rule, f.Count, clock(f.First), clock(f.Last))
	}
	if r.Unattributed > 0 {
		fmt.Fprintf(w, "%d more whose address the log does not tell\n", r.Unattributed)
	}
}

func (r *Report) writeForged(w io.Writer) {
	if len(r.Forged) == 0 {
		return
	}
	var by []string
	for _, f := range r.Forged[:min(len(r.Forged), mostRows)] {
		by = append(by, fmt.Sprintf("%s (%d)", f.Addr, f.Lines))
	}
	fmt.Fprintf(w, "\nForged lines, counted against nobody, by: %s\n", strings.Join(by, ", "))
}

func (r *Report) writeBans(w io.Writer) {
	if len(r.Bans) == 0 {
		fmt.Fprint(w, "\nNobody would have been banned.\n")
		return
	}
	fmt.Fprint(w, "\nBANNED\tRULE\tFAILURES\tFROM (UTC)\tUNTIL (UTC)\n")
	for _, b := range r.Bans {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", b.Prefix, b.Rule, b.Failures, clock(b.Time), clock(b.Until))
	}
}
