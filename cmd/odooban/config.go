package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"odooban/internal/config"
)

func newConfig(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "config",
		Short: "Check, show or begin a configuration",
	})
	cmd.AddCommand(
		a.jsonFlag(&cobra.Command{
			Use:   "check",
			Short: "Say what is wrong with the configuration",
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
	c, err := a.load()
	if err != nil {
		return err
	}
	set, err := compile(c)
	if err != nil {
		return err
	}
	if _, err := newJail(c, nil); err != nil {
		return err
	}
	path := a.configPath()
	if a.json {
		result := map[string]any{"file": path, "ok": true}
		if slow := set.Slow(); len(slow) > 0 {
			result["slow"] = slow
		}
		return printJSON(cmd.OutOrStdout(), result)
	}
	for _, rule := range set.Slow() {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: its pattern is tried on every line, which is slow; "+
			"let it hold three letters or more that all its lines have\n", rule)
	}
	if path == "" {
		path = "no file, the defaults"
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", path)
	return err
}

// showConfig prints what is in force.
func (a *app) showConfig(cmd *cobra.Command, _ []string) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(cmd.OutOrStdout(), c)
	}
	text, err := c.YAML()
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}
