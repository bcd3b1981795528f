package odoosim

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Way is how somebody comes to the server.
type Way uint8

// The ways to fail, and the others.
const (
	Form Way = iota
	JSON
	JSONRPC
	XMLRPC
	Upload
	CooledForm // in Odoo's cooldown
	CooledJSON
	Doubled // 12: two records in one request
	TOTP
	Reset
	Manager // of databases
	API     // a bearer key
	LDAP    // refused by Odoo, let in by LDAP: a false failure
	// SlowForm is refused after 10 s: a directory that does not answer.
	SlowForm
	Pass // the form, let in
	PassJSON
	PassRPC
	Page
	Call
	Object  // RPC with a wrong password that is no login: access line only
	BadPath // a form with a wrong token, to any path
	NoToken // a form without one
	NoDatabase
	Fragment // call_kw: the access line holds what was sent
)

func (w Way) String() string {
	return [...]string{
		"form", "json", "jsonrpc", "xmlrpc", "upload", "cooled form", "cooled json", "doubled", "totp", "reset", "manager",
		"api", "ldap", "slow form", "pass", "pass json", "pass rpc", "page", "call", "object", "bad path", "no token",
		"no database", "fragment",
	}[w]
}

// fails says by which rule a way's attempt is a failure; empty for none.
func (w Way) fails() string {
	switch w {
	case Form, JSON, JSONRPC, XMLRPC, Upload, Doubled, LDAP, SlowForm:
		return LoginRule
	case CooledForm, CooledJSON:
		return CooldownRule
	case TOTP:
		return TOTPRule
	case Reset:
		return ResetRule
	case Manager:
		return DatabaseRule
	case API:
		return APIRule
	case BadPath:
		return CSRFRule
	case NoDatabase:
		return NameRule
	}
	return ""
}

// texts is what a request sends: composed when the record is made, so that a simulated forger can be as lucky as a test
// wants.
type texts func(m moment) string

const us, ms = time.Microsecond, time.Millisecond

// scripted makes the request: which records it causes, and when.
func (s *Site) scripted(addr netip.Addr, actor int, way Way, prefix string, user texts) *request {
	r := &request{addr: addr, actor: actor, way: way}
	lead := time.Duration(s.between(3*ms, 9*ms))
	hash := time.Duration(0)
	if !s.Fast && s.rng.IntN(4) == 0 {
		hash = time.Duration(s.between(450*ms, 800*ms))
	}
	render := time.Duration(s.between(2*ms, 7*ms))
	if s.rng.IntN(4) == 0 {
		render = time.Duration(s.between(7*ms, 60*ms))
	}
	answer := time.Duration(s.between(50*us, 2200*us))
	if s.rng.IntN(20) == 0 {
		answer = time.Duration(s.between(2*ms, 40*ms))
		if s.Workers == 0 {
			answer /= 3 // threads are slower already
		}
	}
	add := func(after time.Duration, record func(m moment) []byte) {
		r.steps = append(r.steps, step{after, record})
	}
	end := func(after time.Duration, db, method, path string, status, queries int) {
		add(after, func(m moment) []byte {
			if rule := way.fails(); rule != "" && (rule == DatabaseRule || rule == APIRule) {
				s.failed(m, r, rule)
			}
			return s.access(m, db, method, prefix+path, status, queries)
		})
	}
	from := addr.String()
	refuse := func(after time.Duration, db, from string) {
		add(after, func(m moment) []byte {
			if len(r.attempts) == 0 {
				s.failed(m, r, way.fails())
			}
			return s.login(m, "failed", db, user(m), from)
		})
	}
	warn := func(after time.Duration, level, logger, message string) {
		add(after, func(m moment) []byte { return s.record(m.at, m.slot.pid, level, database, logger, message) })
	}
	switch way {
	case Form:
		refuse(lead+hash, database, from)
		end(render, database, "POST", "/web/login", 200, 5)
	case SlowForm:
		refuse(10*time.Second+lead, database, from)
		end(render, database, "POST", "/web/login", 200, 5)
	case Doubled:
		refuse(lead+hash, database, from)
		refuse(time.Duration(s.between(500*us, 3*ms)), database, from)
		end(render, database, "POST", "/web/login", 200, 6)
	case JSON:
		refuse(lead+hash, database, from)
		warn(answer, "WARNING", httpLogger, "Access Denied")
		end(time.Duration(s.between(20*us, 900*us)), database, "POST", "/web/session/authenticate", 200, 4)
	case Upload:
		refuse(lead+hash, database, from)
		end(answer, database, "POST", "/base_import_module/login_upload", 500, 4)
	case JSONRPC, XMLRPC, PassRPC:
		s.scriptRPC(r, way, user, lead+hash, answer, add, end)
	case CooledForm, CooledJSON:
		s.scriptCooled(r, way, user, lead, render, add, refuse, warn, end)
	case LDAP:
		refuse(lead, database, from)
		end(time.Duration(s.between(20*ms, 300*ms)), database, "POST", "/web/login", 303, 14)
	case Pass, PassJSON:
		add(lead+hash, func(m moment) []byte { return s.login(m, "successful", database, user(m), from) })
		path, status := "/web/login", 303
		if way == PassJSON {
			path, status = "/web/session/authenticate", 200
		}
		end(render, database, "POST", path, status, 14)
	default:
		s.scriptOther(r, way, user, lead, render, answer, add, end)
	}
	return r
}

