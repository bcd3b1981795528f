package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odooban/internal/testrequire"
)

// onStage prepares for the demo; what it leaves behind fails the test.
func onStage(t *testing.T) {
	t.Helper()
	testrequire.Root(t)
	for _, program := range []string{"go", "iptables", "ip6tables"} {
		testrequire.Command(t, program)
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		if left, err := filepath.Glob(filepath.Join(dir, "odooban-demo-*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		for _, process := range running(t, dir) {
			t.Errorf("still running: process %s", process)
		}
	})
}

// running lists the processes whose program lies under dir.
func running(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, exe := range all {
		if program, err := os.Readlink(exe); err == nil && strings.HasPrefix(program, dir) {
			found = append(found, filepath.Base(filepath.Dir(exe)))
		}
	}
	return found
}

func TestDemo(t *testing.T) {
	onStage(t)
	var out bytes.Buffer
	err := show(t.Context(), &out, false)
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines > 40 {
		t.Errorf("%d lines are more than a screen", lines)
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > 120 {
			t.Errorf("%d columns are too many: %s", len(line), line)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colours, but not on a terminal")
	}
}

// interrupter interrupts when the demo comes to a certain point.
type interrupter struct {
	at   string
	stop context.CancelFunc
}

func (i interrupter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(i.at)) {
		i.stop()
	}
	return len(p), nil
}

func TestInterruptedDemoCleansUp(t *testing.T) {
	for _, at := range []string{"Building", "keeps the connection", "refuses", "killed"} {
		t.Run(at, func(t *testing.T) {
			onStage(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if err := show(ctx, interrupter{at, cancel}, true); !errors.Is(err, context.Canceled) {
				t.Errorf("error: %v", err)
			}
		})
	}
}
