// Package route reads what the path of a request asks Odoo for, as Odoo's own
// router and the proxies in front of it read it: with or without scheme and
// host, query and fragment, decoded, with dot segments and any slashes, and with
// an installed language in front of any path, which Odoo's http_routing takes
// off.
//
// It may see a page where Odoo finds none: a language that is not installed, or
// dots that only a proxy resolves. The answer's status tells that.
package route

import "bytes"

// Page is what a path asks for, as far as a rule cares.
type Page uint8

const (
	// Other is any page that takes no credentials. So are the choice and the
	// lists of databases: Odoo itself and its apps ask for them.
	Other Page = iota
	// Login is the form of logins, /web/login.
	Login
	// TOTP is the form of one-time codes, /web/login/totp.
	TOTP
	// Reset is the form of new passwords, /web/reset_password.
	Reset
	// Signup is the form of new users, /web/signup.
	Signup
	// Authenticate takes logins in JSON, /web/session/authenticate.
	Authenticate
	// JSONRPC takes calls of programs, each with a password, /jsonrpc.
	JSONRPC
	// XMLRPC takes logins of programs, /xmlrpc/common and /xmlrpc/2/common.
	XMLRPC
	// XMLRPCObject takes calls of programs, each with a password.
	XMLRPCObject
	// Upload takes a login and a module, /base_import_module/login_upload.
	Upload
	// API is the JSON API of Odoo 18 and later, /json/1/... and /json/2/..., with
	// bearer keys.
	API
	// Manager is the database manager and what it does: whatever begins with
	// /web/database/, but for the choice and the lists.
	Manager
	// ManagerLike begins with /web/database, and with no slash behind that. Proxies
	// that keep people away from the manager often do so for these as well.
	ManagerLike
)

const (
	// longestPath is how much of a path is looked at: as long as the longest line
	// that Python's HTTP server reads.
	longestPath = 64 << 10
	// deepest is how many segments matter: a language, and the four of
	// base_import_module's and of an API's longest prefix.
	deepest = 5
	// longestSegment is longer than each segment of a page that is known.
	longestSegment = 24
)

// Of returns what a path asks for. It takes linear time and allocates nothing.
func Of(path []byte) Page {
	if len(path) > longestPath {
		return Other
	}
	for _, c := range [...]byte{'?', '#'} {
		if end := bytes.IndexByte(path, c); end >= 0 {
			path = path[:end]
		}
	}
	if len(path) > 0 && path[0] != '/' {
		path = withoutHost(path)
	}
	var segments stack
	segments.push(path)
	if segments.depth > 0 && isLanguage(segments.at(0)) {
		if page := segments.page(1); page != Other {
			return page
		}
	}
	return segments.page(0)
}

// withoutHost cuts "http://erp" off.
func withoutHost(path []byte) []byte {
	scheme, rest, ok := bytes.Cut(path, []byte(":"))
	if !ok || bytes.IndexByte(scheme, '/') >= 0 {
		return path
	}
	host, ok := bytes.CutPrefix(rest, []byte("//"))
	if !ok {
		return rest
	}
	if at := bytes.IndexByte(host, '/'); at >= 0 {
		return host[at:]
	}
	return nil
}

// stack is the segments of a path, of each as much as matters.
type stack struct {
	depth   int // may be more than are kept
	lengths [deepest]uint8
	texts   [deepest][longestSegment]byte
}

// push decodes a path and takes its segments, but for those that "." and ".."
// take away.
func (s *stack) push(path []byte) {
	var text [longestSegment]byte
	n := 0
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) {
			if decoded, ok := unescape(path[i+1], path[i+2]); ok {
				c, i = decoded, i+2
			}
		}
		if c == '/' {
			s.add(&text, n)
			n = 0
			continue
		}
		if n < len(text) {
			text[n] = c
			n++
		}
	}
	s.add(&text, n)
}

// add takes a segment, or what it says of those before it.
func (s *stack) add(text *[longestSegment]byte, n int) {
	switch {
	case n == 0 || n == 1 && text[0] == '.':
		return
	case n == 2 && text[0] == '.' && text[1] == '.':
		s.depth = max(0, s.depth-1)
		return
	case s.depth < deepest:
		s.texts[s.depth], s.lengths[s.depth] = *text, uint8(n)
	}
	s.depth++
}

func (s *stack) at(i int) []byte {
	if i >= min(s.depth, deepest) {
		return nil
	}
	return s.texts[i][:s.lengths[i]]
}

// page returns the page that the segments from one on name.
func (s *stack) page(from int) Page {
	first, second := s.at(from), s.at(from+1)
	last := s.depth - from // how many there are
	switch string(first) {
	case "web":
		return s.webPage(second, from, last)
	case "jsonrpc":
		return only(last == 1, JSONRPC)
	case "xmlrpc":
		if string(second) == "2" {
			second, last = s.at(from+2), last-1
		}
		if string(second) == "object" {
			return only(last == 2, XMLRPCObject)
		}
		return only(last == 2 && string(second) == "common", XMLRPC)
	case "json":
		return only(last > 2 && (string(second) == "1" || string(second) == "2"), API)
	case "base_import_module":
		return only(last == 2 && string(second) == "login_upload", Upload)
	}
	return Other
}

// webPage returns the page behind "/web/".
func (s *stack) webPage(second []byte, from, last int) Page {
	third := s.at(from + 2)
	switch string(second) {
	case "login":
		if last == 3 && string(third) == "totp" {
			return TOTP
		}
		return only(last == 2, Login)
	case "reset_password":
		return only(last == 2, Reset)
	case "signup":
		return only(last == 2, Signup)
	case "session":
		return only(last == 3 && string(third) == "authenticate", Authenticate)
	case "database":
		switch string(third) {
		case "":
			return ManagerLike
		case "selector", "list", "get_list":
			return only(last > 3, Manager)
		}
		return Manager
	}
	return only(bytes.HasPrefix(second, []byte("database")), ManagerLike)
}

func only(is bool, page Page) Page {
	if is {
		return page
	}
	return Other
}

// unescape decodes two hexadecimal digits.
func unescape(high, low byte) (byte, bool) {
	h, l := hexDigit(high), hexDigit(low)
	return byte(h<<4 | l), h >= 0 && l >= 0
}

// hexDigit is -1 for what is none.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// isLanguage knows the shape of a language's name in a path: fr, pt_BR,
// sr@latin.
func isLanguage(b []byte) bool {
	end := bytes.IndexAny(b, "_-@")
	if end < 0 {
		end = len(b)
	}
	for _, c := range b[:end] {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return end == 2 || end == 3
}
