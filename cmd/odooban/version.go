package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"odooban/internal/printable"
)

// version is set by the build, see scripts/version.
var version = "unknown"

func newVersion(a *app) *cobra.Command {
	return a.jsonFlag(&cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if a.json {
				return printable.JSON(cmd.OutOrStdout(), map[string]string{
					"version": version, "go": runtime.Version(), "platform": platform,
				})
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "odooban %s (%s, %s)\n", version, runtime.Version(), platform)
			return err
		},
	})
}
