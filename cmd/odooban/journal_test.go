package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Where standard error is systemd's journal people read text, with its priority.
func TestJournalHasPriorities(t *testing.T) {
	log := newOdooLog(t)
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	info, err := stderr.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no inode")
	}
	stream := fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, stat.Ino)
	for _, stdin := range []string{"-", t.TempDir()} {
		cmd := &exec.Cmd{
			Path: "/proc/self/exe", Args: []string{"odooban", "run", "--dry-run", stdin}, Stdin: strings.NewReader(""),
			Stderr: stderr, Env: append(os.Environ(), stream, "GORACE=atexit_sleep_ms=0", "ODOOBAN_SOCKET="+log.file.Name()+".sock"),
		}
		if err := cmd.Run(); (err == nil) != (stdin == "-") {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(stderr.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<6>banning nothing: this is a dry run\n", "\n<3>odooban: run "} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}
