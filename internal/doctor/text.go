package doctor

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"odooban/internal/printable"
)

// longestEvidence bounds what is shown of a text that others wrote.
const longestEvidence = 2000

// clean makes a text safe for a terminal, and not too long for it.
func clean(s string) string {
	if len(s) > longestEvidence {
		s = strings.ToValidUTF8(s[:longestEvidence], "") + "..."
	}
	return printable.Lines(s)
}

// excerpt is the start of a line of a log.
func excerpt(line []byte) string {
	const longest = 160
	text := strings.ToValidUTF8(string(line[:min(len(line), longest)]), "?")
	if len(line) > longest {
		text += "..."
	}
	return strconv.Quote(text)
}

// WriteText writes the report for people: a paragraph for each finding.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s: %s", strings.ToUpper(string(f.Severity)), f.Title)
		if f.About != "" {
			fmt.Fprintf(&b, " (%s)", f.About)
		}
		fmt.Fprintf(&b, " [%s]\n", f.Code)
		field(&b, "seen", f.Evidence)
		field(&b, "cure", f.Cure)
		field(&b, "read", f.Docs)
		b.WriteString("\n")
	}
	if len(r.Checked) > 0 {
		fmt.Fprintf(&b, "%s %s.\n", r.verdict(), strings.Join(r.Checked, ", "))
	}
	for _, u := range r.Unchecked {
		fmt.Fprintf(&b, "Not checked: %s: %s\n", u.What, indent(u.Why, "  "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) verdict() string {
	if len(r.Findings) == 0 {
		return "Nothing wrong. Checked:"
	}
	return printable.Count(len(r.Findings), "finding") + ". Checked:"
}

func field(b *strings.Builder, name, text string) {
	fmt.Fprintf(b, "  %-5s %s\n", name+":", indent(text, "        "))
}

func indent(text, by string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+by)
}
