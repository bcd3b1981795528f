package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// prefixes lets cmp compare netip.Prefix, which has unexported fields.
var prefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

// complete is what testdata's complete.yaml says.
func complete() *Config {
	jails := slices.Concat(Default().Jails, []Jail{
		{"my-portal", true, 3, time.Hour, 36 * time.Hour},
		{"my-api", true, 10, time.Minute, 15 * time.Minute},
	})
	jails[0].BanTime = 7 * 24 * time.Hour
	jails[1].Enabled = false
	return &Config{
		Sources: []Source{
			{File: "/var/log/odoo/*.log"},
			{Docker: &Docker{}},
			{Docker: &Docker{Name: "odoo-1", Image: "odoo:18", Label: "role=web", Service: "odoo"}},
			{Journald: &Journald{Unit: "odoo@main.service"}},
		},
		Rules: []Rule{
			{
				Name:    "my-portal",
				Pattern: `^(?P<time>\S+ \S+) portal: denied (?P<user>\S+) from (?P<addr>\S+)$`,
				Ignore:  []string{"healthcheck"},
			},
			{Name: "my-api", Pattern: `api: bad token from (?P<addr>\S+)$`},
		},
		Jails:  jails,
		Growth: Growth{Factor: 3, Cap: 14 * 24 * time.Hour, Memory: 60 * 24 * time.Hour},
		Ignore: []netip.Prefix{
			netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.7/32"),
			netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("192.0.2.1/32"),
		},
		Proxies:    []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")},
		IPv6Prefix: 56,
		NAT64:      []netip.Prefix{netip.MustParsePrefix("64:ff9b:1::/96")},
		Firewall:   Firewall{Backend: "ipset", Ports: []uint16{443}},
		Journal:    Journal{Path: "/srv/odooban.db", Keep: 90 * 24 * time.Hour},
		Socket:     "/srv/odooban.sock",
		Metrics:    Metrics{Listen: "unix:/srv/metrics.sock"},
		Log:        Log{Level: "debug", Format: "json"},
	}
}

// growthOff is what testdata's growth-off.yaml says: without growth, bans may be
// as long, and be kept as short, as one likes.
func growthOff() *Config {
	c := Default()
	c.Growth.Factor = 1
	c.Jails[0].BanTime = 52 * 7 * 24 * time.Hour
	c.Journal.Keep = 24 * time.Hour
	return c
}

