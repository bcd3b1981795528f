package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"odooban/internal/config"
	"odooban/internal/control"
	"odooban/internal/printable"
)

// asked gives what came of a question to a command's caller: wrong questions are
// wrong usage.
func asked(err error) error {
	if control.Wrong(err) {
		return &usageError{err}
	}
	return err
}

// client asks the running daemon. A configuration with mistakes is no hindrance: the
// daemon goes by an earlier one, and of it only the socket's path is needed.
func (a *app) client() (*control.Client, error) {
	if a.socket != "" {
		return control.Dial(a.socket), nil
	}
	path := a.configPath()
	if _, err := os.Stat(path); path != "" && errors.Is(err, fs.ErrNotExist) {
		_, err := a.load()
		return nil, err
	}
	return control.Dial(config.Socket(path, os.Environ())), nil
}

// asksFlags gives a command that asks the daemon its flags.
func (a *app) asksFlags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&a.socket, "socket", "", "control socket at `PATH` (default: that of the configuration)")
	_ = cmd.MarkFlagFilename("socket") // there is that flag
	return a.jsonFlag(cmd)
}

// loadWithout loads the configuration to go on without the daemon, which is down.
func (a *app) loadWithout(down error) (*config.Config, error) {
	c, err := a.load()
	if err != nil {
		return nil, fmt.Errorf("%w, and without it the configuration has to be right:\n%w", down, err)
	}
	return c, nil
}

// print prints an answer as JSON, or for people by write.
func (a *app) print(cmd *cobra.Command, answer any, write func(w *tabwriter.Writer)) error {
	if a.json {
		return printable.JSON(cmd.OutOrStdout(), answer)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	write(w)
	return w.Flush()
}
