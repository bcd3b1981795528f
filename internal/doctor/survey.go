package doctor

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"odooban/rules"
)

// maxAddrs bounds how many addresses of one log are told apart.
const maxAddrs = 10_000

// tally counts the lines of a log, by what they are.
type tally struct {
	lines, records int
	// cooled, tried and accesses count cooldown lines, access lines of tried logins
	// and access lines; proxied those of Traefik's.
	cooled, tried, accesses, proxied int
	// logins counts the records of the login code at INFO.
	logins int
	// syslog counts the records that came through syslog.
	syslog int
	// matched counts the failures that any rule found.
	matched int
}

// survey is what the end of a log holds.
type survey struct {
	tally
	visitors
	stats rules.Stats
	// loud is how many records at the end are all of WARNING or worse.
	loud int
	// told is when Odoo last wrote a record of its login code or an access line
	// at INFO.
	told time.Time
	// newest is the time of the last record; last is set when it is the last line.
	newest time.Time
	last   bool
	// unknown is a record of the login code that no rule understands.
	unknown []byte
	// sample is the last line.
	sample []byte
}

// visitors are what was done, by address.
type visitors map[netip.Addr]*visitor

// visitor is what one address did.
type visitor struct {
	requests, tried, failed int
	// latest is when it last made a request or failed.
	latest time.Time
	// times are those of its last failures.
	times []time.Time
}

// surveyLines looks at lines of a log, which may end with "\r". now completes
// times without a year.
func surveyLines(lines [][]byte, set *rules.Set, now time.Time) survey {
	s := survey{visitors: make(visitors)}
	scanner := set.NewScanner(now)
	var failures []rules.Failure
	for _, line := range lines {
		line = bytes.TrimSuffix(line, []byte("\r"))
		failures = scanner.Feed(failures, rules.Line{Text: line})
		s.take(line, set.Explain(line, now))
	}
	failures = scanner.Flush(failures)
	s.stats = scanner.Stats()
	s.matched = len(failures)
	for _, f := range failures {
		s.note(f)
	}
	return s
}

// take takes one line.
func (s *survey) take(line []byte, e rules.Explanation) {
	s.lines++
	s.sample = line
	s.last = e.Logger != ""
	if !s.last {
		if !e.Time.IsZero() {
			s.proxied++
		}
		return
	}
	s.records++
	s.newest = e.Time
	quiet := e.Level != "WARNING" && e.Level != "ERROR" && e.Level != "CRITICAL"
	s.loud++
	if quiet {
		s.loud = 0
	}
	if !bytes.HasPrefix(line, []byte("{")) && bytes.Contains(line[:min(len(line), 256)], []byte(" Server ")) {
		s.syslog++
	}
	switch {
	case e.Rule == rules.CooldownRule:
		s.cooled++
	case isLoginLogger(e.Logger) && quiet:
		s.logins++
		s.told = e.Time
	case isAccessLogger(e.Logger) && e.Addr.IsValid():
		s.request(line, e)
	}
	if isLoginLogger(e.Logger) && strings.HasSuffix(e.Text, "no rule understands") {
		s.unknown = line
	}
}

// request takes an access line.
func (s *survey) request(line []byte, e rules.Explanation) {
	s.accesses++
	s.told = e.Time
	v := s.visitor(e.Addr)
	v.requests++
	v.latest = e.Time
	if !isTimed(line) {
		return
	}
	if bytes.Contains(line, []byte("POST /web/login ")) || bytes.Contains(line, []byte("POST /web/session/authenticate")) {
		s.tried++
		v.tried++
	}
}

// isTimed reports whether an access line tells how long the request took, as those
// of Odoo 12 and later do. Earlier versions write nothing of a login that passes.
func isTimed(line []byte) bool {
	const statusToTimes = 5
	_, tail, _ := bytes.Cut(line, []byte(`HTTP/`))
	return bytes.HasPrefix(line, []byte("{")) || len(bytes.Fields(tail)) > statusToTimes
}

// note takes a failure.
func (s visitors) note(f rules.Failure) {
	const keep = 32
	v := s.visitor(f.Addr)
	v.failed++
	if f.Time.After(v.latest) {
		v.latest = f.Time
	}
	v.times = append(v.times, f.Time)
	v.times = v.times[max(0, len(v.times)-keep):]
}

// visitor returns what is known of an address. Beyond maxAddrs all are one.
func (s visitors) visitor(addr netip.Addr) *visitor {
	v := s[addr]
	if v == nil {
		if len(s) >= maxAddrs {
			addr = netip.Addr{}
		}
		if v = s[addr]; v == nil {
			v = &visitor{}
			s[addr] = v
		}
	}
	return v
}

// isLoginLogger knows the logger of failed logins in all versions.
func isLoginLogger(name string) bool {
	switch name {
	case "odoo.addons.base.models.res_users", "odoo.addons.base.res.res_users", "openerp.addons.base.res.res_users":
		return true
	}
	return false
}

func isAccessLogger(name string) bool { return name == "werkzeug" || name == "odoo.http.server" }
