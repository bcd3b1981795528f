package rules_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"odooban/rules"
)

// site is a model of an Odoo server and its log: it writes what Odoo of the
// version would write, and knows who truly failed.
type site struct {
	rng     *rand.Rand
	version int
	pids    []int       // one: threaded; more: prefork workers
	free    []time.Time // when each worker has answered
	db      string
	quiet   bool // werkzeug logs at WARNING: no access lines
	mixed   bool // forgers use lines in all forms
	writes  []write
	running []running
	truth   map[string]int
}

// write is one record as it reached the log, whole.
type write struct {
	at   time.Time
	text string
}

// running is a request that a forger may know of.
type running struct {
	addr netip.Addr
	pid  int
	end  time.Time
}

// visit is one request.
type visit struct {
	at   time.Time
	addr netip.Addr
	kind visitKind
	// login composes what is submitted, when the record is written: forgers
	// in the simulator are as lucky as the test wants.
	login func(s *site, moment moment) string
}

type visitKind int

const (
	getPage visitKind = iota
	callMethod
	rpcVersion
	passForm
	passJSON
	passRPC
	failForm
	failJSON
	failRPC
	cooldown
	resetPassword
	badPath     // a form without its token
	badDatabase // XML-RPC, to a database that is not there
)

// moment is what holds while a record is written.
type moment struct {
	at   time.Time
	pid  int
	addr netip.Addr
	kind visitKind
}

// newSite is a server that starts now; workers is 0 for a threaded one.
func newSite(seed uint64, version, workers int) *site {
	s := &site{rng: rand.New(rand.NewPCG(seed, 1)), version: version, db: "openspp", truth: make(map[string]int)}
	for len(s.pids) < max(workers, 1) {
		if pid := 1 + s.rng.IntN(40000); !slices.Contains(s.pids, pid) {
			s.pids = append(s.pids, pid)
		}
	}
	s.free = make([]time.Time, len(s.pids))
	return s
}

// between is a random duration.
func (s *site) between(low, high time.Duration) time.Duration {
	return low + time.Duration(s.rng.Int64N(int64(high-low)))
}

// worker takes the process that answers a request arriving at t.
func (s *site) worker(t time.Time) (n int, start time.Time) {
	if len(s.pids) == 1 {
		return 0, t
	}
	for i := range s.free {
		if s.free[i].Before(s.free[n]) {
			n = i
		}
	}
	// Whoever is idle takes it.
	var idle []int
	for i, free := range s.free {
		if !free.After(t) {
			idle = append(idle, i)
		}
	}
	if len(idle) > 0 {
		return idle[s.rng.IntN(len(idle))], t
	}
	return n, s.free[n]
}

// serve answers one request.
func (s *site) serve(v visit) {
	n, start := s.worker(v.at)
	pid := s.pids[n]
	logged := start.Add(s.between(2*time.Millisecond, 60*time.Millisecond))
	if s.rng.IntN(4) == 0 {
		logged = logged.Add(s.between(0, 600*time.Millisecond))
	}
	end := logged.Add(s.between(200*time.Microsecond, 20*time.Millisecond))
	if s.rng.IntN(5) == 0 {
		end = end.Add(s.between(0, 200*time.Millisecond))
	}
	s.free[n] = end.Add(s.between(100*time.Microsecond, time.Millisecond))
	s.running = append(s.running, running{v.addr, pid, end})

	db, path, status := s.db, "/web/login", 200
	switch v.kind {
	case getPage:
		s.access(end, start, pid, db, v.addr, "GET", "/web/login", 200)
		return
	case callMethod:
		s.access(end, start, pid, db, v.addr, "POST", "/web/dataset/call_kw/res.partner/read", 200)
		return
	case rpcVersion:
		s.write(end, header(end, pid, "INFO", "None", "werkzeug")+
			accessMessage(end, v.addr, "POST", "/jsonrpc", 200)+" 0 0.000 0.002")
		return
	case failJSON, passJSON:
		path = "/web/session/authenticate"
	case failRPC, passRPC:
		path = "/jsonrpc"
		if s.version >= 16 {
			db = "None"
		}
	case resetPassword:
		path = "/web/reset_password"
	}
	login := "admin"
	if v.login != nil {
		login = v.login(s, moment{logged, pid, v.addr, v.kind})
	}
	switch v.kind {
	case badPath:
		s.record(logged, pid, "WARNING", db, "odoo.http", fmt.Sprintf("CSRF validation failed on path '/%s'", login))
		path, status = "/x", 400
	case badDatabase:
		failed := fmt.Sprintf("FATAL:  database \"%s\" does not exist", login) //nolint:gocritic // it is not quoted
		s.record(logged, pid, "ERROR", login, "odoo.http", failed+"\nTraceback (most recent call last):\n"+
			"  File \"/usr/lib/python3/dist-packages/odoo/http.py\", line 141, in dispatch_rpc\npsycopg2.OperationalError: "+failed+"\n")
		db, path = login, "/xmlrpc/2/common"
	case passForm, passJSON:
		s.record(logged, pid, "INFO", db, s.logger(), s.message("successful", login, v.addr.String()))
		if v.kind == passForm && s.version >= 15 {
			status = 303
		}
	case passRPC:
		from := v.addr.String()
		if s.version >= 16 {
			from = "n/a"
		}
		s.record(logged, pid, "INFO", db, s.logger(), s.message("successful", login, from))
	case resetPassword:
		s.record(logged, pid, "INFO", db, "odoo.addons.auth_signup.controllers.main",
			fmt.Sprintf("Password reset attempt for <%s> by user <public> from %s", login, v.addr))
		s.truth[rules.ResetRule+" "+v.addr.String()]++
	case failRPC:
		from := v.addr.String()
		if s.version >= 16 {
			from = "n/a"
		}
		s.fail(logged, pid, db, login, from, v.addr, rules.LoginRule)
	case cooldown:
		s.record(logged.Add(-200*time.Microsecond), pid, "WARNING", db, s.logger(), cooldownMessage(v.addr, login, db))
		s.fail(logged, pid, db, login, v.addr.String(), v.addr, rules.CooldownRule)
	default:
		s.fail(logged, pid, db, login, v.addr.String(), v.addr, rules.LoginRule)
	}
	if v.kind == failJSON {
		s.record(end.Add(-100*time.Microsecond), pid, "WARNING", db, "odoo.http", "Access Denied")
	}
	s.access(end, start, pid, db, v.addr, "POST", path, status)
}

