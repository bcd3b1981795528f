package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"odooban/internal/config"
	"odooban/internal/printable"
	"odooban/internal/store"
)

func newConfig(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "config",
		Short: "Check, show or begin a configuration",
	})
	cmd.AddCommand(
		a.jsonFlag(&cobra.Command{
			Use:   "check",
			Short: "Check the configuration and report all mistakes",
			Args:  usage(cobra.NoArgs),
			RunE:  a.checkConfig,
		}),
		a.jsonFlag(&cobra.Command{
			Use:   "show",
			Short: "Print the configuration that is in force: defaults, file and environment",
			Args:  usage(cobra.NoArgs),
			RunE:  a.showConfig,
		}),
		&cobra.Command{
			Use:     "init",
			Short:   "Print a configuration to begin with",
			Example: "  odooban config init > " + defaultConfig,
			Args:    usage(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := cmd.OutOrStdout().Write(config.Init())
				return err
			},
		},
	)
	return cmd
}

// checkConfig loads the configuration and everything that is made of it.
func (a *app) checkConfig(cmd *cobra.Command, _ []string) error {
	slow, err := a.tryConfig()
	path := a.configPath()
	if a.json {
		result := map[string]any{"file": path, "ok": err == nil}
		if len(slow) > 0 {
			result["slow"] = slow
		}
		if err != nil {
			result["mistakes"] = strings.Split(err.Error(), "\n")
		}
		return errors.Join(printable.JSON(cmd.OutOrStdout(), result), err)
	}
	if err != nil {
		return err
	}
	for _, rule := range slow {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: its pattern is tried on every line, which is slow; "+
			"let it hold three letters or more that all its lines have\n", rule)
	}
	if path == "" {
		path = "no file, the defaults"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", path)
	return err
}

// tryConfig makes all that is made of a configuration, and names the rules in it
// that are slow.
func (a *app) tryConfig() (slow []string, err error) {
	c, err := a.load()
	if err != nil {
		return nil, err
	}
	set, err := compile(c)
	if err != nil {
		return nil, err
	}
	if _, err = newJail(c, nil); err != nil {
		return nil, err
	}
	return set.Slow(), checkJournal(c)
}

// checkJournal says what is wrong with the journal's place, as far as it can be
// seen without the journal.
func checkJournal(c *config.Config) error {
	if err := store.CheckFolder(c.Journal.Path); err != nil {
		return &usageError{fmt.Errorf("journal.path: %w", err)}
	}
	return nil
}

// showConfig prints what is in force.
func (a *app) showConfig(cmd *cobra.Command, _ []string) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	if a.json {
		return printable.JSON(cmd.OutOrStdout(), c)
	}
	text, err := c.YAML()
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}
