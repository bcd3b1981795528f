package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"odooban/internal/config"
	"odooban/internal/jail"
	"odooban/rules"
)

// defaultConfig is where the configuration is looked for.
const defaultConfig = "/etc/odooban/odooban.yaml"

// configPath is the file to read, or empty where there is none to read.
func (a *app) configPath() string {
	if a.config != "" {
		return a.config
	}
	if path := os.Getenv("ODOOBAN_CONFIG"); path != "" {
		return path
	}
	return existing(defaultConfig)
}

// existing is path, or empty where nothing is there. What may not be looked at is
// something: reading it says why, where defaults would leave out what it says.
func existing(path string) string {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// load reads the configuration.
func (a *app) load() (*config.Config, error) {
	c, err := config.Load(a.configPath(), os.Environ())
	if err != nil {
		return nil, &usageError{err}
	}
	return c, nil
}

// compile makes the rules whose jails are enabled ready.
func compile(c *config.Config) (*rules.Set, error) {
	enabled := make(map[string]bool)
	for _, j := range c.Jails {
		enabled[j.Rule] = j.Enabled
	}
	var builtin []string
	for _, name := range rules.BuiltIn() {
		if enabled[name] {
			builtin = append(builtin, name)
		}
	}
	var user []rules.UserRule
	for _, r := range c.Rules {
		if enabled[r.Name] {
			user = append(user, rules.UserRule{Name: r.Name, Pattern: r.Pattern, Ignore: r.Ignore})
		}
	}
	set, err := rules.Compile(builtin, user, c.Proxies...)
	if err != nil {
		return nil, &usageError{err}
	}
	return set, nil
}

// newJail makes the jail of the enabled policies. own are networks to leave
// alone besides those configured.
func newJail(c *config.Config, own []jail.Ignored) (*jail.Jail, error) {
	options := jail.Options{
		IPv6Prefix: c.IPv6Prefix, NAT64: c.NAT64, Ignore: neverBanned(c, own), Growth: jail.Growth(c.Growth),
	}
	for _, j := range c.Jails {
		if j.Enabled {
			options.Policies = append(options.Policies, jail.Policy{
				Rule: j.Rule, MaxRetry: j.MaxRetry, FindTime: j.FindTime, BanTime: j.BanTime,
			})
		}
	}
	made, err := jail.New(options)
	if err != nil {
		return nil, &usageError{fmt.Errorf("set up jails: %w", err)}
	}
	return made, nil
}

// neverBanned adds what is configured to networks of our own.
func neverBanned(c *config.Config, own []jail.Ignored) []jail.Ignored {
	all := slices.Clone(own)
	for _, prefix := range c.Ignore {
		all = append(all, jail.Ignored{Prefix: prefix, Why: "configured under ignore"})
	}
	for _, prefix := range c.Proxies {
		all = append(all, jail.Ignored{Prefix: prefix, Why: "configured under proxies"})
	}
	return all
}
