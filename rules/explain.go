package rules

import (
	"net/netip"
	"time"
)

// Explanation is what one line says by itself, for people who write rules or
// wonder about one.
type Explanation struct {
	// Text says what kind of line it is.
	Text string `json:"text"`
	// Rule is the rule that matches, or empty.
	Rule string `json:"rule,omitempty"`
	// Time, Level, Addr, User, DB and Logger are what was read, as far as there
	// is any. Level is one of Python's names, or what a JSON formatter made of it.
	Time   time.Time  `json:"time,omitzero"`
	Level  string     `json:"level,omitempty"`
	Addr   netip.Addr `json:"addr,omitzero"`
	User   string     `json:"user,omitempty"`
	DB     string     `json:"db,omitempty"`
	Logger string     `json:"logger,omitempty"`
}

// Explain says what line says by itself. A Scanner, which sees the lines around
// it too, may judge otherwise.
func (set *Set) Explain(line []byte, now time.Time) Explanation {
	s := set.NewScanner(now)
	var r record
	ok := s.parse(&r, line)
	if found := set.match(nil, Line{Text: line}, set.filter.line(line), r.when, now); len(found) > 0 {
		f := found[0]
		return Explanation{Text: "a failure by your rule", Rule: f.Rule, Time: f.Time, Addr: f.Addr, User: f.User}
	}
	var q proxied
	if parseTraefik(&q, line) {
		return set.explainProxied(&q)
	}
	if !ok {
		return Explanation{Text: "not the header of an Odoo record: it continues the record before it, or is no Odoo log"}
	}
	e := Explanation{Time: r.when, Level: string(r.level), DB: string(r.database()), Logger: string(r.logger)}
	if r.writer == accessWriter {
		set.explainAccess(&e, &r)
		return e
	}
	set.explainLogin(&e, parseLogin(&r))
	return e
}

// explainAccess explains an access line.
func (set *Set) explainAccess(e *Explanation, r *record) {
	a, ok := parseAccess(r.msg)
	switch e.Addr = a.addr; {
	case !ok:
		e.Text = "a line of the web server, but no request"
	case a.login():
		e.Text = "an access line where logins are tried: it proves the failed login before it"
	default:
		e.Text = "an access line"
	}
	if rule := set.rule(a.rule()); ok && rule != "" {
		e.Text, e.Rule = describeProbe(rule), rule
	}
}

// explainProxied explains a line of Traefik's.
func (set *Set) explainProxied(q *proxied) Explanation {
	e := Explanation{Text: "a request in Traefik's log", Time: q.end(), Rule: set.rule(q.rule())}
	if e.Rule != "" {
		e.Text += ": " + describeProbe(e.Rule)
	}
	var ok bool
	if e.Addr, ok = q.client(set.proxies); !ok || q.murky {
		e.Text += "; not sure whose, so it does not count"
		e.Addr, e.Rule = netip.Addr{}, ""
	}
	return e
}

// describeProbe says what a request was by the rule that it is a failure by.
func describeProbe(rule string) string {
	switch rule {
	case DatabaseRule, TraefikDatabaseRule:
		return "a request for the database manager"
	case APIRule:
		return "a request to the API without a valid key"
	case TOTPRule:
		return "a wrong one-time code"
	case ResetRule:
		return "somebody asks for a new password"
	case TraefikRatelimitRule:
		return "refused as one of too many"
	}
	return "a failed login"
}

// explainLogin explains a record of the login code, or any other.
func (set *Set) explainLogin(e *Explanation, l login) {
	e.Addr, e.User = l.addr, string(l.user)
	if e.DB == "" {
		e.DB = string(l.db)
	}
	switch l.event {
	case loginFailed:
		e.Rule = set.rule(LoginRule)
		switch {
		case l.addr.IsValid():
			e.Text = "a failed login"
		case l.none:
			e.Text = "a failed login over RPC: the access line behind it names the address"
		default:
			e.Text = "a failed login without an address: the lines behind it name one"
		}
	case loginPassed:
		e.Text = "a successful login"
	case resetTried:
		e.Text = "a password reset: not a failure"
	case cooledDown:
		e.Text, e.Rule = "a login that Odoo refused to look at after too many failures", set.rule(CooldownRule)
	case proxySuspected:
		e.Text = "Odoo suspects that the addresses it sees are a proxy's: check proxy_mode"
	case unknownLogin:
		e.Text = "a line about logins that no rule understands"
	default:
		e.Text = "an Odoo record that is no failure"
	}
}

// RecordTime reads the time of a line: of the record whose header it is, or
// the time it begins with. ref is as in Set.NewScanner.
func RecordTime(line []byte, ref time.Time) (time.Time, bool) {
	var d dockerLog
	line, _, _ = d.unwrap(line, 0)
	var r record
	var p plain
	if p.parse(&r, line) { // most are, and that takes the least
		return r.when, true
	}
	var q proxied
	if parseTraefik(&q, line) {
		return q.end(), true
	}
	s := Scanner{ref: ref, names: make(map[string]string), containers: make(map[string]uint32)}
	if s.parse(&r, line) {
		return r.when, true
	}
	return leadingTime(line, ref)
}
