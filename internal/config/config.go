// Package config reads odooban's configuration: a YAML file, and the
// environment, which wins over it.
//
// It promises to be strict and to help. Whatever it does not understand is an
// error that names file and line, or the variable, and says what to write
// instead; all mistakes are reported together. Nothing is guessed, ignored or
// rounded. Without a file and without variables the defaults are in force.
//
// It is the only package that knows viper, which lays the environment over the
// file over the defaults.
package config

import (
	"net/netip"
	"slices"
	"time"

	"odooban/rules"
)

// ruleLogin is the built-in rule that others begin with the jail of.
const ruleLogin = rules.LoginRule

// Config is the whole configuration as it is in force.
type Config struct {
	// Sources are where log lines come from; none means that odooban looks for
	// them itself.
	Sources []Source
	// Rules are the user's own rules, beside the built-in ones.
	Rules []Rule
	// Jails has one jail for each rule, the built-in rules first and then the
	// user's in the order of Rules.
	Jails []Jail
	// Growth is about the bans of repeat offenders.
	Growth Growth
	// Ignore holds prefixes that are never banned, without host bits, IPv4 ones
	// unmapped.
	Ignore []netip.Prefix
	// Proxies holds the prefixes of trusted proxies, in the form of Ignore: what
	// they say about whom they ask for is believed, and they are never banned.
	Proxies []netip.Prefix
	// IPv6Prefix is the length, 32 to 128 bits, of the prefixes that IPv6
	// addresses are counted and banned by.
	IPv6Prefix int
	// NAT64 holds the prefixes that translators on the way put IPv4 addresses into,
	// beside 64:ff9b::/96.
	NAT64    []netip.Prefix
	Firewall Firewall
	Journal  Journal
	// Socket is the absolute path of the control socket.
	Socket  string
	Metrics Metrics
	Log     Log
}

// Source is a place log lines come from. Exactly one of its fields is set.
type Source struct {
	// File is an absolute path, or a glob as of path/filepath.
	File     string    `json:"file,omitempty" yaml:"file,omitempty"`
	Docker   *Docker   `json:"docker,omitempty" yaml:"docker,omitempty"`
	Journald *Journald `json:"journal,omitempty" yaml:"journal,omitempty"`
}

// Docker says which containers' output is followed: those that match all of
// what is set; when nothing is, those that look like Odoo.
type Docker struct {
	// Name and Image are the container's.
	Name  string `json:"name,omitempty" yaml:"name,omitempty"`
	Image string `json:"image,omitempty" yaml:"image,omitempty"`
	// Label is key=value, or a key that may have any value.
	Label string `json:"label,omitempty" yaml:"label,omitempty"`
	// Service is the name of a service of Docker Compose.
	Service string `json:"service,omitempty" yaml:"service,omitempty"`
}

// Journald says which unit's lines are read from systemd's journal.
type Journald struct {
	// Unit is a whole name, like odoo.service.
	Unit string `json:"unit" yaml:"unit"`
}

// Rule says which lines are failures.
type Rule struct {
	// Name is made of small letters, digits and hyphens.
	Name string `json:"name"`
	// Pattern is an RE2 expression with the named group addr, and maybe user
	// and time.
	Pattern string `json:"pattern"`
	// Ignore are RE2 expressions; a line that one of them matches is no failure.
	Ignore []string `json:"ignore"`
}

// Jail says how many failures of a rule are too many.
type Jail struct {
	Rule    string
	Enabled bool
	// MaxRetry failures within FindTime lead to a ban; at least 1.
	MaxRetry int
	// FindTime and BanTime are one second or longer.
	FindTime, BanTime time.Duration
}

// Growth says how much longer the bans of repeat offenders are.
type Growth struct {
	// Factor makes a ban longer for each earlier one; at least 1, which turns
	// growth off.
	Factor int
	// Cap is the longest a ban grows, not less than any BanTime, and Memory how
	// long before a ban earlier ones count.
	Cap, Memory time.Duration
}

// Firewall says how bans are put into force.
type Firewall struct {
	// Backend is auto, ipset, nftables, iptables or dry-run.
	Backend string
	// Ports are what a banned address cannot reach; none means all of them.
	Ports []uint16
}

// Journal says where failures and bans are written down.
type Journal struct {
	// Path is absolute.
	Path string
	// Keep is how long failures and bans are kept, not less than Growth.Memory.
	Keep time.Duration
}

// Metrics says where metrics are served.
type Metrics struct {
	// Listen is host:port, unix: and an absolute path, or empty, which serves
	// none.
	Listen string `json:"listen"`
}

// Log says what odooban writes about itself.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `json:"level"`
	// Format is auto, text or json.
	Format string `json:"format"`
}

// Default returns what is in force when nothing is configured.
func Default() *Config {
	return &Config{
		Jails:      builtIn(),
		Growth:     Growth{Factor: 2, Cap: week, Memory: 30 * day},
		IPv6Prefix: 64,
		Firewall:   Firewall{Backend: "auto", Ports: []uint16{80, 443, 8069, 8072}},
		Journal:    Journal{Path: "/var/lib/odooban/odooban.db", Keep: 30 * day},
		Socket:     "/run/odooban/odooban.sock",
		Log:        Log{Level: "info", Format: "auto"},
	}
}

// builtIn returns the jails of the built-in rules; docs/configuration.md gives
// the reasons for their numbers.
func builtIn() []Jail {
	var jails []Jail
	for _, r := range rules.Builtin() {
		jails = append(jails, Jail{r.Name, true, r.MaxRetry, r.FindTime, r.BanTime})
	}
	return jails
}

// isBuiltIn reports whether a rule is built in.
func isBuiltIn(rule string) bool {
	return slices.ContainsFunc(builtIn(), func(j Jail) bool { return j.Rule == rule })
}

// Load reads the file at path and the variables among environ, "NAME=value" as
// of [os.Environ], whose names begin with ODOOBAN_. Without a path there is no
// file. The error joins all mistakes; it is [fs.ErrNotExist] when the file is
// missing.
func Load(path string, environ []string) (*Config, error) {
	if path == "" {
		return parse("", nil, environ)
	}
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, data, environ)
}

// parse turns a file's content and the environment into a configuration.
func parse(file string, data []byte, environ []string) (*Config, error) {
	m := newMistakes(file)
	doc, err := layer(readDocument(m, data), readVariables(m, environ), m)
	if err != nil {
		return nil, err
	}
	config := build(m, doc)
	if err := m.err(); err != nil {
		return nil, err
	}
	return config, nil
}
