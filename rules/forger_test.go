package rules_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"odooban/rules"
)

// skill is how much a forger guesses right.
type skill int

const (
	// blind forgers know neither process nor moment.
	blind skill = iota
	// informed ones know the processes, and the moment to a second or so.
	informed
	// perfect ones know the processes, and the millisecond.
	perfect
)

// victims never make a request.
var victims = []netip.Addr{
	netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("8.8.4.4"), netip.MustParseAddr("9.9.9.9"),
	netip.MustParseAddr("2606:4700::1111"),
}

// forgery composes the logins of one forger.
type forgery struct {
	*site
	moment
	skill skill
}

// forge is a login that a forger submits.
func forge(level skill) func(*site, moment) string {
	return func(s *site, m moment) string {
		f := forgery{s, m, level}
		if s.rng.IntN(8) == 0 {
			return "x from " + f.victim().String()
		}
		lines := []string{f.first()}
		if m.kind == badDatabase {
			lines[0] = f.heading()
		}
		for range pick(s, 0, 1, 1, 2, 3, 20) {
			lines = append(lines, f.middle()...)
		}
		last := f.last()
		if m.kind == badDatabase && s.rng.IntN(2) == 0 {
			last = strings.TrimSuffix(f.head(f.victim(), "INFO", "x"), " x: ")
		}
		lines = append(lines, last)
		return strings.Join(lines, pick(s, "\n", "\n", "\r\n"))
	}
}

// heading is what stands in a header for the name of a database.
func (f forgery) heading() string {
	v := f.victim()
	line := pick(f.site, f.failed(v), f.accessOf(v, "/web/login"), f.accessOf(v, "/web/database/drop"), f.head(v, "INFO", "odoo.http")+"y")
	_, behind, _ := strings.Cut(line, " INFO ")
	return pick(f.site, behind, behind, "x")
}

// victim is whom the forger names: someone uninvolved, or someone who is
// being served right now.
func (f forgery) victim() netip.Addr {
	if busy := f.busy(f.at, f.addr); len(busy) > 0 && f.rng.IntN(3) == 0 {
		return pick(f.site, busy...).addr
	}
	return pick(f.site, victims...)
}

// process is the PID that the forger writes.
func (f forgery) process(victim netip.Addr) int {
	if f.skill == blind && f.rng.IntN(2) == 0 {
		return 50000 + f.rng.IntN(1000)
	}
	for _, r := range f.busy(f.at, f.addr) {
		if r.addr == victim && f.rng.IntN(4) > 0 {
			return r.pid
		}
	}
	return pick(f.site, f.pids...)
}

// when is the moment that the forger writes.
func (f forgery) when() time.Time {
	const ms = time.Millisecond
	switch f.skill {
	case perfect:
		return f.at.Add(f.between(0, 3*ms))
	case informed:
		off := f.between(60*ms, 1500*ms)
		return f.at.Add(pick(f.site, off, -off))
	default:
		return f.at.Add(pick(f.site, -time.Hour, -5*time.Second, 20*time.Second, time.Hour))
	}
}

// first is what comes before the first line end.
func (f forgery) first() string {
	switch f.rng.IntN(4) {
	case 0:
		return "x from " + f.victim().String() + " "
	case 1:
		return "x from " + f.victim().String()
	case 2:
		return "x from " + f.addr.String()
	}
	return "x"
}

func (f forgery) head(victim netip.Addr, level, logger string) string {
	return header(f.when(), f.process(victim), level, f.db, logger)
}

func (f forgery) failed(v netip.Addr) string {
	return f.head(v, "INFO", f.logger()) + f.message("failed", "y", v.String()) + " "
}

// accessOf is a forged access line.
func (f forgery) accessOf(v netip.Addr, path string) string {
	t := f.when()
	took := pick(f.site, 0.004, 0.04, 0.4, 4)
	return header(t, f.process(v), "INFO", pick(f.site, f.db, f.db, "None"), "werkzeug") +
		accessMessage(t, v, "POST", path, 200) + fmt.Sprintf(" 5 0.001 %.3f", took)
}