// scriptRPC is a login by RPC, of which the server does not know from where it comes since 16.
func (s *Site) scriptRPC(r *request, way Way, user texts, lead, answer time.Duration,
	add func(time.Duration, func(moment) []byte), end func(time.Duration, string, string, string, int, int),
) {
	path, controller := "/jsonrpc", "odoo.addons.rpc.controllers.jsonrpc"
	if way == XMLRPC || way == PassRPC && s.rng.IntN(2) == 0 {
		path, controller = "/xmlrpc/2/common", "odoo.addons.rpc.controllers.xmlrpc"
	}
	db, from, outcome := database, r.addr.String(), "failed"
	if s.Version >= 16 {
		db, from = "None", "n/a"
	}
	if way == PassRPC {
		outcome = "successful"
	}
	if s.Version >= 19 {
		add(time.Duration(s.between(2*ms, 5*ms)), func(m moment) []byte {
			return s.record(m.at, m.slot.pid, "WARNING", database, controller, deprecated(controller))
		})
		lead = max(lead-4*ms, 1*ms)
	}
	add(lead, func(m moment) []byte {
		if way != PassRPC {
			s.failed(m, r, way.fails())
		}
		return s.login(m, outcome, db, user(m), from)
	})
	end(answer, db, "POST", path, 200, 3)
}

// scriptCooled is an attempt that Odoo does not look at, and logs as a failure all the same.
func (s *Site) scriptCooled(r *request, way Way, user texts, lead, render time.Duration,
	add func(time.Duration, func(moment) []byte), refuse func(time.Duration, string, string),
	warn func(time.Duration, string, string, string), end func(time.Duration, string, string, string, int, int),
) {
	add(lead, func(m moment) []byte {
		s.failed(m, r, way.fails())
		return s.record(m.at, m.slot.pid, "WARNING", database, loginLogger, cooldown(r.addr, "admin", m.at))
	})
	refuse(time.Duration(s.between(100*us, 1500*us)), database, r.addr.String())
	if way == CooledForm {
		end(render, database, "POST", "/web/login", 200, 3)
		return
	}
	warn(time.Duration(s.between(300*us, 2*ms)), "WARNING", httpLogger,
		"Too many login failures, please wait a bit before trying again.")
	end(time.Duration(s.between(20*us, 900*us)), database, "POST", "/web/session/authenticate", 200, 3)
	_ = user
}

