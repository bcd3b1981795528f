package odoosim

import (
	"math"
	"net/netip"
	"strconv"
	"time"
)

// The loggers that Odoo has since 12.
const (
	loginLogger  = "odoo.addons.base.models.res_users"
	httpLogger   = "odoo.http"
	accessLogger = "werkzeug"
	resetLogger  = "odoo.addons.auth_signup.controllers.main"
	totpLogger   = "odoo.addons.auth_totp.models.res_users"
	database     = "shop"
)

func itoa(n int) string { return strconv.Itoa(n) }

// header appends the prefix of a record. Odoo cuts the moment to the millisecond.
func header(dst []byte, at int64, pid int, level, db, logger string) []byte {
	dst = stamp(dst, at)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(pid), 10)
	dst = append(dst, ' ')
	dst = append(append(append(append(dst, level...), ' '), db...), ' ')
	return append(append(dst, logger...), ": "...)
}

// stamp appends a moment as Python's logging writes it.
func stamp(dst []byte, at int64) []byte {
	t := moments(at)
	dst = t.AppendFormat(dst, "2006-01-02 15:04:05")
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(dst, ',', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

// record is a record as it is written: since 12, Odoo's format ends in a blank (and an empty perf_info).
func (s *Site) record(at int64, pid int, level, db, logger, message string) []byte {
	return append(append(header(nil, at, pid, level, db, logger), message...), " \n"...)
}

// login is a record of the login code. from is an address, or n/a where the server does not know it.
func (s *Site) login(m moment, outcome, db, user, from string) []byte {
	return s.record(m.at, m.slot.pid, "INFO", db, loginLogger, s.loginMessage(outcome, user, from))
}

func (s *Site) loginMessage(outcome, user, from string) string {
	if s.Version < 19 {
		return "Login " + outcome + " for db:" + database + " login:" + user + " from " + from
	}
	return "Login " + outcome + " for login:" + user + " from " + from
}

// cooldown is what Odoo writes of an attempt that it does not even look at.
func cooldown(addr netip.Addr, user string, at int64) string {
	return "Login attempt ignored for " + addr.String() + " (user '" + user + "') on " + database +
		": 10 failures since last success, last failure at " + moments(at).Format("2006-01-02 15:04:05.000000") +
		". You can configure the number of login failures before a user is put on cooldown as well as the duration in the" +
		" System Parameters. Disable this feature by setting \"base.login_cooldown_after\" to 0."
}

// access is the access line of a request that ends now: it says how long that took, in two parts, each rounded.
func (s *Site) access(m moment, db, method, path string, status, queries int) []byte {
	took := float64(m.at+int64(15*time.Microsecond)-m.slot.started) / 1e9
	share := 0.02 + 0.45*s.rng.Float64()*s.rng.Float64()
	dst := header(nil, m.at, m.slot.pid, "INFO", db, accessLogger)
	dst = accessMessage(dst, m.at, m.req.addr.String(), method, path, status)
	return append(perf(dst, queries, took*share, took*(1-share)), '\n')
}

func accessMessage(dst []byte, at int64, addr, method, path string, status int) []byte {
	dst = append(append(dst, addr...), " - - ["...)
	dst = moments(at).AppendFormat(dst, "02/Jan/2006 15:04:05")
	dst = append(append(append(append(append(dst, "] \""...), method...), ' '), path...), " HTTP/1.1\" "...)
	return append(strconv.AppendInt(dst, int64(status), 10), " -"...)
}

// perf appends what Odoo adds to an access line: queries, and the seconds in the database and outside of it.
func perf(dst []byte, queries int, sql, rest float64) []byte {
	dst = strconv.AppendInt(append(dst, ' '), int64(queries), 10)
	dst = strconv.AppendFloat(append(dst, ' '), max(0, sql), 'f', 3, 64)
	return strconv.AppendFloat(append(dst, ' '), max(0, rest), 'f', 3, 64)
}

// deprecated is what 19 writes at each RPC request: three lines.
func deprecated(controller string) string {
	return "The /xmlrpc, /xmlrpc/2 and /jsonrpc endpoints are deprecated in Odoo 19 and scheduled for removal in" +
		" Odoo 20. Please report the problem to the client making the request.\n" +
		"Mute this logger: --log-handler " + controller + ":ERROR\n" +
		"https://www.odoo.com/documentation/latest/developer/reference/external_api.html#migrating-from-xml-rpc-json-rpc"
}

// uncsrf is what Odoo writes of a form without its token: several lines.
func uncsrf(path string) string {
	return "No CSRF validation token provided for path '" + path + "'\n\n" +
		"Odoo URLs are CSRF-protected by default (when accessed with unsafe\n" +
		"HTTP methods). See\nhttps://www.odoo.com/documentation/master/developer/reference/addons/http.html#csrf\n" +
		"for more details.\n\n* if this endpoint is accessed through Odoo via py-QWeb form, embed a CSRF\n" +
		"  token in the form, Tokens are available via `request.csrf_token()`\n"
}

// millis is a moment's millisecond, as nanoseconds.
func millis(at int64) int64 { return at - at%int64(time.Millisecond) }

// rounded is what is left of a duration to the millisecond.
func rounded(seconds float64) float64 { return math.Round(seconds*1000) / 1000 }
