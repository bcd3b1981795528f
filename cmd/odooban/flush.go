package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"odooban/banner"
	"odooban/internal/store"
)

func newFlush(a *app) *cobra.Command {
	return a.jsonFlag(&cobra.Command{
		Use:   "flush",
		Short: "End all bans, and take everything of odooban's out of the firewall",
		Long: "flush ends all bans and takes odooban's sets, tables and rules out of the firewall. odooban run must have " +
			"been stopped; when it starts again it begins without bans.",
		Args: usage(cobra.NoArgs),
		RunE: a.asOwner(a.flush),
	})
}

func (a *app) flush(cmd *cobra.Command, _ []string) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	journal, err := store.Open(c.Journal.Path, store.Options{MaxAge: c.Journal.Keep})
	if err != nil {
		return err
	}
	lifted, err := lift(journal, time.Now())
	if closed := journal.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	firewall, err := banner.Open(cmd.Context(), banner.Options{Backend: c.Firewall.Backend, Ports: c.Firewall.Ports})
	if err != nil {
		return err
	}
	if err := errors.Join(firewall.Remove(cmd.Context()), firewall.Close()); err != nil {
		return err
	}
	if a.json {
		return printJSON(cmd.OutOrStdout(), map[string]int{"bans": lifted})
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "ended %d bans; the firewall is as if odooban had never been\n", lifted)
	return err
}

// lift ends all bans in the journal.
func lift(journal *store.Journal, now time.Time) (int, error) {
	bans, err := journal.Bans(now)
	if err != nil {
		return 0, err
	}
	journal.Update(func(tx *store.Tx) {
		for _, b := range bans {
			tx.Lift(b.Prefix, now)
		}
	})
	return len(bans), nil
}
