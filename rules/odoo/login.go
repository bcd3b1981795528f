package odoo

import (
	"bytes"
	"net/netip"

	"odooban/rules/record"
)

// parseLogin reads a record of the login code (odoo/addons/base/models/res_users.py).
func parseLogin(e *Event, r *record.Record) {
	if rest, ok := bytes.CutPrefix(r.Msg, failedPrefix); ok {
		e.Kind = Failed
		parseCredentials(e, r, rest)
		return
	}
	if rest, ok := bytes.CutPrefix(r.Msg, passedPrefix); ok {
		e.Kind = Passed
		parseCredentials(e, r, rest)
		return
	}
	if rest, ok := bytes.CutPrefix(r.Msg, cooldownPrefix); ok {
		parseCooldown(e, rest)
		return
	}
	e.Ending, e.Addr, _ = cutEnding(r.Msg)
	switch {
	case bytes.HasPrefix(r.Msg, proxyPrefix):
		e.Kind = Proxy
	case bytes.Contains(r.Msg, []byte("ogin")):
		e.Kind = Unknown
	}
}

// parseCredentials reads "db:D login:L from ADDR " (Odoo 8 to 18) or
// "login:L from ADDR " (19 and later). Both D and L may hold anything.
func parseCredentials(e *Event, r *record.Record, b []byte) {
	var start int
	if e.Ending, e.Addr, start = cutEnding(b); e.Ending != Open {
		b = b[:start]
	}
	if isBare(r.Logger, e.Ending) {
		e.Ending, e.Addr = Bare, netip.Addr{}
	}
	db, user, ok := cutDatabase(r, b)
	if !ok {
		e.Kind = Unknown
		return
	}
	e.User = user
	if len(e.DB) == 0 {
		e.DB = db
	}
}

// isBare reports whether a failed login is of a version that names no address: 8
// and 9, which the logger tells, and 10, which shares its logger with 11.
func isBare(logger []byte, ending Ending) bool {
	if bytes.HasPrefix(logger, []byte("openerp")) {
		return true
	}
	return ending == Open && string(logger) == "odoo.addons.base.res.res_users"
}

// cutDatabase reads "db:D login:L", where D is all before the first " login:",
// or "login:L".
func cutDatabase(r *record.Record, b []byte) (db, user []byte, ok bool) {
	if user, ok = bytes.CutPrefix(b, []byte("login:")); ok {
		return nil, user, true
	}
	if b, ok = bytes.CutPrefix(b, []byte("db:")); !ok {
		return nil, nil, false
	}
	const word = " login:"
	n := len(r.DB) // nearly always it is the record's
	if len(b) >= n+len(word) && string(b[n:n+len(word)]) == word &&
		bytes.Equal(b[:n], r.DB) && bytes.IndexByte(r.DB, ' ') < 0 {
		return b[:n], b[n+len(word):], true
	}
	return bytes.Cut(b, []byte(word))
}

// parseCooldown reads "ADDR (user 'L') on D: 10 failures since last success,
// last failure at ..."; Odoo 12 to 15 leave the user out.
func parseCooldown(e *Event, b []byte) {
	text, rest, _ := bytes.Cut(b, space)
	addr, ok := record.ParseHost(text)
	e.Ending, e.Addr, _ = cutEnding(rest)
	if !ok || !bytes.Contains(rest, []byte(" failures since last success")) {
		e.Kind = Unknown
		return
	}
	if e.Ending != Open {
		return // the end of a login that holds such a line
	}
	e.Kind, e.Ending, e.Addr = Cooldown, Address, addr
	if quoted, ok := bytes.CutPrefix(rest, []byte("(user ")); ok {
		if end := bytes.LastIndex(quoted, []byte(") on ")); end > 1 {
			e.User = bytes.Trim(quoted[:end], `'"`)
		}
	}
}

var (
	space    = []byte(" ")
	fromWord = []byte(" from ")
)

// longestAddr is the length of the longest address that is read, an IPv6 one with
// a zone.
const longestAddr = 64

// cutEnding reads " from ADDR" or " from n/a" at the end of b, where only blanks may
// follow, and says where it begins. The login stands before it, whatever it holds.
func cutEnding(b []byte) (ending Ending, addr netip.Addr, start int) {
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
		return Open, addr, 0
	}
	if string(b[word:end]) == "n/a" {
		return Nowhere, addr, start
	}
	addr, ok := record.ParseHost(b[word:end])
	if !ok {
		return Open, addr, 0
	}
	return Address, addr, start
}
