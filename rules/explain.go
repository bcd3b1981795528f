package rules

import (
	"net/netip"
	"time"

	"odooban/rules/batch"
	"odooban/rules/ledger"
	"odooban/rules/odoo"
	"odooban/rules/pattern"
	"odooban/rules/record"
	"odooban/rules/traefik"
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
	var f frames
	f.next(&Line{Text: line}, now, 0)
	text := f.frame.Text
	var p record.Parser
	var r record.Record
	isRecord := p.Parse(&r, &f.frame, now)
	when := f.frame.Stamp
	if isRecord {
		when = r.When
	}
	if found := set.match(nil, f.users(line), set.interested(line), Place{}, when, now); len(found) > 0 {
		f := found[0]
		return Explanation{Text: "a failure by your rule", Rule: f.Rule, Time: f.Time, Addr: f.Addr, User: f.User}
	}
	var q traefik.Request
	if traefik.Parse(&q, text) {
		return set.explainProxied(&q)
	}
	if !isRecord {
		return Explanation{Text: "not the header of an Odoo record: it continues the record before it, or is no Odoo log"}
	}
	var o odoo.Parser
	var event odoo.Event
	o.Parse(&event, &f.frame, now)
	e := Explanation{
		Time: r.When, Level: string(record.StripColour(r.Level)), Logger: string(r.Logger),
		Addr: event.Addr, User: string(odoo.Kept(event.User)), DB: string(odoo.Kept(event.DB)),
	}
	e.Text, e.Rule = set.explainEvent(&event)
	if e.Text == "" {
		e.Text = textOf(&event, r.Writer)
	}
	return e
}

// explainEvent says by which rule an event is a failure, as one who sees no other line
// decides; nothing if it is none.
func (set *Set) explainEvent(e *odoo.Event) (text, rule string) {
	way, reason, alone := ledger.NoWay, Reason(""), *e
	l := ledger.New(nil)
	l.Take(&alone, ledger.Line{Number: 1, Batch: new(batch.Batch)})
	l.Flush()
	for _, v := range l.Verdicts() {
		way, reason = v.Way, v.Reason
	}
	if rule = set.ways[way]; rule == "" {
		return "", ""
	}
	switch {
	case reason == "" || e.Kind != odoo.Failed:
		text = titleOf(rule)
	case e.Ending == odoo.Nowhere:
		text = "a failed login over RPC: the access line behind it names the address"
	default:
		text = "a failed login without an address: the lines behind it name one"
	}
	return text, rule
}

// textOf says what kind of record an event is that is no failure by any rule.
func textOf(e *odoo.Event, w record.Writer) string {
	switch e.Kind {
	case odoo.Failed:
		return "a failed login"
	case odoo.Passed:
		return "a successful login"
	case odoo.Reset:
		return "a password reset: not a failure"
	case odoo.Cooldown:
		return titleOf(CooldownRule)
	case odoo.Proxy:
		return "Odoo suspects that the addresses it sees are a proxy's: check proxy_mode"
	case odoo.Unknown:
		return "a line about logins that no rule understands"
	case odoo.Access:
		if triesLogin(&e.Request) {
			return "an access line where logins are tried: it proves the failed login before it"
		}
		return "an access line"
	}
	if w == record.Access {
		return "a line of the web server, but no request"
	}
	return "an Odoo record that is no failure"
}

// triesLogin reports whether a request may have left a record of a login.
func triesLogin(r *odoo.Request) bool {
	return r.Status < 400 && (r.RPC() || r.Post && r.LoginPage())
}

// explainProxied explains a line of Traefik's.
func (set *Set) explainProxied(q *traefik.Request) Explanation {
	e := Explanation{Text: "a request in Traefik's log", Time: q.End()}
	addr, reason := q.Client(set.proxies)
	sure := reason == "" && !q.Murky
	kind, also := q.Kinds()
	for _, k := range []traefik.Kind{also, kind} {
		if rule := set.rule(proxyRule(k)); rule != "" {
			e.Rule = rule
		}
	}
	if e.Rule != "" {
		e.Text += ": " + titleOf(e.Rule)
	}
	if sure {
		e.Addr = addr
	} else {
		e.Text, e.Rule = e.Text+"; not sure whose, so it does not count", ""
	}
	return e
}

// RecordTime reads the time of a line: of the record whose header it is, or
// the time it begins with. ref is as in Set.NewScanner.
func RecordTime(line []byte, ref time.Time) (time.Time, bool) {
	var f frames
	f.next(&Line{Text: line}, ref, 0)
	text := f.frame.Text
	var p record.Parser
	var r record.Record
	if p.Begins(&r, text) { // most are, and that takes the least
		return r.When, true
	}
	var q traefik.Request
	if traefik.Parse(&q, text) {
		return q.End(), true
	}
	switch {
	case p.Parse(&r, &f.frame, ref):
		return r.When, true
	case !f.frame.Stamp.IsZero():
		return f.frame.Stamp, true
	}
	return pattern.LeadingTime(text, ref)
}
