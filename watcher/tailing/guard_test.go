package tailing

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/nxadm/tail/util"
	"github.com/nxadm/tail/watch"

	"odooban/internal/await"
)

// TestGuard lets every stat of a tail fail, after which nxadm/tail means to end
// the process.
func TestGuard(t *testing.T) {
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, poll := range []bool{false, true} {
		t.Run(fmt.Sprintf("polling %v", poll), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "log")
			check(os.Mkdir(dir, 0o755))
			path := filepath.Join(dir, "odoo.log")
			log, err := os.Create(path)
			check(err)
			defer log.Close()
			log.WriteString("one\n") // what is written before it watches it may not notice
			tail, err := tailName(path, 0, poll)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if t.Failed() {
					t.Log(stacks())
				}
			}()
			<-tail.Lines()
			await.Until(t, "the watch", func() bool { return strings.Contains(stacks(), "ChangeEvents.func1") })
			check(os.Rename(dir, dir+"2"))
			check(os.WriteFile(dir, nil, 0o644)) // "not a directory" is not "not exist"
			log.WriteString("two\n")
			await.Until(t, "the end of the watch", func() bool {
				return !strings.Contains(stacks(), "ChangeEvents.func1") && (tail.poll || watch.Events(path) == nil)
			})
			if err := tail.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestGuardEndsTheGoroutine wants no other way out of util.Fatal.
func TestGuardEndsTheGoroutine(t *testing.T) {
	fatal()
	done := make(chan struct{})
	go func() {
		defer close(done)
		util.Fatal("no reason")
		t.Error("util.Fatal returned")
	}()
	<-done
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
