package odoosim

import (
	_ "embed"
	"slices"
	"strings"
	"testing"
)

// unkept names the scenarios that do not keep their promise today, one a line: what is known
// to be wrong, and is to become less.
//
//go:embed testdata/unkept.txt
var unkept string

// TestPromises holds what rules counts at simulated servers against what happened there. When one breaks:
//
//	go run ./internal/promises -run 'NAME' -v      what went wrong first, with the log around it
func TestPromises(t *testing.T) {
	known := strings.Split(strings.TrimSpace(unkept), "\n")
	for _, s := range Few() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			o := s.Run(0, NewJudge())
			broken := s.Broken(o)
			if slices.Contains(known, s.Name) {
				if len(broken) == 0 {
					t.Error("it keeps its promise by now: take it off testdata/unkept.txt")
				}
				return
			}
			for _, b := range broken {
				t.Error(b)
			}
			if len(broken) > 0 {
				var text strings.Builder
				o.Trace(&text, 1)
				t.Log(text.String())
			}
		})
	}
}
