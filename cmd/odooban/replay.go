package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"odooban/internal/own"
	"odooban/internal/printable"
	"odooban/internal/replay"
	"odooban/rules"
)

func newReplay(a *app) *cobra.Command {
	var failures bool
	cmd := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Say what would have been banned, from old logs",
		Long: "replay reads old logs, plain or compressed by gzip, and says who failed to log in, and who would have been " +
			"banned. It touches nothing and needs no rights but to read the files. The files are taken in the order of " +
			"their times, so that rotated pieces fit together; \"-\" is standard input.",
		Example:           "  odooban replay /var/log/odoo/odoo.log*\n  docker logs odoo 2>&1 | odooban replay -",
		Args:              named(1),
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, files []string) error {
			return a.replay(cmd, files, failures)
		},
	}
	cmd.Flags().BoolVar(&failures, "failures", false,
		"print each failure as a JSON object instead of a report, and what is not counted with the reason")
	return a.jsonFlag(cmd)
}

func (a *app) replay(cmd *cobra.Command, files []string, failures bool) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	set, err := compile(c)
	if err != nil {
		return err
	}
	// The other addresses of the host that the logs come from are not known.
	j, err := newJail(c, asIgnored(own.Loopback()))
	if err != nil {
		return err
	}
	logs, err := openLogs(files, cmd.InOrStdin(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	var each func(rules.Rejection) error
	if failures {
		each = printFailure(cmd.OutOrStdout())
	}
	done := showProgress(cmd.Context(), cmd.ErrOrStderr(), logs)
	report, err := replay.Run(cmd.Context(), logs, set, j, each)
	done()
	if failures {
		if n := report.Untold(); n > 0 && err == nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "odooban: %s that are not counted were left out here; --json counts them\n",
				printable.Count(n, "line"))
		}
		return err
	}
	if a.json {
		return errors.Join(printable.JSON(cmd.OutOrStdout(), report), err)
	}
	return errors.Join(report.WriteTable(cmd.OutOrStdout()), err)
}

// openLogs prepares the logs named, each once: one that two patterns of a shell
// match, or a link to one, would count twice. So would one beside what was
// compressed of it, which it says on w.
func openLogs(files []string, stdin io.Reader, w io.Writer) ([]*replay.Log, error) {
	var logs []*replay.Log
	var errs []error
	var known []os.FileInfo
	for _, path := range files {
		if path == "-" {
			if !slices.ContainsFunc(logs, func(l *replay.Log) bool { return l.Name() == standardInput }) {
				logs = append(logs, replay.NewLog(standardInput, stdin, time.Now()))
			}
			continue
		}
		if plain, ok := strings.CutSuffix(path, ".gz"); ok && slices.Contains(files, plain) {
			fmt.Fprintf(w, "odooban: %s is left out, because %s is read\n", path, plain)
			continue
		}
		info, err := os.Stat(path)
		if err == nil && slices.ContainsFunc(known, func(other os.FileInfo) bool { return os.SameFile(info, other) }) {
			continue
		}
		known = append(known, info)
		log, err := replay.OpenLog(path)
		errs, logs = append(errs, err), append(logs, log)
	}
	return logs, errors.Join(errs...)
}

const standardInput = "standard input"

// printFailure prints failures, and what is not counted, as JSON, one a line.
func printFailure(w io.Writer) func(rules.Rejection) error {
	return func(f rules.Rejection) error {
		line := struct {
			Time     time.Time    `json:"time"`
			Addr     string       `json:"addr"`
			User     string       `json:"user"`
			DB       string       `json:"db"`
			Rule     string       `json:"rule"`
			Rejected rules.Reason `json:"rejected,omitempty"`
			By       netip.Addr   `json:"by,omitzero"`
		}{Time: f.Time, User: f.User, DB: f.DB, Rule: f.Rule, Rejected: f.Reason, By: f.By}
		if f.Addr.IsValid() {
			line.Addr = f.Addr.String()
		}
		return printable.JSONLine(w, line)
	}
}

// showProgress shows on a terminal how far the logs have been read, until the
// function that it returns is called.
func showProgress(ctx context.Context, w io.Writer, logs []*replay.Log) (done func()) {
	if !isTerminal(w) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				fmt.Fprint(w, "\r\x1b[K")
				return
			case <-tick.C:
				fmt.Fprintf(w, "\r\x1b[K%s", progress(logs))
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// progress says how far the logs have been read.
func progress(logs []*replay.Log) string {
	var read, total int64
	for _, log := range logs {
		r, t := log.Progress()
		read, total = read+r, total+t
	}
	const mebi = 1 << 20
	if total == 0 {
		return fmt.Sprintf("read %d MiB", read/mebi)
	}
	return fmt.Sprintf("read %d of %d MiB, %d %%", read/mebi, total/mebi, 100*read/total)
}
