package tailfile

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"odooban/watcher/tailing"
)

var errNoInotify = errors.New("use inotify: too many open files")

// ways are the two ways of noticing that a file has changed.
var ways = []struct {
	name  string
	probe func() error
}{
	{"inotify", tailing.Probe},
	{"polling", func() error { return errNoInotify }},
}

func openAppend(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := openToAppend(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// numbers reads the numbers out of what logFile wrote.
func numbers(t *testing.T, lines []string) []int {
	t.Helper()
	var got []int
	for _, line := range lines {
		var n int
		if _, err := fmt.Sscanf(line, "2026-11-23 10:00:00,000 17 INFO db odoo: line %d", &n); err != nil {
			t.Errorf("line is not whole: %q", line)
		}
		got = append(got, n)
	}
	return got
}
