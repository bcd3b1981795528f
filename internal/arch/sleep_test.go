package arch

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestSleepsOnlyInBubbles fails when a test sleeps on the real clock: it would be slow, or right only on a fast machine.
func TestSleepsOnlyInBubbles(t *testing.T) {
	files, err := sleepers(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Errorf("%s: sleeps without testing/synctest: wait for the event, or use a bubble", file)
	}
}

// sleepers lists the test files that sleep and do not know testing/synctest.
func sleepers(tree fs.FS) ([]string, error) {
	const sleep = "time." + "Sleep(" // in two pieces, so that this file is not found
	var files []string
	err := eachFile(tree, "_test.go", func(name string) error {
		src, err := fs.ReadFile(tree, name)
		if strings.Contains(string(src), sleep) && !strings.Contains(string(src), `"testing/synctest"`) {
			files = append(files, name)
		}
		return err
	})
	return files, err
}

func TestSleepers(t *testing.T) {
	call := "time." + "Sleep(1)\n"
	tree := fstest.MapFS{
		"a/bubble_test.go": {Data: []byte("import \"testing/synctest\"\n" + call)},
		"a/real_test.go":   {Data: []byte("import \"testing\"\n" + call)},
		"a/quiet_test.go":  {Data: []byte("import \"testing\"\n")},
	}
	got, err := sleepers(tree)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/real_test.go"}, got); diff != "" {
		t.Errorf("sleepers (-want +got):\n%s", diff)
	}
}
