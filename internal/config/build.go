package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// build makes a configuration of a document and reports what in it makes no
// sense.
func build(m *mistakes, doc document) *Config {
	rules := buildRules(m, doc.Rules)
	c := &Config{
		Sources:    buildSources(m, doc.Sources),
		Rules:      rules,
		Jails:      buildJails(m, doc.Jails, rules),
		Growth:     buildGrowth(m, doc.Growth),
		Ignore:     buildPrefixes(m, "ignore", doc.Ignore, nobodyBanned),
		Proxies:    buildPrefixes(m, "proxies", doc.Proxies, anybodyBanned),
		IPv6Prefix: buildIPv6Prefix(m, doc.IPv6Prefix),
		NAT64:      buildNAT64(m, doc.NAT64),
		Firewall: Firewall{
			Backend: oneOf(m, "firewall.backend", doc.Firewall.Backend,
				"auto", "ipset", "nftables", "iptables", "dry-run"),
			Ports: buildPorts(m, doc.Firewall.Ports),
		},
		Journal: buildJournal(m, doc.Journal),
		Socket:  buildSocket(m, "socket", doc.Socket),
		Metrics: Metrics{Listen: buildListen(m, doc.Metrics.Listen)},
		Log: Log{
			Level:  oneOf(m, "log.level", doc.Log.Level, "debug", "info", "warn", "error"),
			Format: oneOf(m, "log.format", doc.Log.Format, "auto", "text", "json"),
		},
	}
	checkGrowth(m, c, doc.Jails)
	return c
}

