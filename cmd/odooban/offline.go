package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"odooban/banner"
	"odooban/internal/config"
	"odooban/internal/control"
	"odooban/internal/doctor"
	"odooban/internal/engine"
	"odooban/internal/store"
)

// record answers from the journal, as the user whom it belongs to, when there is
// no daemon to ask; down is what asking it has said.
func (a *app) record(cmd *cobra.Command, down error, ask func(*control.Record) error) error {
	c, err := a.loadWithout(down)
	if err != nil {
		return err
	}
	return asOwner(cmd, c, nil, func() error { return readRecord(cmd, c, down, ask) })
}

func readRecord(cmd *cobra.Command, c *config.Config, down error, ask func(*control.Record) error) error {
	journal, err := store.Read(c.Journal.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w, and there is no journal at %s; start it: %s", down, c.Journal.Path, doctor.StartCure())
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w, and its journal cannot be read: %w", down, err)
	case err != nil:
		return fmt.Errorf("%w, and its journal cannot be read: %w; name the right one under journal.path", down, err)
	}
	defer func() { _ = journal.Close() }() // nothing was written
	fmt.Fprintf(cmd.ErrOrStderr(), "%v; its journal, %s, says:\n", down, c.Journal.Path)
	j, err := newJail(c, nil)
	if err != nil {
		return err
	}
	return asked(ask(&control.Record{Journal: journal, Key: j.Key}))
}

// office is where changes are asked for: a running daemon, or a desk of our own.
type office interface {
	Ban(ctx context.Context, o control.Order) (control.Banned, error)
	Unban(ctx context.Context, prefix string) (control.Unbanned, error)
	Flush(ctx context.Context) (control.Flushed, error)
}

var (
	_ office = (*control.Client)(nil)
	_ office = (*control.Desk)(nil)
)

// change asks the daemon for a change, or where none runs makes it in the
// firewall and the journal, as the user whom the journal belongs to.
func (a *app) change(ask func(*cobra.Command, office, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		daemon, err := a.client()
		if err != nil {
			return err
		}
		down := ask(cmd, daemon, args)
		if !errors.Is(down, control.ErrDown) {
			return asked(down)
		}
		c, err := a.loadWithout(down)
		if err != nil {
			return err
		}
		if c.Firewall.Backend == banner.BackendDryRun {
			return fmt.Errorf("%w, and firewall.backend is dry-run, so nobody is banned: start it, or choose another backend",
				down)
		}
		if os.Geteuid() != 0 && !mayChange(c) {
			return fmt.Errorf("%w; to do it without, use sudo", down)
		}
		firewall := []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW}
		return asOwner(cmd, c, firewall, func() error {
			fmt.Fprintf(cmd.ErrOrStderr(), "%v; this is done in the firewall and the journal\n", down)
			return a.alone(cmd, c, func(d *control.Desk) error { return asked(ask(cmd, d, args)) })
		})
	}
}

// alone makes a desk without a daemon.
func (a *app) alone(cmd *cobra.Command, c *config.Config, do func(*control.Desk) error) error {
	log := newLogbook(config.Log{Level: "warn", Format: c.Log.Format}, cmd.ErrOrStderr())
	d := &daemon{app: a, log: log}
	if err := d.open(cmd.Context(), c); err != nil {
		return err
	}
	defer d.close()
	j, err := newJail(c, ownNetworks(log))
	if err != nil {
		return err
	}
	e := engine.New(j, d.firewall, log)
	if err := e.Restore(cmd.Context(), d.journal, time.Now()); err != nil {
		return err
	}
	return do(d.desk(c, e))
}
