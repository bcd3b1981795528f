package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// The built-in rules on what Odoo's login code writes.
const (
	// LoginRule finds failed logins by form, JSON, XML-RPC and JSON-RPC.
	LoginRule = "odoo-login"
	// CooldownRule finds what Odoo writes when base.login_cooldown_after has
	// locked an address out. One line is enough for a ban.
	CooldownRule = "odoo-cooldown"
)

// BuiltIn lists the names of the built-in rules.
func BuiltIn() []string {
	return []string{
		LoginRule, CooldownRule, TOTPRule, ResetRule, DatabaseRule, APIRule,
		TraefikLoginRule, TraefikRatelimitRule, TraefikDatabaseRule,
	}
}

// UserRule is a rule that a user wrote: a line that Pattern matches, and no
// pattern of Ignore, is a failure.
type UserRule struct {
	Name string
	// Pattern is an RE2 expression with the named group "addr", and
	// optionally "user" and "time" (any form that ParseTime reads).
	Pattern string
	// Ignore are RE2 expressions for lines that are no failures after all.
	Ignore []string
}

// Set is the rules of a program, compiled. It is safe for concurrent use.
type Set struct {
	builtin map[string]bool
	user    []compiled
	proxies []netip.Prefix
	filter  *filter
}

// compiled is a user rule, ready.
type compiled struct {
	name             string
	pattern          expression
	ignore           []expression
	addr, user, time int // group numbers; -1 without
}

// Compile makes a Set of the built-in rules named and the user's own. proxies
// are those in front of Traefik whose word is taken for whom they ask.
func Compile(builtin []string, user []UserRule, proxies ...netip.Prefix) (*Set, error) {
	set := &Set{builtin: make(map[string]bool), proxies: proxies}
	var errs []error
	for _, name := range builtin {
		if !slices.Contains(BuiltIn(), name) {
			errs = append(errs, fmt.Errorf("rule %q is not built in; there are %q", name, BuiltIn()))
		}
		set.builtin[name] = true
	}
	for _, r := range user {
		c, err := r.compile()
		if err != nil {
			errs = append(errs, fmt.Errorf("rule %q: %w", r.Name, err))
		}
		set.user = append(set.user, c)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	set.filter = newFilter(set.needles())
	return set, nil
}

// compile checks the rule and makes it ready.
func (r UserRule) compile() (compiled, error) {
	c := compiled{name: r.Name}
	var err error
	if c.pattern, err = compileExpression(r.Pattern); err != nil {
		return c, fmt.Errorf("compile pattern: %w", err)
	}
	c.addr, c.user, c.time = c.pattern.SubexpIndex("addr"), c.pattern.SubexpIndex("user"), c.pattern.SubexpIndex("time")
	if c.addr < 0 {
		return c, errors.New("pattern names no address; put (?P<addr>\\S+) where it stands")
	}
	for _, text := range r.Ignore {
		ignore, err := compileExpression(text)
		if err != nil {
			return c, fmt.Errorf("compile ignore pattern: %w", err)
		}
		c.ignore = append(c.ignore, ignore)
	}
	return c, nil
}

// NewScanner returns a Scanner for one source. ref is a moment that no line of
// the source is later than, give or take a day: when a file was last changed for
// a replay, now for a live source, of whose further lines it is when they are read.
// Times that lack a year are completed from it, those that lack a zone are taken in
// its own; it may be zero, then such times cannot be read.
func (set *Set) NewScanner(ref time.Time) *Scanner {
	return &Scanner{
		set: set, ref: ref, loginRule: set.rule(LoginRule), cooldownRule: set.rule(CooldownRule),
		names: make(map[string]string), containers: make(map[string]uint32),
		summed: make(map[uint64]burst), held: make(map[netip.Addr]bool),
		stats: Stats{Forged: make(map[netip.Addr]uint64)},
	}
}

// rule returns name if the built-in rule of that name is in the Set.
func (set *Set) rule(name string) string {
	if set.builtin[name] {
		return name
	}
	return ""
}

// match appends the failures that those of the user rules find in the line
// which it may concern. recorded is the time of the line's Odoo header, if it has one.
func (set *Set) match(dst []Failure, line Line, rules ruleBits, recorded, ref time.Time) []Failure {
	if !line.Seen.IsZero() {
		ref = line.Seen
	}
	for i := range set.user {
		if rules&userBit(i) == 0 {
			continue
		}
		if f, ok := set.user[i].match(line.Text, recorded, ref); ok {
			f.Place = line.Place
			dst = append(dst, f)
		}
	}
	return dst
}

// match reads one failure.
func (c *compiled) match(line []byte, recorded, ref time.Time) (Failure, bool) {
	var some, others [16]int
	found := c.pattern.find(some[:0], line)
	if found == nil {
		return Failure{}, false
	}
	for i := range c.ignore {
		if c.ignore[i].find(others[:0], line) != nil {
			return Failure{}, false
		}
	}
	addr, ok := parseAddr(group(line, found, c.addr))
	if !ok {
		return Failure{}, false
	}
	user := group(line, found, c.user)
	return Failure{
		Time: c.when(line, found, recorded, ref),
		Addr: addr, User: string(user[:min(len(user), longestUser)]), Rule: c.name,
	}, true
}

// when finds the failure's time: in the time group, else in the line's Odoo
// header, else at the start of the line, else it is ref.
func (c *compiled) when(line []byte, found []int, recorded, ref time.Time) time.Time {
	if t, ok := ParseTime(group(line, found, c.time), ref); ok {
		return t
	}
	if !recorded.IsZero() {
		return recorded
	}
	if t, ok := leadingTime(line, ref); ok {
		return t
	}
	return ref.UTC()
}

// group returns what a numbered group matched.
func group(line []byte, found []int, n int) []byte {
	if n < 0 || found[2*n] < 0 {
		return nil
	}
	return line[found[2*n]:found[2*n+1]]
}

// leadingTime reads the time that a line begins with: its first one to three
// words.
func leadingTime(line []byte, ref time.Time) (time.Time, bool) {
	words := 0
	for i, c := range line[:min(len(line), longestTime)] {
		if c != ' ' || i == 0 || line[i-1] == ' ' {
			continue
		}
		if t, ok := ParseTime(line[:i], ref); ok {
			return t, true
		}
		if words++; words == 3 {
			break
		}
	}
	return time.Time{}, false
}
