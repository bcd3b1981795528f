package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"odooban/rules/ledger"
	"odooban/rules/pattern"
	"odooban/rules/search"
)

// UserRule is a rule that a user wrote.
type UserRule = pattern.Rule

// Set is the rules of a program, compiled. It is safe for concurrent use.
type Set struct {
	enabled map[string]bool
	// ways has the names of the enabled rules on Odoo's log.
	ways    [ledger.Ways]string
	user    []*pattern.Pattern
	proxies []netip.Prefix
	finder  *search.Finder
	// judges says that there are rules on Odoo's log, counts that there are some on
	// Traefik's, of which each line matters.
	judges, counts bool
	// always are the rules that must see every line.
	always uint64
}

// Compile makes a Set of the built-in rules named and the user's own. proxies
// are those in front of Traefik whose word is taken for whom they ask.
func Compile(builtin []string, user []UserRule, proxies ...netip.Prefix) (*Set, error) {
	set := &Set{enabled: make(map[string]bool), proxies: proxies}
	var errs []error
	for _, name := range builtin {
		if !slices.Contains(BuiltIn(), name) {
			errs = append(errs, fmt.Errorf("rule %q is not built in; there are %q", name, BuiltIn()))
		}
		set.enabled[name] = true
	}
	for _, r := range Builtin() {
		if set.enabled[r.Name] && r.Format == OdooFormat {
			set.ways[r.way] = r.Name
		}
	}
	for _, r := range user {
		p, err := pattern.Compile(r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		set.user = append(set.user, p)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	set.find()
	return set, nil
}

// Slow lists the user's rules that every line is matched with, because no
// literal stands in all that they match: a replay takes many times longer.
func (set *Set) Slow() []string {
	var slow []string
	for _, p := range set.user {
		if len(p.Literals()) == 0 {
			slow = append(slow, p.Name())
		}
	}
	return slow
}

// rule returns name if the built-in rule of that name is in the Set.
func (set *Set) rule(name string) string {
	if set.enabled[name] {
		return name
	}
	return ""
}

// match appends the failures that those of the user's rules find in a line which it
// may concern. recorded is the time of the line's Odoo header, if it has one.
func (set *Set) match(dst []Failure, text []byte, rules uint64, place Place, recorded, ref time.Time) []Failure {
	for i, p := range set.user {
		if rules&userBit(i) == 0 {
			continue
		}
		var m pattern.Match
		if p.Match(&m, text, recorded, ref) {
			dst = append(dst, Failure{Time: m.Time, Addr: m.Addr, User: string(m.User), Rule: p.Name(), Place: place})
		}
	}
	return dst
}
