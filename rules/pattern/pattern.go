// Package pattern matches lines of any log with patterns that users wrote: RE2
// expressions that name an address. It promises linear time for any line, and
// that Match allocates nothing for a line that does not match, if the pattern is
// a sequence (see sequence.go) and the line is ASCII.
package pattern

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"odooban/rules/record"
	"odooban/rules/search"
)

const (
	// longestUser bounds the user names of matches, in bytes.
	longestUser = 256
	// longestTime bounds how far into a line a time is looked for, in bytes.
	longestTime = 40
)

// Rule is a rule that a user wrote: a line that Pattern matches, and no pattern
// of Ignore, is a failure.
type Rule struct {
	Name string
	// Pattern is an RE2 expression with the named group "addr", and optionally
	// "user" and "time" (any form that record.ParseTime reads).
	Pattern string
	// Ignore are RE2 expressions for lines that are no failures after all.
	Ignore []string
}

// Match is a failure that a line tells of.
type Match struct {
	Time time.Time  // in UTC; the zero time where nothing says when
	Addr netip.Addr // unmapped, without a zone
	User []byte     // a part of the line of at most 256 bytes, nil without a group "user"
}

// Pattern is a Rule, compiled. It is safe for concurrent use.
type Pattern struct {
	name             string
	pattern          expression
	ignore           []expression
	addr, user, time int // group numbers; -1 without
	literals         []string
}

// Compile makes a rule ready. Errors name the rule, and what is wrong: an
// expression that RE2 does not know, or one that names no address.
func Compile(r Rule) (*Pattern, error) {
	p := &Pattern{name: r.Name, literals: search.Required(r.Pattern)}
	var err error
	if p.pattern, err = compile(r.Pattern); err != nil {
		return nil, fmt.Errorf("rule %q: compile pattern: %w", r.Name, err)
	}
	p.addr, p.user, p.time = p.pattern.SubexpIndex("addr"), p.pattern.SubexpIndex("user"), p.pattern.SubexpIndex("time")
	if p.addr < 0 {
		return nil, fmt.Errorf("rule %q: %w", r.Name, errNoAddress)
	}
	for _, text := range r.Ignore {
		ignore, err := compile(text)
		if err != nil {
			return nil, fmt.Errorf("rule %q: compile ignore pattern: %w", r.Name, err)
		}
		p.ignore = append(p.ignore, ignore)
	}
	return p, nil
}

var errNoAddress = errors.New(`pattern names no address; put (?P<addr>\S+) where it stands`)

// Name returns the name of the rule.
func (p *Pattern) Name() string { return p.name }

// Literals returns texts of which every line that matches holds at least one, as
// the log's writer wrote it. It is nil where there are none: then every line must
// be matched, which takes many times longer than searching.
func (p *Pattern) Literals() []string { return p.literals }

// Match reports whether the line, without its line end, is a failure, and
// describes it in m. recorded is the time of the line's header, if it has been
// read, and zero otherwise; ref is a moment shortly after the line was written, from
// which times that lack a year are completed.
func (p *Pattern) Match(m *Match, line []byte, recorded, ref time.Time) bool {
	var some, others [16]int
	found := p.pattern.find(some[:0], line)
	if found == nil {
		return false
	}
	for i := range p.ignore {
		if p.ignore[i].find(others[:0], line) != nil {
			return false
		}
	}
	addr, ok := record.ParseAddr(group(line, found, p.addr))
	if !ok {
		return false
	}
	user := group(line, found, p.user)
	*m = Match{p.when(line, found, recorded, ref), addr, user[:min(len(user), longestUser)]}
	return true
}

// when finds the failure's time: in the time group, else in the line's header,
// else at the start of the line, else it is ref.
func (p *Pattern) when(line []byte, found []int, recorded, ref time.Time) time.Time {
	if t, ok := record.ParseTime(group(line, found, p.time), ref); ok {
		return t
	}
	if !recorded.IsZero() {
		return recorded
	}
	if t, ok := LeadingTime(line, ref); ok {
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

// LeadingTime reads the time that a line begins with: its first one to three words,
// in any form that record.ParseTime reads. ref is as there.
func LeadingTime(line []byte, ref time.Time) (time.Time, bool) {
	words := 0
	for i, c := range line[:min(len(line), longestTime)] {
		if c != ' ' || i == 0 || line[i-1] == ' ' {
			continue
		}
		if t, ok := record.ParseTime(line[:i], ref); ok {
			return t, true
		}
		if words++; words == 3 {
			break
		}
	}
	return time.Time{}, false
}
