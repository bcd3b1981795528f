package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"odooban/internal/config"
	"odooban/internal/printable"
	"odooban/rules"
)

func newTest(a *app) *cobra.Command {
	var only string
	cmd := &cobra.Command{
		Use:   "test [LINE]",
		Short: "Show which rule matches a line, and what it reads",
		Long: "test explains a line, or each line of standard input: what kind of record it is, which rule matches, and " +
			"what the rule reads. Several lines are also judged together, as a log: what would not be counted of them says " +
			"why. It fails if no rule matches any line.",
		Example: "  odooban test '2026-11-23 10:45:45,456 28342 INFO db odoo.addons.base.models.res_users: " +
			"Login failed for login:admin from 203.0.113.50 '\n  odooban test --rule my-portal < portal.log",
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.test(cmd, args, only)
		},
	}
	cmd.Flags().StringVar(&only, "rule", "", "try only this `RULE`")
	_ = cmd.RegisterFlagCompletionFunc("rule", a.completeRules) // there is that flag
	return a.jsonFlag(cmd)
}

func (a *app) test(cmd *cobra.Command, args []string, only string) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	if err := keepRule(c, only); err != nil {
		return err
	}
	set, err := compile(c)
	if err != nil {
		return err
	}
	in := cmd.InOrStdin()
	if len(args) == 1 {
		in = strings.NewReader(args[0])
	}
	matched, err := a.explainAll(cmd.OutOrStdout(), in, set)
	if err != nil {
		return err
	}
	if !matched {
		return errors.New("no rule matches")
	}
	return nil
}

// completeRules offers the rules that there are.
func (a *app) completeRules(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	c, err := a.load()
	if err != nil {
		c = config.Default()
	}
	return ruleNames(c), cobra.ShellCompDirectiveNoFileComp
}

// ruleNames are those of all rules, enabled or not.
func ruleNames(c *config.Config) (names []string) {
	for _, j := range c.Jails {
		names = append(names, j.Rule)
	}
	return names
}

// keepRule disables all rules but the one named.
func keepRule(c *config.Config, only string) error {
	if only == "" {
		return nil
	}
	found := false
	for i := range c.Jails {
		c.Jails[i].Enabled = c.Jails[i].Rule == only
		found = found || c.Jails[i].Enabled
	}
	if !found {
		return &usageError{fmt.Errorf("there is no rule %q; there are %s", only, strings.Join(ruleNames(c), ", "))}
	}
	return nil
}

// explainAll explains each line of in, and reports whether a rule matches any.
func (a *app) explainAll(out io.Writer, in io.Reader, set *rules.Set) (matched bool, err error) {
	const mebi = 1 << 20
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, mebi)
	t := newTrial(set, time.Now(), func(e explained) error {
		matched = matched || e.Rule != ""
		if a.json {
			return printable.JSONLine(out, e)
		}
		_, err := io.WriteString(out, describe(e))
		return err
	})
	for lines.Scan() {
		if err := t.line(lines.Bytes()); err != nil {
			return matched, err
		}
	}
	err = lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		err = fmt.Errorf("line %d is longer than a MiB, which is as much as is ever kept of one; leave it out", t.lines+1)
	}
	return matched, errors.Join(t.end(), err)
}

// describe says for people what is known of a line.
func describe(e explained) string {
	var b strings.Builder
	fmt.Fprintln(&b, e.Text)
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-7s %s\n", name, value)
		}
	}
	if !e.Time.IsZero() {
		field("time", e.Time.Format(time.RFC3339Nano))
	}
	field("level", quoted(e.Level))
	field("rule", e.Rule)
	if e.Addr.IsValid() {
		field("addr", e.Addr.String())
	}
	field("user", quoted(e.User))
	field("db", quoted(e.DB))
	field("logger", quoted(e.Logger))
	if r := e.Rejected; r != nil {
		fmt.Fprintf(&b, "  rejected: %s: %s; %s\n", r.Reason, r.Title, r.Cure)
	}
	return b.String()
}

// quoted is what an attacker chose, in quotes where something in it is escaped.
func quoted(s string) string {
	if text := printable.Text(s); text != s {
		return `"` + text + `"`
	}
	return s
}
