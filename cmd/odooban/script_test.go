package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"odooban": main})
}

// TestScripts runs the command line as people do. Besides testscript's own
// commands the scripts have those below; $LOGS holds the captures.
func TestScripts(t *testing.T) {
	logs, err := filepath.Abs("../../testdata/logs")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("LOGS", logs)
			// Containers and the odooban of this machine are none of ours.
			env.Setenv("DOCKER_HOST", "unix://"+filepath.Join(env.WorkDir, "docker.sock"))
			env.Setenv("ODOOBAN_SOCKET", filepath.Join(env.WorkDir, "none.sock"))
			// A program built to detect races sleeps a second before it exits.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "holds": holds, "now": now, "unprivileged": unprivileged,
		},
		Condition: func(string) (bool, error) {
			// The only condition is default-log: one that run would find by itself.
			return slices.ContainsFunc(defaultSources(), func(pattern string) bool {
				found, _ := filepath.Glob(pattern)
				return len(found) > 0
			}), nil
		},
		RequireUniqueNames: true,
	})
}

// exits N COMMAND... runs a command that must end with exit code N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N COMMAND...")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		code = exit.ExitCode()
	}
	if want, err := strconv.Atoi(args[0]); err != nil || code != want {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// holds FILE compares standard output with a JSON document: each key of an
// object in FILE must be there with that value, arrays must be as long.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: holds FILE")
	}
	var want, got any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &want))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &got))
	if differences := differ("", want, got); len(differences) > 0 {
		ts.Fatalf("standard output is not as in %s:\n%s", args[0], strings.Join(differences, "\n"))
	}
}

// differ lists where got is not as want.
func differ(at string, want, got any) (differences []string) {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			for _, key := range slices.Sorted(maps.Keys(want)) {
				differences = append(differences, differ(at+"."+key, want[key], got[key])...)
			}
			return differences
		}
	case []any:
		if got, ok := got.([]any); ok && len(got) == len(want) {
			for i := range want {
				differences = append(differences, differ(fmt.Sprintf("%s[%d]", at, i), want[i], got[i])...)
			}
			return differences
		}
	default:
		if got == want {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: want %v, got %v", at, want, got)}
}

// now FILE... replaces each {-30s} with the time so long ago, as Odoo writes it.
func now(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! now")
	}
	placeholder := regexp.MustCompile(`\{-[0-9a-z]+\}`)
	for _, file := range args {
		text := placeholder.ReplaceAllStringFunc(ts.ReadFile(file), func(s string) string {
			ago, err := time.ParseDuration(s[1 : len(s)-1])
			ts.Check(err)
			return time.Now().UTC().Add(ago).Format("2006-01-02 15:04:05,000")
		})
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
}

// unprivileged odooban ARGS... runs odooban as nobody; it must fail. As
// somebody else than root, it runs odooban as the one who runs the tests.
func unprivileged(ts *testscript.TestScript, neg bool, args []string) {
	if !neg || len(args) == 0 {
		ts.Fatalf("usage: ! unprivileged odooban ARGS...")
	}
	const nobody = 65534
	// Everybody may run what this link leads to, wherever it is.
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: args, Dir: "/", Stdout: ts.Stdout(), Stderr: ts.Stderr()}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	if cmd.Run() == nil {
		ts.Fatalf("unexpected success")
	}
}

// The differences that holds finds are what the scripts rest on.
func TestDiffer(t *testing.T) {
	tests := []struct {
		name      string
		want, got string
		differ    bool
	}{
		{"more keys", `{"a":1}`, `{"a":1,"b":2}`, false},
		{"no such key", `{"a":1}`, `{"b":1}`, true},
		{"another value", `{"a":[{"b":1}]}`, `{"a":[{"b":2}]}`, true},
		{"a longer array", `[1]`, `[1,2]`, true},
		{"an empty array", `[]`, `[1]`, true},
		{"null is no array", `[]`, `null`, true},
		{"another type", `{"a":"1"}`, `{"a":1}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var want, got any
			if err := errors.Join(json.Unmarshal([]byte(tt.want), &want), json.Unmarshal([]byte(tt.got), &got)); err != nil {
				t.Fatal(err)
			}
			if d := differ("", want, got); (len(d) > 0) != tt.differ {
				t.Errorf("differences: %q", d)
			}
		})
	}
}
