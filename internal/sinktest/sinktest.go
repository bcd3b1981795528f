// Package sinktest has a sink that lets a test wait for what a source hands on.
package sinktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"odooban/watcher"
)

// Collector keeps what a source hands on, and lets a test wait for it.
type Collector struct {
	Mu      sync.Mutex
	Changed *sync.Cond
	Lines   []string
	Seen    []time.Time
	// SettledAt has, for every call of Settled, how many lines came before.
	SettledAt []int
	Alarms    []string
	Blocked   map[string]bool // by source, whether it cannot be read
	// Fail is what Line returns.
	Fail error
}

// New returns an empty Collector.
func New() *Collector {
	c := &Collector{Blocked: make(map[string]bool)}
	c.Changed = sync.NewCond(&c.Mu)
	return c
}

// Line keeps a line.
func (c *Collector) Line(l watcher.Line) error {
	c.Mu.Lock()
	defer c.Mu.Unlock()
	c.Lines = append(c.Lines, string(l.Text))
	c.Seen = append(c.Seen, l.Seen)
	c.Changed.Broadcast()
	return c.Fail
}

// Settled keeps that the source settled.
func (c *Collector) Settled(time.Time) error {
	c.Mu.Lock()
	defer c.Mu.Unlock()
	c.SettledAt = append(c.SettledAt, len(c.Lines))
	c.Changed.Broadcast()
	return nil
}

// Alarm keeps what is told. It is a watcher.Alarm.
func (c *Collector) Alarm(source string, err error) {
	c.Mu.Lock()
	defer c.Mu.Unlock()
	if loss := new(watcher.LossError); !errors.As(err, &loss) {
		c.Blocked[source] = err != nil
	}
	if err != nil {
		c.Alarms = append(c.Alarms, err.Error())
	}
	c.Changed.Broadcast()
}

// Await waits until done holds, which is asked with the Collector locked.
func (c *Collector) Await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		c.Mu.Lock()
		defer c.Mu.Unlock()
		c.Changed.Broadcast()
	})()
	c.Mu.Lock()
	defer c.Mu.Unlock()
	for !done() {
		if ctx.Err() != nil {
			t.Fatalf("%s did not come; have %d lines, settled %v, alarms %q", what, len(c.Lines), c.SettledAt, c.Alarms)
		}
		c.Changed.Wait()
	}
}

// AwaitLines waits for n lines.
func (c *Collector) AwaitLines(t *testing.T, n int) {
	t.Helper()
	c.Await(t, fmt.Sprintf("line %d", n), func() bool { return len(c.Lines) >= n })
}

// AwaitAlarm waits for an alarm that has text.
func (c *Collector) AwaitAlarm(t *testing.T, text string) {
	t.Helper()
	c.Await(t, "alarm "+text, func() bool { return strings.Contains(strings.Join(c.Alarms, "\n"), text) })
}

// All gives the lines so far.
func (c *Collector) All() []string {
	c.Mu.Lock()
	defer c.Mu.Unlock()
	return append([]string(nil), c.Lines...)
}

// Follow follows source until the test is over, which fails if that does not
// end or ends with an error.
func Follow(t *testing.T, source watcher.Source, sink watcher.Sink) (stop func()) {
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