func TestLoad(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		want       *Config
	}{
		{"no file", "", Default()},
		{"empty", filepath.Join(testdata, "empty.yaml"), Default()},
		{"complete", filepath.Join(testdata, "complete.yaml"), complete()},
		{"growth off", filepath.Join(testdata, "growth-off.yaml"), growthOff()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Load(tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, prefixes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, yaml string
		change     func(*Config)
	}{
		{"comment only", "# nothing\n", func(*Config) {}},
		{"null", "---\n~\n", func(*Config) {}},
		{"empty lists", "sources: []\nrules: []\njails: []\nignore: []\n", func(*Config) {}},
		{"all ports", "firewall: {ports: []}", func(c *Config) { c.Firewall.Ports = nil }},
		{"one key of two", "log: {format: text}", func(c *Config) { c.Log.Format = "text" }},
		{"jail with one key", "jails: [{rule: odoo-cooldown, bantime: 1h}]", func(c *Config) { c.Jails[1].BanTime = time.Hour }},
		{"long bans", "jails: [{rule: odoo-login, bantime: 52w}]\ngrowth: {cap: 52w}", func(c *Config) {
			c.Jails[0].BanTime, c.Growth.Cap = 52*7*24*time.Hour, 52*7*24*time.Hour
		}},
		{"metrics on all addresses", "metrics: {listen: ':9118'}", func(c *Config) { c.Metrics.Listen = ":9118" }},
		{"metrics on an IPv6 address", "metrics: {listen: '[::1]:9118'}", func(c *Config) { c.Metrics.Listen = "[::1]:9118" }},
		{"metrics off", "metrics: {listen: ''}", func(*Config) {}},
		{"jail off", "jails: [{rule: odoo-login, enabled: false}]", func(c *Config) { c.Jails[0].Enabled = false }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := Default()
			tt.change(want)
			got, err := parse("odooban.yaml", []byte(tt.yaml), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, prefixes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestYAML loads what a configuration is written as.
func TestYAML(t *testing.T) {
	for name, want := range map[string]*Config{"default": Default(), "complete": complete()} {
		t.Run(name, func(t *testing.T) {
			data, err := want.YAML()
			if err != nil {
				t.Fatal(err)
			}
			got, err := parse("odooban.yaml", data, nil)
			if err != nil {
				t.Fatalf("%v in:\n%s", err, data)
			}
			if diff := cmp.Diff(want, got, prefixes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	one := Default()
	one.Jails = one.Jails[:1]
	got, err := json.MarshalIndent(one, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "sources": [],
  "rules": [],
  "jails": [
    {
      "rule": "odoo-login",
      "enabled": true,
      "maxretry": 10,
      "findtime": "1m",
      "bantime": "15m"
    }
  ],
  "growth": {
    "factor": 2,
    "cap": "1w",
    "memory": "30d"
  },
  "ignore": [],
  "proxies": [],
  "ipv6_prefix": 64,
  "nat64": [],
  "firewall": {
    "backend": "auto",
    "ports": [
      80,
      443,
      8069,
      8072
    ]
  },
  "journal": {
    "path": "/var/lib/odooban/odooban.db",
    "keep": "30d"
  },
  "socket": "/run/odooban/odooban.sock",
  "metrics": {
    "listen": ""
  },
  "log": {
    "level": "info",
    "format": "auto"
  }
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestInit(t *testing.T) {
	got, err := parse("init.yaml", Init(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got, prefixes); diff != "" {
		t.Error(diff)
	}
}

// TestInitExamples takes the # from the examples, which unlike prose begin with
// Every built-in rule has a jail in it, in the order of the registry and with its numbers.
func TestInitHasTheRules(t *testing.T) {
	var want []string
	for _, r := range rules.Builtin() {
		want = append(want, fmt.Sprintf("  - {rule: %s, enabled: true, maxretry: %d, findtime: %s, bantime: %s}",
			r.Name, r.MaxRetry, FormatDuration(r.FindTime), FormatDuration(r.BanTime)))
	}
	got := regexp.MustCompile(`(?m)^ {2}- \{rule: .*$`).FindAllString(string(Init()), -1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jails (-registry +init.yaml):\n%s", diff)
	}
}

// a key or are indented by two: they must load, and with the rest show all keys.
func TestInitExamples(t *testing.T) {
	text := regexp.MustCompile(`(?m)^#([a-z_]+:| {2}\S| {4})`).ReplaceAllString(string(Init()), "$1")
	text = strings.Replace(text, "  odooban config check", "#", 1)
	got, err := parse("init.yaml", []byte(text), nil)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	if len(got.Sources) == 0 || len(got.Rules) == 0 || len(got.Ignore) == 0 || len(got.Proxies) == 0 {
		t.Errorf("examples are missing in %+v", got)
	}
	for _, key := range allKeys(reflect.TypeFor[document]()) {
		if !regexp.MustCompile(`(?m)\b` + key + `:`).MatchString(text) {
			t.Errorf("no key %s", key)
		}
	}
}

// TestDocumentation looks for every key, every variable, and every built-in rule with
// its numbers.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range allKeys(reflect.TypeFor[document]()) {
		if !regexp.MustCompile("`([a-z]+(\\[\\])?\\.)?" + key + "[`.]").Match(page) {
			t.Errorf("no key %s", key)
		}
	}
	for name := range variablePaths(reflect.TypeFor[document](), "") {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("no variable %s", name)
		}
	}
	for _, r := range rules.Builtin() {
		numbers := fmt.Sprintf("%d, %s, %s", r.MaxRetry, FormatDuration(r.FindTime), FormatDuration(r.BanTime))
		if !regexp.MustCompile("(?m)^\\| `" + r.Name + "` \\|.*\\| " + numbers + " \\|").Match(page) {
			t.Errorf("no rule %s with %s", r.Name, numbers)
		}
	}
}

// allKeys are the names of all keys in and below t.
func allKeys(t reflect.Type) []string {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for _, f := range fields(t) {
		keys = append(append(keys, f.name), allKeys(f.typ)...)
	}
	return keys
}

// FuzzParse wants that no bytes break the reading, and that what loads, loads
// again from how it is written.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(testdata, "*.yaml"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no files in %s: %v", testdata, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "ODOOBAN_LOG_LEVEL=debug")
	}
	f.Add(Init(), "ODOOBAN_JAILS_ODOO_LOGIN_MAXRETRY=3")
	f.Add([]byte("? [a]\n: b\n"), "ODOOBAN_SOURCES=/a,/b")
	f.Fuzz(func(t *testing.T, data []byte, variable string) {
		config, err := parse("odooban.yaml", data, []string{variable})
		if err != nil {
			if err.Error() == "" {
				t.Error("error without a text")
			}
			return
		}
		text, err := config.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse("odooban.yaml", text, nil)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		if diff := cmp.Diff(config, again, prefixes); diff != "" {
			t.Error(diff)
		}
	})
}