// scriptOther are requests that are no logins with a password.
func (s *Site) scriptOther(r *request, way Way, user texts, lead, render, answer time.Duration,
	add func(time.Duration, func(moment) []byte), end func(time.Duration, string, string, string, int, int),
) {
	switch way {
	case TOTP:
		add(lead, func(m moment) []byte {
			s.failed(m, r, way.fails())
			return s.record(m.at, m.slot.pid, "INFO", database, totpLogger, "2FA check: FAIL for res.users(2,) 'admin'")
		})
		end(render, database, "POST", "/web/login/totp", 200, 8)
	case Reset:
		add(lead, func(m moment) []byte {
			s.failed(m, r, way.fails())
			return s.record(m.at, m.slot.pid, "INFO", database, resetLogger,
				fmt.Sprintf("Password reset attempt for <%s> by user <public> from %s", user(m), r.addr))
		})
		end(render, database, "POST", "/web/reset_password", 200, 6)
	case Manager:
		end(lead+render, "None", "POST", "/web/database/drop", 200, 1)
	case API:
		end(lead+answer, database, "POST", "/json/2/res.partner/search_count", 401, 3)
	case Page:
		end(lead+render, database, "GET", "/web/login", 200, 4)
	case Call:
		path := "/web/dataset/call_kw/res.partner/web_search_read"
		if s.Version >= 19 {
			path += "#res.partner.web_search_read"
		}
		end(lead+render, database, "POST", path, 200, 9)
	case Object:
		end(lead+render, "None", "POST", "/xmlrpc/2/object", 200, 6)
	case NoToken:
		add(lead, func(m moment) []byte {
			return s.record(m.at, m.slot.pid, "WARNING", database, httpLogger, uncsrf("/web/login"))
		})
		end(render, database, "POST", "/web/login", 400, 2)
	case BadPath:
		add(lead, func(m moment) []byte {
			s.failed(m, r, way.fails())
			return s.record(m.at, m.slot.pid, "WARNING", database, httpLogger, "CSRF validation failed on path '/"+user(m)+"'")
		})
		end(render, database, "POST", "/web/login", 400, 1)
	case NoDatabase:
		var name string
		add(lead, func(m moment) []byte {
			s.failed(m, r, way.fails())
			name = user(m)
			failed := "FATAL:  database \"" + name + "\" does not exist"
			return s.record(m.at, m.slot.pid, "ERROR", name, httpLogger, failed+"\nTraceback (most recent call last):\n"+
				"  File \"/usr/lib/python3/dist-packages/odoo/http.py\", line 141, in dispatch_rpc\n"+
				"psycopg2.OperationalError: "+failed+"\n")
		})
		add(answer, func(m moment) []byte { return s.access(m, name, "POST", "/xmlrpc/2/common", 200, 2) })
	case Fragment:
		add(lead+render, func(m moment) []byte {
			return s.access(m, database, "POST", "/web/dataset/call_kw#res.partner."+user(m), 200, 6)
		})
	default:
		end(lead, database, "GET", "/", 303, 1)
	}
}

// failed notes the truth about an attempt whose record is made now.
func (s *Site) failed(m moment, r *request, rule string) {
	a := Attempt{
		At: moments(m.at), Addr: r.addr, Rule: rule, Way: r.way, Actor: r.actor,
		Soft: r.way == LDAP || r.dies || rule == CSRFRule || rule == NameRule,
	}
	if r.actor >= 0 {
		a.Forger = s.Actors[r.actor].Forges()
	}
	r.attempts = append(r.attempts, a)
}

// named is a login name without surprises.
func (s *Site) named() texts {
	name := pick(s.rng, "admin", "demo", "user"+itoa(s.rng.IntN(90))+"@example.org", "nobody"+itoa(s.rng.IntN(30)))
	return func(moment) string { return name }
}

// cut is s before the last sep.
func cut(s, sep string) string { return s[:max(0, strings.LastIndex(s, sep))] }
