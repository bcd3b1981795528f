package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"syscall"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"odooban/internal/service"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// run runs one command and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if said, ok := errors.AsType[*saidError](err); ok {
		return said.code
	}
	text := fmt.Sprintln("odooban:", err)
	if service.ToJournal(stderr) {
		text = service.Prefix(zerolog.ErrorLevel, text)
	}
	fmt.Fprint(stderr, text)
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// usageError is wrong usage or configuration.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// app is what the commands share: the flags of them all.
type app struct {
	config string
	socket string
	json   bool
}

func newRoot() *cobra.Command {
	a := &app{}
	root := group(&cobra.Command{
		Use:   "odooban",
		Short: "Watch Odoo's logs and ban brute-force attackers",
		Long: "odooban follows Odoo's logs, finds who tries passwords, and keeps their addresses away with the kernel's " +
			"packet filter: ten failed logins in a minute, banned for fifteen, unless told otherwise.\n\n" +
			"Commands exit with 0 when it was done, 1 when it failed, and 2 for wrong usage or configuration.",
		Example: "  odooban replay /var/log/odoo/odoo.log   what would have been banned?\n" +
			"  sudo odooban run --dry-run              follow the logs, ban nothing\n" +
			"  sudo odooban run                        follow the logs and ban",
		Version:       version, // for --version
		SilenceErrors: true,
		SilenceUsage:  true,
	})
	root.PersistentFlags().StringVarP(&a.config, "config", "c", "",
		"configuration `FILE` (default $ODOOBAN_CONFIG, or "+defaultConfig+" if it exists)")
	root.PersistentPreRunE = a.checkFlags
	_ = root.MarkPersistentFlagFilename("config", "yaml", "yml") // there is that flag
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(newRun(a), newReplay(a), newStatus(a), newBans(a), newWhy(a), newBan(a), newUnban(a), newFlush(a),
		newReload(a), newTest(a), newDoctor(a), newHealth(a), newConfig(a), newVersion(a))
	root.InitDefaultVersionFlag()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = knownCommand
		case "completion":
			group(cmd)
			for _, shell := range cmd.Commands() {
				shell.Args = usage(cobra.NoArgs)
			}
		}
	}
	return root
}

// checkFlags refuses an empty name: it is that of a variable that is not set, and
// would stand for the usual file.
func (a *app) checkFlags(cmd *cobra.Command, _ []string) error {
	if a.config == "" && cmd.Flags().Changed("config") {
		return &usageError{fmt.Errorf("--config names no file; name one, or leave it out; see %s --help", cmd.CommandPath())}
	}
	return nil
}

// group makes cmd one that only holds others and prints its help: cobra does
// not call it an error when there is no such command.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = noSuchCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.DisableFlagsInUseLine = true
	cmd.SuggestionsMinimumDistance = 2
	return cmd
}

// noSuchCommand takes any argument of a group for a command that there is not.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	path := cmd.CommandPath()
	if names := cmd.SuggestionsFor(args[0]); len(names) > 0 {
		return &usageError{fmt.Errorf("unknown command %q for %s; did you mean %s?", args[0], path, names[0])}
	}
	return &usageError{fmt.Errorf("unknown command %q for %s; see %s --help", args[0], path, path)}
}

// knownCommand checks that help is asked for a command that there is.
func knownCommand(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil {
		return &usageError{err}
	}
	return noSuchCommand(found, rest)
}

// jsonFlag gives a command the --json flag.
func (a *app) jsonFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// completeFiles lets a shell offer files: else it offers none.
func completeFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// usage makes what a check of the number of arguments finds a usage error.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		wrong := "too many arguments"
		if len(args) == 0 {
			wrong = "an argument is missing"
		}
		return &usageError{fmt.Errorf("%s; write: %s; see %s --help", wrong, cmd.UseLine(), cmd.CommandPath())}
	}
}

// named wants files, at least so many, each with a name: an empty one is that of
// a variable that is not set.
func named(least int) cobra.PositionalArgs {
	enough := usage(cobra.MinimumNArgs(least))
	return func(cmd *cobra.Command, files []string) error {
		if slices.Contains(files, "") {
			return &usageError{fmt.Errorf("the name of a file is empty; see %s --help", cmd.CommandPath())}
		}
		return enough(cmd, files)
	}
}