// fail writes the line of a failed login.
func (s *site) fail(t time.Time, pid int, db, login, from string, addr netip.Addr, rule string) {
	s.record(t, pid, "INFO", db, s.logger(), s.message("failed", login, from))
	s.truth[rule+" "+addr.String()]++
}

func (s *site) logger() string {
	switch {
	case s.version < 10:
		return "openerp.addons.base.res.res_users"
	case s.version < 12:
		return "odoo.addons.base.res.res_users"
	}
	return "odoo.addons.base.models.res_users"
}

// message is the line about a login, by version.
func (s *site) message(outcome, login, from string) string {
	switch {
	case s.version < 11:
		return fmt.Sprintf("Login %s for db:%s login:%s", outcome, s.db, login)
	case s.version < 19:
		return fmt.Sprintf("Login %s for db:%s login:%s from %s", outcome, s.db, login, from)
	}
	return fmt.Sprintf("Login %s for login:%s from %s", outcome, login, from)
}

func cooldownMessage(addr netip.Addr, login, db string) string {
	return fmt.Sprintf("Login attempt ignored for %s (user %q) on %s: 10 failures since last success, "+
		"last failure at 2026-11-23 10:48:56.743481. You can configure the number of login failures", addr, login, db)
}

// header is the prefix of a record.
func header(t time.Time, pid int, level, db, logger string) string {
	stamp := strings.Replace(t.UTC().Format("2006-01-02 15:04:05.000"), ".", ",", 1)
	return fmt.Sprintf("%s %d %s %s %s: ", stamp, pid, level, db, logger)
}

// record writes one record.
func (s *site) record(t time.Time, pid int, level, db, logger, message string) {
	tail := ""
	if s.version >= 12 {
		tail = " "
	}
	s.writes = append(s.writes, write{t, header(t, pid, level, db, logger) + message + tail + "\n"})
}

// write puts a line into the log.
func (s *site) write(t time.Time, line string) {
	s.writes = append(s.writes, write{t, line + "\n"})
}

// access writes an access line.
func (s *site) access(end, start time.Time, pid int, db string, addr netip.Addr, method, path string, status int) {
	if s.quiet {
		return
	}
	text := header(end, pid, "INFO", db, "werkzeug") + accessMessage(end, addr, method, path, status)
	if s.version >= 12 {
		took := end.Sub(start).Seconds() - 0.0003
		text += fmt.Sprintf(" 5 %.3f %.3f", took*0.1, took*0.9)
	}
	s.writes = append(s.writes, write{end, text + "\n"})
}

func accessMessage(t time.Time, addr netip.Addr, method, path string, status int) string {
	return fmt.Sprintf(`%s - - [%s] "%s %s HTTP/1.1" %d -`, addr, t.UTC().Format("02/Jan/2006 15:04:05"), method, path, status)
}

// log returns the writes in the order they reached the log.
func (s *site) log() []write {
	slices.SortStableFunc(s.writes, func(a, b write) int { return a.at.Compare(b.at) })
	return s.writes
}

// busy lists the requests that are being answered at t, but for addr's.
func (s *site) busy(t time.Time, addr netip.Addr) []running {
	var busy []running
	for _, r := range s.running {
		if r.end.After(t) && r.addr != addr {
			busy = append(busy, r)
		}
	}
	return busy
}

// pick chooses one.
func pick[T any](s *site, list ...T) T { return list[s.rng.IntN(len(list))] }
