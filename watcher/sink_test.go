package watcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// collector keeps what a source hands on, and lets a test wait for it.
type collector struct {
	mu      sync.Mutex
	changed *sync.Cond
	lines   []string
	seen    []time.Time
	// settled has, for every call of Settled, how many lines came before.
	settled []int
	alarms  []string
	blocked map[string]bool // by source, whether it cannot be read
	// fail is what Line returns.
	fail error
}

func newCollector() *collector {
	c := &collector{blocked: make(map[string]bool)}
	c.changed = sync.NewCond(&c.mu)
	return c
}

func (c *collector) Line(l Line) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, string(l.Text))
	c.seen = append(c.seen, l.Seen)
	c.changed.Broadcast()
	return c.fail
}

func (c *collector) Settled(time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled = append(c.settled, len(c.lines))
	c.changed.Broadcast()
	return nil
}

func (c *collector) alarm(source string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if loss := new(LossError); !errors.As(err, &loss) {
		c.blocked[source] = err != nil
	}
	if err != nil {
		c.alarms = append(c.alarms, err.Error())
	}
	c.changed.Broadcast()
}

// await waits until done holds, which is asked with the collector locked.
func (c *collector) await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !done() {
		if ctx.Err() != nil {
			t.Fatalf("%s did not come; have %d lines, settled %v, alarms %q", what, len(c.lines), c.settled, c.alarms)
		}
		c.changed.Wait()
	}
}

func (c *collector) awaitLines(t *testing.T, n int) {
	t.Helper()
	c.await(t, fmt.Sprintf("line %d", n), func() bool { return len(c.lines) >= n })
}

func (c *collector) awaitAlarm(t *testing.T, text string) {
	t.Helper()
	c.await(t, "alarm "+text, func() bool { return strings.Contains(strings.Join(c.alarms, "\n"), text) })
}

func (c *collector) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.lines...)
}

// follow follows source until the test is over, which fails if that does not
// end or ends with an error.
func follow(t *testing.T, source Source, sink Sink) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- source.Follow(ctx, sink) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Follow: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Follow did not end with its context")
		}
	})
	t.Cleanup(stop)
	return stop
}

var errNoInotify = errors.New("use inotify: too many open files")

// ways are the two ways of noticing that a file has changed.
var ways = []struct {
	name  string
	probe func() error
}{
	{"inotify", probeInotify},
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