// middle is one forged record, or a pair that fits together.
func (f forgery) middle() []string {
	v := f.victim()
	if f.mixed && f.rng.IntN(3) == 0 {
		return f.inOtherForm(f.failed(v), f.accessOf(v, "/web/login"))
	}
	switch f.rng.IntN(12) {
	case 0, 1, 2:
		return []string{f.failed(v)}
	case 3:
		return []string{f.head(v, "WARNING", f.logger()) + cooldownMessage(v, "admin", f.db) + " "}
	case 4:
		return []string{f.head(v, "INFO", f.logger()) + f.message("successful", "y", pick(f.site, v, f.addr).String()) + " "}
	case 5:
		return []string{f.accessOf(pick(f.site, v, v, f.addr), pick(f.site, "/web/login", "/jsonrpc", "/web/database/drop", "/web/login/totp"))}
	case 6:
		return []string{f.failed(v), f.accessOf(v, "/web/login")}
	case 7:
		cooled := f.head(v, "WARNING", f.logger()) + cooldownMessage(v, "admin", f.db) + " "
		return []string{cooled, f.failed(v), f.accessOf(v, "/web/login")}
	case 8:
		na := f.head(v, "INFO", f.logger()) + f.message("failed", "y", "n/a") + " "
		return []string{na, f.accessOf(v, "/jsonrpc")}
	case 9:
		return []string{f.head(v, "INFO", "odoo.addons.auth_signup.controllers.main") +
			fmt.Sprintf("Password reset attempt for <a> by user <b> from %s ", v)}
	case 10:
		return []string{"and on from " + v.String() + " "}
	}
	return []string{"   File \"x\", line 1", f.head(v, "INFO", "odoo.http") + "nothing"}
}

// inOtherForm writes lines as another log would have them.
func (f forgery) inOtherForm(lines ...string) []string {
	form := f.rng.IntN(4)
	for i, line := range lines {
		switch form {
		case 0:
			lines[i] = "odoo-1  | " + line
		case 1:
			lines[i] = f.when().Format(time.RFC3339Nano) + " " + line
		case 2:
			lines[i] = fmt.Sprintf(`{"log":%q,"stream":"stderr","time":"2026-11-23T10:45:45.456789012Z"}`, line+"\n")
		default:
			_, rest, _ := strings.Cut(line, " INFO ")
			db, message, _ := strings.Cut(rest, " ")
			logger, message, _ := strings.Cut(message, ": ")
			lines[i] = fmt.Sprintf(`{"asctime":%q,"pid":%d,"levelname":"INFO","dbname":%q,"name":%q,"message":%q}`,
				line[:23], f.pid, db, logger, message)
		}
	}
	return lines
}

// last is the line that the true address is written behind.
func (f forgery) last() string {
	v := f.victim()
	switch f.rng.IntN(7) {
	case 0:
		return "z"
	case 1:
		return f.head(v, "INFO", f.logger()) + strings.TrimSuffix(f.message("successful", "z", ""), " from ")
	case 2:
		return f.head(v, "INFO", "odoo.http") + "nothing"
	case 3:
		return f.accessOf(v, "/web/login")
	case 4:
		return f.head(v, "WARNING", f.logger()) + cooldownMessage(v, "admin", f.db)
	}
	return f.head(v, "INFO", f.logger()) + strings.TrimSuffix(f.message("failed", "z", ""), " from ")
}

// crowd is who visits a site in a test.
type crowd struct {
	visits    int
	span      time.Duration
	attackers int
	forgers   int
	skill     skill
	// programs says that among the visitors are programs that log in over RPC.
	programs bool
	// texts says that forgers use whatever Odoo logs as it was sent, and lines in
	// all forms.
	texts bool
}

// genuine says whether addr is an attacker who does not forge.
func genuine(addr netip.Addr) bool { return strings.HasPrefix(addr.String(), "203.0.113.") }

// run lets a crowd visit.
func (s *site) run(c crowd) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	s.mixed = c.texts
	for range c.visits {
		at = at.Add(s.between(0, 2*c.span/time.Duration(c.visits)))
		s.serve(s.visitor(c, at))
	}
}

// visitor is the next request.
func (s *site) visitor(c crowd, at time.Time) visit {
	v := visit{at: at}
	fails := []visitKind{failForm, failForm, failJSON, failRPC}
	if s.version >= 12 {
		fails = append(fails, cooldown)
	}
	switch n := s.rng.IntN(10); {
	case n < 4 && c.attackers > 0:
		v.addr = netip.AddrFrom4([4]byte{203, 0, 113, byte(1 + s.rng.IntN(c.attackers))})
		v.kind = pick(s, fails...)
	case n < 6 && c.forgers > 0:
		v.addr = netip.AddrFrom4([4]byte{198, 51, 100, byte(1 + s.rng.IntN(c.forgers))})
		v.kind = pick(s, append(fails, resetPassword)...)
		if v.kind == cooldown {
			v.kind = failForm
		}
		if c.texts && s.rng.IntN(2) == 0 {
			v.kind = badPath
			if s.version <= 16 && s.rng.IntN(2) == 0 {
				v.kind = badDatabase
			}
		}
		v.login = forge(c.skill)
	default:
		v.addr = netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + s.rng.IntN(8))})
		passes := []visitKind{getPage, getPage, callMethod, callMethod, rpcVersion, passForm, passJSON}
		if c.programs {
			passes = append(passes, passRPC, passRPC)
		}
		v.kind = pick(s, passes...)
	}
	return v
}

var _ = rules.LoginRule
