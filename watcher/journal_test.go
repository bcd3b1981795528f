package watcher

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestJournal(t *testing.T) {
	j := startJournald(t)
	conn := j.open()
	c := newCollector()
	follow(t, j.source(c), c)
	c.awaitLines(t, 1)
	long := strings.Repeat("x", 48<<10)
	write(t, conn, "one \r\n\n<4>two\nbin \xff\x01\nesc \x1b[0m \u2028\nnul\x00rest\n"+long+"tail\n")
	c.awaitLines(t, 9)
	want := []string{"hello", "one", "two", "bin \xff\x01", "esc \x1b[0m \u2028", "nul\x00", "rest", long + "\x00", "tail"}
	if diff := cmp.Diff(want, c.all()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	c.await(t, "settled", func() bool { return slices.Contains(c.settled, 9) })
	if age := time.Since(c.seen[8]); age < 0 || age > time.Minute {
		t.Errorf("the last line was seen %v ago", age)
	}
	if len(c.alarms) > 0 {
		t.Errorf("alarms: %q", c.alarms)
	}
}
