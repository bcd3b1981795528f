package rules

import (
	"bytes"
	"net/netip"
)

// event is what a record of the login code says happened.
type event uint8

const (
	otherEvent event = iota
	// loginFailed and loginPassed end in the address, or in "n/a", or (Odoo
	// 8 to 10) in the login; the login is raw in all of them.
	loginFailed
	loginPassed
	// resetTried is "Password reset attempt": raw, too, and ends in the
	// address.
	resetTried
	// cooledDown is the one line of base.login_cooldown_after: no password
	// was tried. The user is quoted in it.
	cooledDown
	// proxySuspected follows a cooledDown and says that the address is a
	// private one, and might be a proxy.
	proxySuspected
	// unknownLogin is a line about logins that says nothing we understand.
	unknownLogin
)

// login is what a record of the login code says.
type login struct {
	event event
	addr  netip.Addr // zero: the line ends in none
	none  bool       // the line ends in "from n/a"
	user  []byte
	db    []byte
}

// isLoginLogger knows the logger of failed logins in Odoo 8 to 19:
// openerp.addons.base.res.res_users, odoo.addons.base.res.res_users and
// odoo.addons.base.models.res_users.
func isLoginLogger(logger []byte) bool {
	module, ok := bytes.CutSuffix(logger, []byte(".res_users"))
	if !ok {
		return false
	}
	switch string(module) {
	case "odoo.addons.base.models", "odoo.addons.base.res", "openerp.addons.base.res":
		return true
	}
	return false
}

var (
	failedPrefix   = []byte("Login failed for ")
	passedPrefix   = []byte("Login successful for ")
	cooldownPrefix = []byte("Login attempt ignored for ")
	proxyPrefix    = []byte("The rate-limited IP address ")
	resetPrefix    = []byte("Password reset attempt for ")
)

// resetLogger is the logger of requests for a new password.
const resetLogger = "odoo.addons.auth_signup.controllers.main"

// parseLogin reads the message of a record, if it is of the login code.
func parseLogin(r *record) login {
	switch r.writer {
	case loginWriter:
	case resetWriter:
		if bytes.HasPrefix(r.msg, resetPrefix) {
			return endOf(resetTried, r.msg)
		}
		return login{}
	default:
		return login{}
	}
	if rest, ok := bytes.CutPrefix(r.msg, failedPrefix); ok {
		return parseCredentials(loginFailed, r, rest)
	}
	if rest, ok := bytes.CutPrefix(r.msg, passedPrefix); ok {
		return parseCredentials(loginPassed, r, rest)
	}
	if rest, ok := bytes.CutPrefix(r.msg, cooldownPrefix); ok {
		return parseCooldown(rest)
	}
	if bytes.HasPrefix(r.msg, proxyPrefix) {
		return login{event: proxySuspected}
	}
	if bytes.Contains(r.msg, []byte("ogin")) {
		return endOf(unknownLogin, r.msg)
	}
	return login{}
}

// parseCredentials reads "db:D login:L from ADDR " (Odoo 8 to 18) or
// "login:L from ADDR " (19 and later). Both D and L may hold anything.
func parseCredentials(e event, r *record, b []byte) login {
	l := login{event: e}
	var start int
	if l.addr, l.none, start = cutTrailer(b); l.addr.IsValid() || l.none {
		b = b[:start]
	}
	if rest, ok := bytes.CutPrefix(b, []byte("db:")); ok {
		if l.db, l.user, ok = cutDatabase(r, rest); !ok {
			l.event = unknownLogin
		}
		return l
	}
	user, ok := bytes.CutPrefix(b, []byte("login:"))
	if !ok {
		l.event = unknownLogin
		return l
	}
	l.user = user
	return l
}

// cutDatabase reads "D login:L", where D is all before the first " login:". It is
// nearly always the record's, which holds no blank and so no such word.
func cutDatabase(r *record, b []byte) (db, user []byte, ok bool) {
	const word = " login:"
	n := len(r.db)
	usual := len(b) >= n+len(word) && string(b[n:n+len(word)]) == word && bytes.Equal(b[:n], r.db)
	if usual && bytes.IndexByte(r.db, ' ') < 0 {
		return b[:n], b[n+len(word):], true
	}
	if db, user, ok = bytes.Cut(b, []byte(word)); !ok {
		return nil, nil, false
	}
	return db, user, true
}

// parseCooldown reads "ADDR (user 'L') on D: 10 failures since last success,
// last failure at ..."; Odoo 12 to 15 leave the user out.
func parseCooldown(b []byte) login {
	text, rest, ok := bytes.Cut(b, space)
	addr, valid := parseHost(text)
	if !ok || !valid || !bytes.Contains(rest, []byte(" failures since last success")) {
		return endOf(unknownLogin, rest)
	}
	if end, none := trailer(rest); end.IsValid() || none {
		return login{} // the end of a login
	}
	l := login{event: cooledDown, addr: addr}
	if quoted, ok := bytes.CutPrefix(rest, []byte("(user ")); ok {
		if end := bytes.LastIndex(quoted, []byte(") on ")); end > 1 {
			l.user = bytes.Trim(quoted[:end], `'"`)
		}
	}
	return l
}

// endOf reads the address a line ends in.
func endOf(e event, b []byte) login {
	addr, none := trailer(b)
	return login{event: e, addr: addr, none: none}
}

var fromWord = []byte(" from ")

// trailer reads " from ADDR" at the end of b, where only blanks may follow;
// none is set for " from n/a". The login stands before it, whatever it holds.
func trailer(b []byte) (addr netip.Addr, none bool) {
	addr, none, _ = cutTrailer(b)
	return addr, none
}

// cutTrailer is trailer, and says where " from " begins.
func cutTrailer(b []byte) (addr netip.Addr, none bool, start int) {
	end := len(b)
	for end > 0 && b[end-1] == ' ' {
		end--
	}
	word := end
	for word > 0 && b[word-1] != ' ' && end-word <= longestAddr {
		word--
	}
	start = word - len(fromWord)
	if word == end || end-word > longestAddr || start < 0 || !bytes.Equal(b[start:word], fromWord) {
		return netip.Addr{}, false, 0
	}
	if string(b[word:end]) == "n/a" {
		return netip.Addr{}, true, start
	}
	addr, _ = parseHost(b[word:end])
	return addr, false, start
}

// longestAddr is the length of the longest IPv6 address with a zone that is
// read.
const longestAddr = 64

// parseAddr reads an address as the rest of the program knows them: IPv4
// unmapped out of IPv6, without a zone.
func parseAddr(b []byte) (netip.Addr, bool) {
	if len(b) == 0 || len(b) > longestAddr {
		return netip.Addr{}, false
	}
	if addr, ok := parseIPv4(b); ok {
		return addr, true
	}
	addr, err := netip.ParseAddr(string(b))
	if err != nil {
		return netip.Addr{}, false
	}
	return addr.WithZone("").Unmap(), true
}

// parseIPv4 reads what nearly all addresses are, without making a string of it.
func parseIPv4(b []byte) (netip.Addr, bool) {
	var octets [4]byte
	at := 0
	for i := range octets {
		if i > 0 {
			if at == len(b) || b[at] != '.' {
				return netip.Addr{}, false
			}
			at++
		}
		n, end := 0, at
		for end < len(b) && end < at+3 && b[end]-'0' <= 9 {
			n = n*10 + int(b[end]-'0')
			end++
		}
		if end == at || n > 255 || end > at+1 && b[at] == '0' {
			return netip.Addr{}, false
		}
		octets[i], at = byte(n), end
	}
	return netip.AddrFrom4(octets), at == len(b)
}
