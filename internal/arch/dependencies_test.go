package arch

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDependenciesHaveReasons fails when a direct dependency is not named in docs/dependencies.md.
func TestDependenciesHaveReasons(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range direct(string(mod)) {
		if !strings.Contains(string(reasons), "**"+module+"**") {
			t.Errorf("go.mod: %s is a direct dependency: say in docs/dependencies.md why it was taken", module)
		}
	}
}

// direct lists the modules that a go.mod requires and does not mark as indirect.
func direct(mod string) []string {
	var modules []string
	for line := range strings.Lines(mod) {
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(fields) == 2 && strings.HasPrefix(fields[1], "v") {
			modules = append(modules, fields[0])
		}
	}
	return modules
}

func TestDirect(t *testing.T) {
	mod := "module m\n\ngo 1.26\n\nrequire a.org/one v1.0.0\n\nrequire (\n" +
		"\ta.org/two/v2 v2.0.0\n\ta.org/three v0.0.1 // indirect\n)\n"
	if diff := cmp.Diff([]string{"a.org/one", "a.org/two/v2"}, direct(mod)); diff != "" {
		t.Errorf("direct (-want +got):\n%s", diff)
	}
}
