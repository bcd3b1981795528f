package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testdata holds one file for each mistake.
const testdata = "../../testdata/config"

const topKeys = "known: sources, rules, jails, growth, ignore, proxies, ipv6_prefix, nat64, firewall, journal, socket, metrics, log"

const builtInRules = "known: odoo-login, odoo-cooldown, odoo-totp, odoo-reset, odoo-database, odoo-api, " +
	"odoo-csrf, odoo-dbname, " +
	"traefik-login, traefik-ratelimit, traefik-database"

const dockerKeys = "known: name, image, label, service"

const jailKeys = "known: rule, enabled, maxretry, findtime, bantime"

const notYAML = "; look at colons and quotes, and indent with spaces only"

const notRE2 = "; patterns are RE2, which has no lookahead, lookbehind or backreference"

const noAddress = " is not an address or prefix; write one like 198.51.100.7 or 198.51.100.0/24"

const everybody = " is every address of its family: "

const noneBanned = "none of them would be banned; name those to leave alone, or write firewall: {backend: dry-run} to ban nobody"

// mistakenFiles are the files in testdata with the lines of the error, which
// all begin with the file's name.
var mistakenFiles = []struct {
	name string
	want []string
}{
	{"unknown-key", []string{
		"3: jails[0].findtme: unknown key; did you mean findtime? " + jailKeys,
		"5: log.colour: unknown key; known: level, format",
		"6: Sources: unknown key; did you mean sources? " + topKeys,
	}},
	{"duration-without-unit", []string{
		`3: jails[0].findtime: "60" has no unit; write 60s`,
		`4: jails[0].bantime: "900" has no unit; write 900s`,
	}},
	{"duration-unknown-unit", []string{
		`2: jails[0].findtime: "10min" has the unknown unit "min"; known: s, m, h, d, w`,
		`2: jails[0].bantime: "soon" is not a length of time; write one like 90s, 15m, 1h, 1d or 1w`,
	}},
	{"duration-too-short", []string{
		`3: jails[0].findtime: "0" is too short; write 1s or more`,
		`4: jails[0].bantime: "-1" is too short; write 1s or more`,
		`6: jails[1].findtime: "-5m" is too short; write 1s or more`,
		`7: jails[1].bantime: "300ms" is too short; write 1s or more`,
	}},
	{"duration-too-long", []string{
		`2: jails[0].bantime: "100000w" is too long; write 15000w or less`,
	}},
	{"prefix-host-bits", []string{
		`2: ignore[0]: "198.51.100.7/24" has host bits; write 198.51.100.0/24, or 198.51.100.7 for that address alone`,
		`3: ignore[1]: "2001:db8::1/64" has host bits; write 2001:db8::/64, or 2001:db8::1 for that address alone`,
	}},
	{"bad-address", []string{
		`2: ignore[0]: "office.example.org"` + noAddress,
		`3: ignore[1]: "198.51.100.0/33"` + noAddress,
		`4: ignore[2]: "fe80::1%eth0"` + noAddress,
	}},
	{"ipv6-prefix", []string{
		"1: ipv6_prefix: 24 is out of range; write a number from 32 to 128",
	}},
	{"pattern-without-addr", []string{
		`3: rules[0].pattern: has no group addr; write (?P<addr>\S+) where the address stands`,
	}},
	{"pattern-unknown-group", []string{
		`3: rules[0].pattern: unknown group "usr"; did you mean user? known: addr, user, time`,
	}},
	{"pattern-not-re2", []string{
		"3: rules[0].pattern: does not compile: invalid or unsupported Perl syntax: `(?!`" + notRE2,
		"5: rules[1].pattern: does not compile: invalid escape sequence: `\\1`" + notRE2,
	}},
	{"pattern-matches-empty", []string{
		"3: rules[0].pattern: matches the empty line, and so every line; write what the line must hold",
	}},
	{"ignore-pattern", []string{
		"4: rules[0].ignore[0]: does not compile: missing closing ): `health(check`" + notRE2,
		"4: rules[0].ignore[1]: matches the empty line, and so every line; write what the line must hold",
	}},
	{"rule-incomplete", []string{
		"2: rules[0]: has no name; write name: my-portal",
		`3: rules[1]: has no pattern; write pattern: 'from (?P<addr>\S+)$'`,
	}},
	{"rule-name", []string{
		`2: rules[0].name: "My Portal" is not a name; write small letters, digits and hyphens, like my-portal`,
	}},
	{"quoted", []string{
		`2: jails[0].enabled: "true" is a text; write true, without quotes`,
		`2: jails[0].maxretry: "10" is not written as a number is; write 10, without quotes`,
		`3: jails[1].maxretry: "010" is not written as a number is; write 10, without quotes`,
	}},
	{"rule-built-in", []string{
		`2: rules[0].name: "odoo-login" is built in; write another name`,
	}},
	{"rule-twice", []string{
		`4: rules[1].name: "my-portal" is the name of rules[0]; write another`,
	}},
	{"maxretry-zero", []string{
		"2: jails[0].maxretry: 0 is too few; write 1 or more, or enabled: false to turn the jail off",
	}},
	{"maxretry-too-many", []string{
		"2: jails[0].maxretry: 1001 is too many; write 1000 or less, or enabled: false to turn the jail off",
	}},
	{"jails-off", []string{
		"12: jails[10].enabled: every jail is turned off, so nobody would be banned; leave one on",
	}},
	{"jail-unknown-rule", []string{
		`2: jails[0].rule: no rule is called "odoo-logn"; did you mean odoo-login? ` + builtInRules,
		`3: jails[1].rule: no rule is called "sshd"; ` + builtInRules,
	}},
	{"jail-without-rule", []string{
		"2: jails[0]: has no rule; write rule: odoo-login",
	}},
	{"jail-twice", []string{
		`3: jails[1].rule: "odoo-login" has a jail at jails[0]; keep one`,
	}},
	{"growth", []string{
		"1: growth.factor: 0 is too small; write 2 or more, or 1 to turn growth off",
		`2: growth.cap: "7" has no unit; write 7s`,
		`3: growth.memory: "0d" is too short; write 1s or more`,
		"4: growth.max: unknown key; known: factor, cap, memory",
	}},
	{"growth-cap", []string{
		`4: growth.cap: "1h" is less than the bantime of odoo-login, 1d; write 1d or more`,
	}},
	{"growth-bantime", []string{
		`3: jails[1].bantime: "52w" is more than growth.cap, 1w; write 1w or less, or growth: {cap: 52w}`,
	}},
	{"growth-memory", []string{
		`1: growth.memory: "90d" is more than journal.keep, 30d; write 30d or less, or journal: {keep: 90d}`,
	}},
	{"journal", []string{
		`2: journal.path: "odooban.db" is relative; write the whole path, like /var/lib/odooban/odooban.db`,
		`3: journal.keep: "30" has no unit; write 30s`,
		"4: journal.memory: unknown key; known: path, keep",
	}},
	{"journal-keep", []string{
		`1: journal.keep: "1w" is less than growth.memory, 30d; write 30d or more`,
	}},
	{"port-out-of-range", []string{
		"2: firewall.ports[1]: 80000 is no port; write a number from 1 to 65535",
		"2: firewall.ports[2]: 0 is no port; write a number from 1 to 65535",
	}},
	{"unknown-backend", []string{
		`1: firewall.backend: "ipsets" is unknown; did you mean ipset? known: auto, ipset, nftables, iptables, dry-run`,
	}},
	{"unknown-log-level", []string{
		`2: log.level: "wran" is unknown; did you mean warn? known: debug, info, warn, error`,
		`3: log.format: "logfmt" is unknown; known: auto, text, json`,
	}},
	{"source-without-place", []string{
		"2: sources[0]: names no place; write file: /var/log/odoo/*.log, docker: {} or journal: {unit: odoo.service}",
		"3: sources[1].docker: has no value; write its keys, or {} for none of them",
	}},
	{"source-two-places", []string{
		`2: sources[0]: names more than one place; begin each with "- "`,
	}},
	{"source-unknown-key", []string{
		"2: sources[0].dockr: unknown key; did you mean docker? known: file, docker, journal",
		"3: sources[1].docker.nam: unknown key; did you mean name? " + dockerKeys,
		`4: sources[2].docker: must be keys and values, not the text "odoo"; ` + dockerKeys,
		`5: sources[3].journal: must be keys and values, not the text "odoo.service"; known: unit`,
	}},
	{"source-docker", []string{
		`3: sources[0].docker.name: "odoo*" is not a container's name; write it as docker ps shows it`,
		`4: sources[0].docker.image: "odoo 18" is not an image's name; write it as docker ps shows it, like odoo:18`,
		`5: sources[0].docker.label: "=odoo" has no key; write key=value, or a key alone`,
		`6: sources[0].docker.service: "a/odoo" is not a service's name; write it as the compose file has it`,
	}},
	{"source-journal", []string{
		`2: sources[0].journal.unit: "odoo" has no type; write odoo.service`,
		`3: sources[1].journal.unit: "--since=now.service" is not a unit's name; write one as systemctl shows it, like odoo.service`,
		"4: sources[2].journal: has no unit; write unit: odoo.service",
	}},
	{"proxies", []string{
		`2: proxies[0]: "traefik"` + noAddress,
		`3: proxies[1]: "172.18.0.2/16" has host bits; write 172.18.0.0/16, or 172.18.0.2 for that address alone`,
	}},
	{"ignore-everybody", []string{
		`2: ignore[0]: "0.0.0.0/0"` + everybody + noneBanned,
		`3: ignore[1]: "::/0"` + everybody + noneBanned,
		`4: ignore[2]: "::ffff:0.0.0.0/96"` + everybody + noneBanned,
	}},
	{"nat64", []string{
		`2: nat64[0]: "192.0.2.0/24" is no prefix of NAT64; write one of IPv6 with a length of 32, 40, 48, 56, 64 or 96, like 64:ff9b:1::/96`,
		`3: nat64[1]: "64:ff9b:1::/80" is no prefix of NAT64; write one of IPv6 with a length of 32, 40, 48, 56, 64 or 96, like 64:ff9b:1::/96`,
	}},
	{"proxies-everybody", []string{
		`1: proxies[0]: "0.0.0.0/0"` + everybody + "whoever asks could have anybody banned; name the proxies alone",
	}},
	{"socket", []string{
		`1: socket: "odooban.sock" is not a whole path; write one, like /run/odooban/odooban.sock`,
	}},
	{"socket-too-long", []string{
		`1: socket: "/run/a/path/that/is/as/long/as/paths/are/where/a/build/has/m"... is too long; a socket's folder has 92 bytes at most, its whole path 107`,
	}},
	{"metrics-listen", []string{
		`1: metrics.listen: "9118" is no address to listen on; write one like 127.0.0.1:9118, :9118 or unix:/run/odooban/metrics.sock`,
	}},
	{"metrics-port", []string{
		`1: metrics.listen: "http" is no port; write a number from 1 to 65535`,
	}},
	{"metrics-socket", []string{
		`1: metrics.listen: "metrics.sock" is not a whole path; write one, like /run/odooban/odooban.sock`,
	}},
	{"source-relative", []string{
		`2: sources[0].file: "odoo.log" is relative; write the whole path, like /var/log/odoo/odoo.log`,
		`3: sources[1].file: "/var/log/[odoo.log" has a bracket that is not closed; close it, or write \[ for the sign itself`,
	}},
	{"wrong-type", []string{
		`1: sources: must be a list, not the text "/var/log/odoo/odoo.log"; begin each entry with "- "`,
		`2: ignore: must be a list, not the text "198.51.100.0/24"; begin each entry with "- "`,
		`4: jails[0]: must be keys and values, not the text "odoo-login"; ` + jailKeys,
		`6: jails[1].enabled: "yes" is neither true nor false; write one of them`,
		`7: jails[1].maxretry: "ten" is not a whole number; write digits only`,
		"8: jails[1].findtime: must be one value, not a list",
		"9: firewall: must be keys and values, not a list; known: backend, ports",
	}},
	{"without-value", []string{
		"1: sources: has no value; write one, or remove it",
		"4: log.level: has no value; write one, or remove it",
	}},
	{"not-keys", []string{
		"1: must be keys and values, not a list; " + topKeys,
	}},
	{"syntax", []string{"3: not YAML: did not find expected ',' or '}'" + notYAML}},
	{"syntax-nested", []string{"6: not YAML: did not find expected '-' indicator" + notYAML}},
	{"syntax-quote", []string{"4: not YAML: found unexpected end of stream" + notYAML}},
	{"syntax-tab", []string{"2: not YAML: found character that cannot start any token" + notYAML}},
	{"duplicate-key", []string{"4: log: is here a second time after line 1; keep one"}},
	{"two-documents", []string{"2: a second YAML document; keep one"}},
	{"alias", []string{"5: rules[1].pattern: is an alias; write the value itself"}},
	{"alias-bomb", []string{
		"4: bomb: unknown key; " + topKeys,
		"10: ignore: is an alias; write the value itself",
	}},
	{"several", []string{
		`2: sources[0].file: "odoo.log" is relative; write the whole path, like /var/log/odoo/odoo.log`,
		`5: rules[0].pattern: has no group addr; write (?P<addr>\S+) where the address stands`,
		"7: jails[0].bantme: unknown key; did you mean bantime? " + jailKeys,
		`7: jails[0].findtime: "60" has no unit; write 60s`,
		`8: jails[1].rule: no rule is called "sshd"; ` + builtInRules + ", my-portal",
		`9: ignore[0]: "198.51.100.7/24" has host bits; write 198.51.100.0/24, or 198.51.100.7 for that address alone`,
		`10: log.level: "verbose" is unknown; known: debug, info, warn, error`,
	}},
}

