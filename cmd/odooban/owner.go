package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"odooban/internal/config"
)

// asOwner does what opens the journal. When root runs the command and the service
// has a user of its own, the whole command is run again as that one, with rights:
// root could open the file as well, but its owner may have put a link to another
// in its place.
func asOwner(cmd *cobra.Command, c *config.Config, rights []uintptr, do func() error) error {
	owner := journalOwner(c)
	if os.Geteuid() != 0 || owner == nil || owner.Uid == 0 {
		return do()
	}
	// Everybody may run what this link leads to, wherever it is.
	again := exec.CommandContext(cmd.Context(), "/proc/self/exe")
	again.Args = os.Args
	again.SysProcAttr = &syscall.SysProcAttr{Credential: owner, AmbientCaps: rights}
	again.Stdin, again.Stdout, again.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	err := again.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return &saidError{exit, exit.ExitCode()}
	}
	if err != nil {
		err = fmt.Errorf("become user %d, whom the journal belongs to: %w; do this as that user", owner.Uid, err)
	}
	return err
}

// journalOwner is whom the folder of the journal belongs to, or nil where there
// is none.
func journalOwner(c *config.Config) *syscall.Credential {
	info, err := os.Stat(filepath.Dir(c.Journal.Path))
	if err != nil {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
}

// mayChange says whether the journal is ours to write, or to begin.
func mayChange(c *config.Config) bool {
	owner := journalOwner(c)
	return owner != nil && int(owner.Uid) == os.Geteuid()
}

// saidError is one that another odooban has told already.
type saidError struct {
	error
	code int
}
