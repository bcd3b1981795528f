package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// document is the configuration as it is written. Its fields are all keys there
// are: the readers of the file and of the environment go by them.
type document struct {
	Sources    []Source     `json:"sources"`
	Rules      []Rule       `json:"rules"`
	Jails      []jailEntry  `json:"jails"`
	Growth     growthKeys   `json:"growth"`
	Ignore     []string     `json:"ignore"`
	Proxies    []string     `json:"proxies"`
	IPv6Prefix int          `json:"ipv6_prefix" yaml:"ipv6_prefix"`
	NAT64      []string     `json:"nat64"`
	Firewall   firewallKeys `json:"firewall"`
	Journal    journalKeys  `json:"journal"`
	Socket     string       `json:"socket"`
	Metrics    Metrics      `json:"metrics"`
	Log        Log          `json:"log"`
}

// jailEntry leaves nil what the entry does not say.
type jailEntry struct {
	Rule     string  `json:"rule"`
	Enabled  *bool   `json:"enabled"`
	MaxRetry *int    `json:"maxretry"`
	FindTime *string `json:"findtime"`
	BanTime  *string `json:"bantime"`
}

type growthKeys struct {
	Factor int    `json:"factor"`
	Cap    string `json:"cap"`
	Memory string `json:"memory"`
}

type firewallKeys struct {
	Backend string `json:"backend"`
	Ports   []int  `json:"ports" yaml:",flow"`
}

type journalKeys struct {
	Path string `json:"path"`
	Keep string `json:"keep"`
}

// field is a key and what stands behind it.
type field struct {
	name string
	typ  reflect.Type
}

// fields are the keys of a part of the document, in its order.
func fields(t reflect.Type) []field {
	all := make([]field, t.NumField())
	for i := range all {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all[i] = field{name, f.Type}
	}
	return all
}

// names are the names of fields.
func names(all []field) []string {
	list := make([]string, len(all))
	for i, f := range all {
		list[i] = f.name
	}
	return list
}

// layer lays the environment over the file over the defaults.
func layer(file map[string]any, env variables, m *mistakes) (document, error) {
	v := viper.New()
	for path, value := range defaults() {
		v.SetDefault(path, value)
	}
	var doc document
	if err := v.MergeConfigMap(file); err != nil {
		return doc, fmt.Errorf("merge the configuration file: %w", err)
	}
	for path, value := range env.values {
		v.Set(path, value)
	}
	if len(env.rest) > 0 {
		v.Set("jails", env.jails(m, entries(v, "rules"), entries(v, "jails")))
	}
	if err := v.UnmarshalExact(&doc, strictly); err != nil {
		return doc, fmt.Errorf("decode the configuration: %w", err)
	}
	return doc, nil
}

// entries returns the list at path, whose entries the reader made maps.
func entries(v *viper.Viper, path string) []map[string]any {
	list, _ := v.Get(path).([]any)
	var maps []map[string]any
	for _, entry := range list {
		if e, ok := entry.(map[string]any); ok {
			maps = append(maps, e)
		}
	}
	return maps
}

// strictly takes viper's leniency away: texts that become numbers, or lists.
func strictly(c *mapstructure.DecoderConfig) {
	c.TagName = "json"
	c.WeaklyTypedInput = false
	c.DecodeHook = nil
}

// defaults are the values of the keys that have one; the jails' are added when
// it is known which keys an entry gives.
func defaults() map[string]any {
	d := Default().document()
	return map[string]any{
		"growth.factor":    d.Growth.Factor,
		"growth.cap":       d.Growth.Cap,
		"growth.memory":    d.Growth.Memory,
		"ipv6_prefix":      d.IPv6Prefix,
		"firewall.backend": d.Firewall.Backend,
		"firewall.ports":   d.Firewall.Ports,
		"journal.path":     d.Journal.Path,
		"journal.keep":     d.Journal.Keep,
		"socket":           d.Socket,
		"metrics.listen":   d.Metrics.Listen,
		"log.level":        d.Log.Level,
		"log.format":       d.Log.Format,
	}
}

// document is the configuration as one would write it with every key.
func (c *Config) document() document {
	d := document{
		Sources: append([]Source{}, c.Sources...),
		Rules:   append([]Rule{}, c.Rules...),
		Jails:   []jailEntry{},
		Growth: growthKeys{
			Factor: c.Growth.Factor, Cap: FormatDuration(c.Growth.Cap), Memory: FormatDuration(c.Growth.Memory),
		},
		Ignore:     texts(c.Ignore),
		Proxies:    texts(c.Proxies),
		IPv6Prefix: c.IPv6Prefix,
		NAT64:      texts(c.NAT64),
		Firewall:   firewallKeys{Backend: c.Firewall.Backend, Ports: []int{}},
		Journal:    journalKeys{Path: c.Journal.Path, Keep: FormatDuration(c.Journal.Keep)},
		Socket:     c.Socket,
		Metrics:    c.Metrics,
		Log:        c.Log,
	}
	for i := range d.Rules {
		d.Rules[i].Ignore = append([]string{}, d.Rules[i].Ignore...)
	}
	for _, j := range c.Jails {
		d.Jails = append(d.Jails, jailEntry{
			Rule: j.Rule, Enabled: new(j.Enabled), MaxRetry: new(j.MaxRetry),
			FindTime: new(FormatDuration(j.FindTime)), BanTime: new(FormatDuration(j.BanTime)),
		})
	}
	for _, p := range c.Firewall.Ports {
		d.Firewall.Ports = append(d.Firewall.Ports, int(p))
	}
	return d
}

// texts writes prefixes as they are read.
func texts(prefixes []netip.Prefix) []string {
	list := make([]string, len(prefixes))
	for i, p := range prefixes {
		list[i] = p.String()
	}
	return list
}

// YAML returns the configuration with every key, as a file that loads back to
// the same.
func (c *Config) YAML() ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(c.document()); err != nil {
		return nil, fmt.Errorf("encode the configuration: %w", err)
	}
	return out.Bytes(), nil
}

// MarshalJSON returns the configuration with every key, named as in the file;
// durations and prefixes are texts, lists never null. An encoder that does not
// escape HTML keeps the <addr> of a pattern readable.
func (c *Config) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(c.document()); err != nil {
		return nil, fmt.Errorf("encode the configuration: %w", err)
	}
	return out.Bytes(), nil
}
