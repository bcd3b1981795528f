package config

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// mine is the number of the user's own jail in envFile's.
var mine = len(builtIn())

// envFile is the file that the variables win over.
const envFile = `
sources: [{file: /file.log}]
rules:
  - {name: my-portal, pattern: 'from (?P<addr>\S+)$'}
jails:
  - {rule: odoo-login, maxretry: 5, bantime: 1h}
log: {level: error}
`

func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name    string
		environ []string
		change  func(*Config)
	}{
		// Compose's ${NAME:-} makes empty variables of unset ones.
		{"empty", []string{"ODOOBAN_LOG_LEVEL=", "ODOOBAN_SOURCES= ", "ODOOBAN_JAILS_ODOO_LOGIN_BANTIME="}, func(*Config) {}},
		{"not ours", []string{"HOME=/root", "ODOOBAN_CONFIG=/x", "ODOOBAN_TEST_REQUIRE=all", "odd"}, func(*Config) {}},
		{"text", []string{"ODOOBAN_LOG_LEVEL=debug", "ODOOBAN_LOG_FORMAT=json"}, func(c *Config) {
			c.Log = Log{Level: "debug", Format: "json"}
		}},
		{"number", []string{"ODOOBAN_IPV6_PREFIX=48"}, func(c *Config) { c.IPv6Prefix = 48 }},
		{"growth and journal", []string{
			"ODOOBAN_GROWTH_FACTOR=3", "ODOOBAN_GROWTH_CAP=2w", "ODOOBAN_GROWTH_MEMORY=60d",
			"ODOOBAN_JOURNAL_PATH=/data/odooban.db", "ODOOBAN_JOURNAL_KEEP=90d",
		}, func(c *Config) {
			c.Growth = Growth{Factor: 3, Cap: 14 * 24 * time.Hour, Memory: 60 * 24 * time.Hour}
			c.Journal = Journal{Path: "/data/odooban.db", Keep: 90 * 24 * time.Hour}
		}},
		{"words", []string{"ODOOBAN_IGNORE=198.51.100.0/24, ::1", "ODOOBAN_FIREWALL_PORTS=80,443"}, func(c *Config) {
			c.Ignore = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("::1/128")}
			c.Firewall.Ports = []uint16{80, 443}
		}},
		{"words as YAML", []string{"ODOOBAN_FIREWALL_PORTS=[]", "ODOOBAN_IGNORE=- 203.0.113.7"}, func(c *Config) {
			c.Ignore = []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32")}
			c.Firewall.Ports = nil
		}},
		{"files", []string{"ODOOBAN_SOURCES=/var/log/odoo/*.log,/x.log"}, func(c *Config) {
			c.Sources = []Source{{File: "/var/log/odoo/*.log"}, {File: "/x.log"}}
		}},
		{"sources as YAML", []string{"ODOOBAN_SOURCES=[{file: '/a,b.log'}]"}, func(c *Config) {
			c.Sources = []Source{{File: "/a,b.log"}}
		}},
		{"sources that are no files", []string{"ODOOBAN_SOURCES=[docker: {service: odoo}, journal: {unit: odoo.service}]"}, func(c *Config) {
			c.Sources = []Source{{Docker: &Docker{Service: "odoo"}}, {Journald: &Journald{Unit: "odoo.service"}}}
		}},
		{"proxies, socket and metrics", []string{
			"ODOOBAN_PROXIES=192.0.2.1,2001:db8::/64", "ODOOBAN_SOCKET=/data/odooban.sock", "ODOOBAN_METRICS_LISTEN=127.0.0.1:9118",
		}, func(c *Config) {
			c.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/64")}
			c.Socket, c.Metrics.Listen = "/data/odooban.sock", "127.0.0.1:9118"
		}},
		{"rules", []string{`ODOOBAN_RULES=[{name: my-api, pattern: 'by (?P<addr>\S+)'}]`}, func(c *Config) {
			c.Rules = []Rule{{Name: "my-api", Pattern: `by (?P<addr>\S+)`}}
			c.Jails[mine].Rule = "my-api"
		}},
		{"jails", []string{"ODOOBAN_JAILS=[{rule: odoo-cooldown, enabled: false}]"}, func(c *Config) {
			c.Jails[0] = Default().Jails[0]
			c.Jails[1].Enabled = false
		}},
		{"keys of jails", []string{
			"ODOOBAN_JAILS_ODOO_LOGIN_MAXRETRY=3", "ODOOBAN_JAILS_ODOO_COOLDOWN_ENABLED=false",
			"ODOOBAN_JAILS_MY_PORTAL_FINDTIME=1d", "ODOOBAN_JAILS_MY_PORTAL_BANTIME=1w",
		}, func(c *Config) {
			c.Jails[0].MaxRetry = 3
			c.Jails[1].Enabled = false
			c.Jails[mine].FindTime, c.Jails[mine].BanTime = 24*time.Hour, 7*24*time.Hour
		}},
		{"key over jails", []string{
			"ODOOBAN_JAILS_ODOO_LOGIN_MAXRETRY=3", "ODOOBAN_JAILS=[{rule: odoo-login, maxretry: 4, bantime: 2h}]",
		}, func(c *Config) {
			c.Jails[0].MaxRetry, c.Jails[0].BanTime = 3, 2*time.Hour
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want, err := parse("odooban.yaml", []byte(envFile), nil)
			if err != nil {
				t.Fatal(err)
			}
			tt.change(want)
			got, err := parse("odooban.yaml", []byte(envFile), tt.environ)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, prefixes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEnvironmentMistakes(t *testing.T) {
	jails := "known: " + strings.Join(slices.Sorted(maps.Keys(jailVariables(nil))), ", ")
	const others = "known: ODOOBAN_FIREWALL_BACKEND, ODOOBAN_FIREWALL_PORTS, ODOOBAN_GROWTH_CAP, ODOOBAN_GROWTH_FACTOR, " +
		"ODOOBAN_GROWTH_MEMORY, ODOOBAN_IGNORE, ODOOBAN_IPV6_PREFIX, ODOOBAN_JAILS, ODOOBAN_JOURNAL_KEEP, " +
		"ODOOBAN_JOURNAL_PATH, ODOOBAN_LOG_FORMAT, ODOOBAN_LOG_LEVEL, ODOOBAN_METRICS_LISTEN, ODOOBAN_NAT64, ODOOBAN_PROXIES, ODOOBAN_RULES, ODOOBAN_SOCKET, ODOOBAN_SOURCES"
	for _, tt := range []struct {
		name, file string
		environ    []string
		want       []string
	}{
		{"unknown", "", []string{"ODOOBAN_LOG_LVEL=debug", "ODOOBAN_PORT=1"}, []string{
			"ODOOBAN_LOG_LVEL: unknown variable; did you mean ODOOBAN_LOG_LEVEL? " + others,
			"ODOOBAN_PORT: unknown variable; " + others,
		}},
		{"unknown in a jail", "", []string{"ODOOBAN_JAILS_ODOO_LOGIN_MAX_RETRY=3", "ODOOBAN_JAILS_SSHD_BANTIME=1h"}, []string{
			"ODOOBAN_JAILS_ODOO_LOGIN_MAX_RETRY: unknown variable; did you mean ODOOBAN_JAILS_ODOO_LOGIN_MAXRETRY? " + jails,
			"ODOOBAN_JAILS_SSHD_BANTIME: unknown variable; " + jails,
		}},
		{"values", "", []string{"ODOOBAN_IPV6_PREFIX=wide", "ODOOBAN_LOG_LEVEL=[info]"}, []string{
			`ODOOBAN_IPV6_PREFIX: "wide" is not a whole number; write digits only`,
			`ODOOBAN_LOG_LEVEL: "[info]" is unknown; did you mean info? known: debug, info, warn, error`,
		}},
		{"entries", "", []string{"ODOOBAN_FIREWALL_PORTS=80,http", "ODOOBAN_IGNORE=::1,", "ODOOBAN_SOURCES=odoo.log"}, []string{
			`ODOOBAN_FIREWALL_PORTS: firewall.ports[1]: "http" is not a whole number; write digits only`,
			`ODOOBAN_IGNORE: ignore[1]: ""` + noAddress,
			`ODOOBAN_SOURCES: sources[0].file: "odoo.log" is relative; write the whole path, like /var/log/odoo/odoo.log`,
		}},
		{"jail", "jails: [{rule: odoo-cooldown}]", []string{"ODOOBAN_JAILS_ODOO_LOGIN_FINDTIME=60"}, []string{
			`ODOOBAN_JAILS_ODOO_LOGIN_FINDTIME: "60" has no unit; write 60s`,
		}},
		{"growth", "jails: [{rule: odoo-cooldown}]", []string{"ODOOBAN_JAILS_ODOO_LOGIN_BANTIME=52w", "ODOOBAN_JOURNAL_KEEP=1d"}, []string{
			`ODOOBAN_JAILS_ODOO_LOGIN_BANTIME: "52w" is more than growth.cap, 1w; write 1w or less, or growth: {cap: 52w}`,
			`ODOOBAN_JOURNAL_KEEP: "1d" is less than growth.memory, 30d; write 30d or more`,
		}},
		{"YAML", "", []string{"ODOOBAN_JAILS=[{rule: odoo-login, bantme: 1h}]", "ODOOBAN_RULES=[{name: x"}, []string{
			"ODOOBAN_JAILS: jails[0].bantme: unknown key; did you mean bantime? " + jailKeys,
			"ODOOBAN_RULES: not YAML: did not find expected ',' or '}'" + notYAML,
		}},
		{"not a list", "", []string{"ODOOBAN_RULES=my-portal"}, []string{
			`ODOOBAN_RULES: must be a list, not the text "my-portal"; begin each entry with "- "`,
		}},
		{"not UTF-8", "", []string{"ODOOBAN_SOURCES=/var/log/\xff.log"}, []string{
			`ODOOBAN_SOURCES: sources[0].file: "/var/log/\xff.log" is not UTF-8; write it in UTF-8`,
		}},
		{"after the file's", "log: {levl: info}\nipv6_prefix: 1", []string{"ODOOBAN_LOG_LEVEL=x"}, []string{
			"odooban.yaml:1: log.levl: unknown key; did you mean level? known: level, format",
			"odooban.yaml:2: ipv6_prefix: 1 is out of range; write a number from 32 to 128",
			`ODOOBAN_LOG_LEVEL: "x" is unknown; known: debug, info, warn, error`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config, err := parse("odooban.yaml", []byte(tt.file), tt.environ)
			if config != nil || err == nil {
				t.Fatalf("parse = %v, %v; want an error alone", config, err)
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
