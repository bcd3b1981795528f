package finding

import (
	"os"
	"strings"
	"testing"
)

// Each code is there once, complete, and has its chapter in docs/doctor.md.
func TestKinds(t *testing.T) {
	text, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	var chapters []string
	for line := range strings.Lines(string(text)) {
		if code, ok := strings.CutPrefix(line, "### "); ok {
			chapters = append(chapters, strings.TrimSpace(code))
		}
	}
	var codes []string
	for _, k := range Kinds() {
		codes = append(codes, k.Code)
		if k.Severity != Error && k.Severity != Warning || k.Title == "" || k.Cure == "" {
			t.Errorf("incomplete: %+v", k)
		}
	}
	if got, want := strings.Join(chapters, "\n"), strings.Join(codes, "\n"); got != want {
		t.Errorf("chapters of docs/doctor.md:\n%s\n\ncodes:\n%s", got, want)
	}
}

func TestUnknownCode(t *testing.T) {
	if k := Of("nope"); k != (Kind{Code: "nope", Severity: Error}) {
		t.Errorf("%+v", k)
	}
}
