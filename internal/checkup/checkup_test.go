package checkup

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/finding"
)

// Each fact is gathered once, before the first check that needs it; what could not
// be gathered is told, and the check goes by the rest.
func TestExamine(t *testing.T) {
	var order []string
	gather := func(name string, err error) Gather[string] {
		return func(context.Context, string, *Report) error {
			order = append(order, name)
			return err
		}
	}
	facts := map[string]Gather[string]{"a": gather("a", nil), "b": gather("b", errors.New("no right"))}
	look := func(code string) func(string, *Report) {
		return func(facts string, r *Report) { r.Find(code, facts, "seen", "") }
	}
	r := Examine(t.Context(), "x", facts, []Check[string]{
		{Name: "one", Needs: []string{"a"}, Look: look(finding.DryRun)},
		{Name: "two", Needs: []string{"b", "a"}, Look: look(finding.NoSource)},
		{Name: "three", Needs: []string{"b"}, Look: look(finding.NoSource)},
	})
	if diff := cmp.Diff([]string{"a", "b"}, order); diff != "" {
		t.Errorf("gathered (-want +got):\n%s", diff)
	}
	var codes []string
	for _, f := range r.Findings {
		codes = append(codes, f.Code)
	}
	if diff := cmp.Diff([]string{finding.NoSource, finding.DryRun}, codes); diff != "" {
		t.Errorf("found, errors first and nothing twice (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one"}, r.Checked); diff != "" {
		t.Errorf("checked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Unchecked{{"two", "no right"}, {"three", "no right"}}, r.Unchecked); diff != "" {
		t.Errorf("unchecked (-want +got):\n%s", diff)
	}
}

// What stands in a log cannot move the cursor, and a paragraph stays one.
func TestTextIsSafeForTerminals(t *testing.T) {
	var r Report
	r.Find(finding.NotOdoo, "a\x1b[2Jb\u202e", "first\nsecond\r\x07", "")
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	want := "WARNING: " + finding.Of(finding.NotOdoo).Title + ` (a\x1b[2Jb\u202e) [not-odoo]
  seen: first
        second\r\a
`
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("got:\n%q", out.String())
	}
}

func TestTextIsBounded(t *testing.T) {
	if got := clean(strings.Repeat("é", longestText)); got != strings.Repeat("é", longestText/2)+"..." {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}