// goodFiles are the files in testdata without a mistake.
var goodFiles = []string{"complete", "empty", "growth-off"}

func TestMistakes(t *testing.T) {
	for _, tt := range mistakenFiles {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(testdata, tt.name+".yaml")
			config, err := Load(path, nil)
			if config != nil || err == nil {
				t.Fatalf("Load = %v, %v; want an error alone", config, err)
			}
			got := strings.Split(strings.ReplaceAll(err.Error(), path+":", ""), "\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFilesAreTested finds files that no test names.
func TestFilesAreTested(t *testing.T) {
	known := map[string]bool{}
	for _, tt := range mistakenFiles {
		known[tt.name+".yaml"] = true
	}
	for _, name := range goodFiles {
		known[name+".yaml"] = true
	}
	entries, err := os.ReadDir(testdata)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !known[e.Name()] {
			t.Errorf("%s is in no test", e.Name())
		}
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing.yaml")
	below := filepath.Join(large, "below.yaml")
	for _, tt := range []struct {
		name, path, want string
		is               error
	}{
		{"missing", missing, ": file does not exist; write one: odooban config init > " + missing, fs.ErrNotExist},
		{"directory", dir, ": is a directory; name the file in it", nil},
		{"too large", large, ": is larger than 1 MiB, so it is no configuration; name another file", nil},
		{"unreadable", below, ": not a directory; let the user that odooban runs as read it", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(tt.path, nil)
			if err == nil || err.Error() != tt.path+tt.want {
				t.Errorf("error %v, want %s%s", err, tt.path, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v is not %v", err, tt.is)
			}
		})
	}
}

// TestManyMistakes bounds what a wrong file makes us say.
func TestManyMistakes(t *testing.T) {
	_, err := parse("odooban.yaml", []byte("jails:\n"+strings.Repeat("- {}\n", 1000)), nil)
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	last := lines[len(lines)-1]
	if want := "and 900 more mistakes; correct these first"; len(lines) != maxMistakes+1 || last != want {
		t.Errorf("%d lines, the last %q; want %q", len(lines), last, want)
	}
}