// entryPath is the path of entry i of a list.
func entryPath(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

// missing reports a key that its entry must have, unless the entry has another
// mistake that explains it.
func (m *mistakes) missing(entry, key, example string) {
	if !m.wrong[entry] {
		m.bad(entry, "has no %s; write %s: %s", key, key, example)
	}
}

func oneOf(m *mistakes, path, value string, known ...string) string {
	if !slices.Contains(known, value) {
		m.bad(path, "%s is unknown; %s", quote(value), choices(value, known))
	}
	return value
}

// nilIfEmpty makes configurations that mean the same equal.
func nilIfEmpty[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// What follows from a prefix that holds all addresses, and the cure.
const (
	nobodyBanned = "none of them would be banned; name those to leave alone, " +
		"or write firewall: {backend: dry-run} to ban nobody"
	anybodyBanned = "whoever asks could have anybody banned; name the proxies alone"
)

// buildPrefixes reads a list of prefixes. everybody is what would follow if one of
// them held all addresses of its family.
func buildPrefixes(m *mistakes, list string, texts []string, everybody string) []netip.Prefix {
	var prefixes []netip.Prefix
	for i, s := range texts {
		p, err := ParsePrefix(s)
		switch {
		case err != nil:
			m.bad(entryPath(list, i), "%s", err)
		case p.Bits() == 0:
			m.bad(entryPath(list, i), "%s is every address of its family: %s", quote(s), everybody)
		default:
			prefixes = append(prefixes, p)
		}
	}
	return prefixes
}

func buildIPv6Prefix(m *mistakes, bits int) int {
	if bits < 32 || bits > 128 {
		m.bad("ipv6_prefix", "%d is out of range; write a number from 32 to 128", bits)
	}
	return bits
}

func buildNAT64(m *mistakes, texts []string) []netip.Prefix {
	var prefixes []netip.Prefix
	for i, s := range texts {
		p, err := ParsePrefix(s)
		switch {
		case err != nil:
			m.bad(entryPath("nat64", i), "%s", err)
		case p.Addr().Is4() || !slices.Contains([]int{32, 40, 48, 56, 64, 96}, p.Bits()):
			m.bad(entryPath("nat64", i), "%s is no prefix of NAT64; write one of IPv6 with a length of "+
				"32, 40, 48, 56, 64 or 96, like 64:ff9b:1::/96", quote(s))
		default:
			prefixes = append(prefixes, p)
		}
	}
	return prefixes
}

func buildPorts(m *mistakes, numbers []int) []uint16 {
	var ports []uint16
	for i, n := range numbers {
		if n < 1 || n > 65535 {
			m.bad(entryPath("firewall.ports", i), "%d is no port; write a number from 1 to 65535", n)
			continue
		}
		ports = append(ports, uint16(n))
	}
	return ports
}

// ruleName is what fits into the name of a variable, and of everything else.
var ruleName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func buildRules(m *mistakes, rules []Rule) []Rule {
	first := map[string]int{}
	for i := range rules {
		r, at := &rules[i], entryPath("rules", i)
		earlier, twice := first[r.Name]
		switch {
		case r.Name == "":
			m.missing(at, "name", "my-portal")
		case !ruleName.MatchString(r.Name):
			m.bad(at+".name", "%s is not a name; write small letters, digits and hyphens, like my-portal", quote(r.Name))
		case isBuiltIn(r.Name):
			m.bad(at+".name", "%s is built in; write another name", quote(r.Name))
		case twice:
			m.bad(at+".name", "%s is the name of rules[%d]; write another", quote(r.Name), earlier)
		default:
			first[r.Name] = i
		}
		buildPatterns(m, at, r)
	}
	return nilIfEmpty(rules)
}

func buildPatterns(m *mistakes, at string, r *Rule) {
	if r.Pattern == "" {
		m.missing(at, "pattern", `'from (?P<addr>\S+)$'`)
	} else if re := compile(m, at+".pattern", r.Pattern); re != nil {
		checkGroups(m, at+".pattern", re)
	}
	for i, p := range r.Ignore {
		compile(m, entryPath(at+".ignore", i), p)
	}
	r.Ignore = nilIfEmpty(r.Ignore)
}

// compile returns nil for a pattern that it reports.
func compile(m *mistakes, path, pattern string) *regexp.Regexp {
	re, err := regexp.Compile(pattern)
	if err != nil {
		m.bad(path, "does not compile: %s; patterns are RE2, which has no lookahead, lookbehind or backreference",
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return nil
	}
	if re.MatchString("") {
		m.bad(path, "matches the empty line, and so every line; write what the line must hold")
		return nil
	}
	return re
}

func checkGroups(m *mistakes, path string, re *regexp.Regexp) {
	if re.SubexpIndex("addr") < 0 {
		m.bad(path, `has no group addr; write (?P<addr>\S+) where the address stands`)
	}
	for _, name := range re.SubexpNames() {
		if name != "" && name != "addr" && name != "user" && name != "time" {
			m.bad(path, "unknown group %s; %s", quote(name), choices(name, []string{"addr", "user", "time"}))
		}
	}
}

// buildJails lays the entries over the defaults of all rules.
func buildJails(m *mistakes, entries []jailEntry, rules []Rule) []Jail {
	jails := Default().Jails
	login := jails[0]
	for _, r := range rules {
		login.Rule = r.Name
		jails = append(jails, login)
	}
	known := make([]string, len(jails))
	index := map[string]int{}
	for i, j := range jails {
		known[i], index[j.Rule] = j.Rule, i
	}
	first := map[string]int{}
	for i, e := range entries {
		at := entryPath("jails", i)
		j, ok := index[e.Rule]
		earlier, twice := first[e.Rule]
		switch {
		case e.Rule == "":
			m.missing(at, "rule", ruleLogin)
			continue
		case !ok:
			m.bad(at+".rule", "no rule is called %s; %s", quote(e.Rule), choices(e.Rule, known))
			continue
		case twice:
			m.bad(at+".rule", "%s has a jail at jails[%d]; keep one", quote(e.Rule), earlier)
			continue
		}
		first[e.Rule] = i
		overlay(m, at, &jails[j], e)
	}
	checkEnabled(m, jails, entries)
	return jails
}

// checkEnabled reports, at the last jail that was turned off, that none is left.
func checkEnabled(m *mistakes, jails []Jail, entries []jailEntry) {
	if slices.ContainsFunc(jails, func(j Jail) bool { return j.Enabled }) {
		return
	}
	last := 0
	for i, e := range entries {
		if e.Enabled != nil && !*e.Enabled {
			last = i
		}
	}
	m.bad(entryPath("jails", last)+".enabled", "every jail is turned off, so nobody would be banned; leave one on")
}

// mostRetries is the largest maxretry: for each address that many times, and as
// many again, are kept.
const mostRetries = 1000

// overlay sets the keys that an entry gives.
func overlay(m *mistakes, at string, j *Jail, e jailEntry) {
	if e.Enabled != nil {
		j.Enabled = *e.Enabled
	}
	if e.MaxRetry != nil {
		j.MaxRetry = *e.MaxRetry
		switch {
		case j.MaxRetry < 1:
			m.bad(at+".maxretry", "%d is too few; write 1 or more, or enabled: false to turn the jail off", j.MaxRetry)
		case j.MaxRetry > mostRetries:
			m.bad(at+".maxretry", "%d is too many; write %d or less, or enabled: false to turn the jail off",
				j.MaxRetry, mostRetries)
		}
	}
	setDuration(m, at+".findtime", &j.FindTime, e.FindTime)
	setDuration(m, at+".bantime", &j.BanTime, e.BanTime)
}

func setDuration(m *mistakes, path string, d *time.Duration, s *string) {
	if s == nil {
		return
	}
	var err error
	if *d, err = ParseDuration(*s); err != nil {
		m.bad(path, "%s", err)
	}
}
