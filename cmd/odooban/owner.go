package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// asOwner runs the command again as the user whom the journal belongs to, when
// root runs it and the service has a user of its own. Root could open the file
// as well, but its owner may have put a link to another in its place.
func (a *app) asOwner(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.load()
		if err != nil {
			return err
		}
		info, err := os.Stat(filepath.Dir(c.Journal.Path))
		if err != nil || os.Geteuid() != 0 {
			return run(cmd, args)
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		if !ok || owner.Uid == 0 {
			return run(cmd, args)
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		again := commandAs(cmd.Context(), owner.Uid, owner.Gid, self, os.Args[1:])
		again.Stdin, again.Stdout, again.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
		err = again.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return &saidError{exit, exit.ExitCode()}
		}
		return err
	}
}

// saidError is one that another odooban has told already.
type saidError struct {
	error
	code int
}

// commandAs is a program run by another user with what the firewall needs.
func commandAs(ctx context.Context, user, group uint32, path string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // our own program and arguments
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: user, Gid: group},
		AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW},
	}
	return cmd
}
