package replay

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"odooban/internal/printable"
)

// mostRows bounds the rows of each rule's failures in a table; the bans are all
// there.
const mostRows = 20

// WriteTable writes the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Files {
		fmt.Fprintf(t, "%s\t%s\t%s\n", printable.Text(f.Path), printable.Count(f.Lines, "line"), span(f))
	}
	r.writeFailures(t)
	r.writeForged(t)
	r.writeRejected(t)
	r.writeBans(t)
	for _, a := range r.Alarms {
		fmt.Fprintf(t, "\nNOTE  %s (%s, %s)\n      %s\n",
			a.Text, printable.Count(a.Count, "time"), printable.Text(a.Source), a.Cure)
	}
	return t.Flush()
}

// span says from when to when a file goes, or why that is not known.
func span(f File) string {
	switch {
	case f.Lines == 0 && f.Error != "":
		return "could not be read"
	case f.Lines == 0:
		return "it is empty"
	}
	text := "no line of it looks like Odoo's"
	if f.From != nil {
		text = printable.Time(*f.From) + " to " + printable.Time(*f.To)
	}
	if f.Cut > 0 {
		text += ", " + printable.Count(f.Cut, "byte") + " cut out of lines over 1 MiB"
	}
	if f.Error != "" {
		text += ", could not be read to its end"
	}
	return text
}

func (r *Report) writeFailures(w io.Writer) {
	switch {
	case len(r.Failures) > 0:
		r.writeTallies(w)
	case r.Unattributed > 0:
		fmt.Fprintf(w, "\n%s, but the log does not tell for sure from which address.\n",
			printable.Count(r.Unattributed, "failure"))
	default:
		fmt.Fprint(w, "\nNo failures.\n")
	}
}

func (r *Report) writeTallies(w io.Writer) {
	fmt.Fprint(w, "\nFAILED\tRULE\tCOUNT\tFIRST (UTC)\tLAST (UTC)\n")
	for rest := r.Failures; len(rest) > 0; {
		rule := rest[0].Rule
		end := slices.IndexFunc(rest, func(f Tally) bool { return f.Rule != rule })
		if end < 0 {
			end = len(rest)
		}
		writeRule(w, rest[:end])
		rest = rest[end:]
	}
	if r.Unattributed > 0 {
		fmt.Fprintf(w, "%d more whose address the log does not tell for sure\n", r.Unattributed)
	}
}

// writeRule writes the failures of one rule.
func writeRule(w io.Writer, failures []Tally) {
	shown := min(len(failures), mostRows)
	for _, f := range failures[:shown] {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", f.Addr, f.Rule, f.Count, printable.Time(f.First), printable.Time(f.Last))
	}
	var count uint64
	for _, f := range failures[shown:] {
		count += f.Count
	}
	if count > 0 {
		fmt.Fprintf(w, "%s\t%s\t%d\t--json lists them all\n",
			printable.Count(len(failures)-shown, "more address"), failures[0].Rule, count)
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
	if more := len(r.Forged) - len(by); more > 0 {
		by = append(by, printable.Count(more, "more address")+" (--json lists them all)")
	}
	fmt.Fprintf(w, "\nForged lines, counted against nobody, by: %s\n", strings.Join(by, ", "))
}

func (r *Report) writeRejected(w io.Writer) {
	if len(r.Rejected) == 0 {
		return
	}
	fmt.Fprint(w, "\nREJECTED\tCOUNT\tBECAUSE\n")
	for _, one := range r.Rejected {
		fmt.Fprintf(w, "%s\t%d\t%s; %s\n", one.Reason, one.Count, one.Title, one.Cure)
	}
}

func (r *Report) writeBans(w io.Writer) {
	if len(r.Bans) == 0 {
		fmt.Fprint(w, "\nNobody would have been banned.\n")
		return
	}
	fmt.Fprint(w, "\nBANNED\tRULE\tFAILURES\tFROM (UTC)\tUNTIL (UTC)\n")
	for _, b := range r.Bans {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", b.Prefix, b.Rule, b.Failures, printable.Time(b.Time), printable.Time(b.Until))
	}
}
