package testrequire

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorder is a testing.TB that remembers how a test ended instead of ending it.
type recorder struct {
	testing.TB
	ending string
}

func (r *recorder) Helper() {}

func (r *recorder) Skip(args ...any) {
	r.ending = "skip: " + fmt.Sprint(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.ending = "fail: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// ending runs need as a test would and says how it ended; empty when it let the test go on.
func ending(t *testing.T, need func(testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		need(r)
	}()
	<-done
	return r.ending
}

func TestSkip(t *testing.T) {
	tests := []struct {
		name, require, want string
	}{
		{"a developer's machine", "", "skip: no socket"},
		{"CI", "all", "fail: required test cannot run: no socket"},
		{"an unknown value asks for nothing", "some", "skip: no socket"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(Env, tt.require)
			got := ending(t, func(tb testing.TB) { Skip(tb, "no socket") })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ending (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	t.Setenv(Env, "")
	tests := []struct {
		name, program, want string
	}{
		{"package of the same name", "ipset", "skip: needs ipset: apt install ipset"},
		{"package of another name", "nft", "skip: needs nft: apt install nftables"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ending(t, func(tb testing.TB) { Command(tb, tt.program) })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ending (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCommandFound(t *testing.T) {
	program := filepath.Join(t.TempDir(), "ipset")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(program))
	if got := Command(t, "ipset"); got != program {
		t.Errorf("Command(ipset) = %q, want %q", got, program)
	}
}
