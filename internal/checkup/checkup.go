// Package checkup gathers facts, lets checks look at them, and reports what they find,
// in the words of the catalogue in internal/finding. What the facts are is for who
// examines: internal/doctor looks whether protection works.
package checkup

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"odooban/internal/finding"
	"odooban/internal/printable"
)

// Finding is one thing that is wrong.
type Finding struct {
	Code     string           `json:"code"`
	Severity finding.Severity `json:"severity"`
	// About is the source or the part that it is about, or empty.
	About string `json:"about,omitempty"`
	// Title says what is wrong, Evidence what was seen, Cure what to do or type,
	// and Docs where to read more.
	Title    string `json:"title"`
	Evidence string `json:"evidence"`
	Cure     string `json:"cure"`
	Docs     string `json:"docs"`
}

// Unchecked is what could not be looked at.
type Unchecked struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Report is what was found. Its texts are safe for a terminal.
type Report struct {
	Findings []Finding `json:"findings"`
	// Checked are the names of the checks that were made.
	Checked   []string    `json:"checked"`
	Unchecked []Unchecked `json:"unchecked"`
}

// Check looks at facts of type F for some kinds of trouble.
type Check[F any] struct {
	// Name is what is looked at.
	Name string
	// Needs are the names of the facts that Look goes by, in the order in which they
	// are gathered.
	Needs []string
	// Finds are the codes of what it may find.
	Finds []string
	// Look reports what is wrong. It asks nobody, and takes what could not be
	// gathered for well.
	Look func(F, *Report)
}

// Gather gathers some facts. The error is why not all of them are known.
type Gather[F any] func(context.Context, F, *Report) error

// Examine gathers what the checks need, each fact once, and makes them. When ctx
// ends the report is not whole.
func Examine[F any](ctx context.Context, facts F, gather map[string]Gather[F], checks []Check[F]) Report {
	r := Report{Findings: []Finding{}, Checked: []string{}, Unchecked: []Unchecked{}}
	failed := make(map[string]error)
	for _, c := range checks {
		var missing error
		for _, need := range c.Needs {
			err, known := failed[need]
			if !known && ctx.Err() == nil {
				err = gather[need](ctx, facts, &r)
				failed[need] = err
			}
			if missing == nil {
				missing = err
			}
		}
		if ctx.Err() != nil {
			break
		}
		if c.Look(facts, &r); missing != nil {
			r.Skip(c.Name, missing)
			continue
		}
		r.Checked = append(r.Checked, c.Name)
	}
	r.sort()
	return r
}

// Find adds a finding of the catalogue, unless the same is there already. An
// empty cure is the catalogue's.
func (r *Report) Find(code, about, evidence, cure string) {
	r.add(finding.Of(code), about, evidence, cure)
}

// Warn adds a finding that is no more than a warning this time.
func (r *Report) Warn(code, about, evidence, cure string) {
	k := finding.Of(code)
	k.Severity = finding.Warning
	r.add(k, about, evidence, cure)
}

// Skip notes what could not be looked at.
func (r *Report) Skip(what string, why error) {
	r.Unchecked = append(r.Unchecked, Unchecked{clean(what), clean(why.Error())})
}

// Failed reports whether anything is wrong that keeps odooban from protecting.
func (r Report) Failed() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == finding.Error })
}

func (r *Report) add(k finding.Kind, about, evidence, cure string) {
	about = clean(about)
	if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == k.Code && f.About == about }) {
		return
	}
	r.Findings = append(r.Findings, Finding{
		Code: k.Code, Severity: k.Severity, About: about,
		Title: k.Title, Evidence: clean(evidence), Cure: clean(cmp.Or(cure, k.Cure)), Docs: k.Anchor(),
	})
}

// sort puts errors first, and the rest in the order in which one looks.
func (r Report) sort() {
	rank := make(map[string]int)
	for i, k := range finding.Kinds() {
		rank[k.Code] = i
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(rank[a.Code], rank[b.Code]))
	})
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
		for _, part := range []struct{ name, text string }{{"seen:", f.Evidence}, {"cure:", f.Cure}, {"read:", f.Docs}} {
			fmt.Fprintf(&b, "  %-5s %s\n", part.name, indent(part.text, "        "))
		}
		b.WriteString("\n")
	}
	if len(r.Checked) > 0 {
		verdict := "Nothing wrong"
		if len(r.Findings) > 0 {
			verdict = printable.Count(len(r.Findings), "finding")
		}
		fmt.Fprintf(&b, "%s. Checked: %s.\n", verdict, strings.Join(r.Checked, ", "))
	}
	for _, u := range r.Unchecked {
		fmt.Fprintf(&b, "Not checked: %s: %s\n", u.What, indent(u.Why, "  "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func indent(text, by string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+by)
}

// longestText bounds what is shown of a text that others wrote, in bytes.
const longestText = 2000

// clean makes a text safe for a terminal, and not too long for it.
func clean(s string) string {
	if len(s) > longestText {
		s = strings.ToValidUTF8(s[:longestText], "") + "..."
	}
	return printable.Lines(s)
}
