package rules

import "bytes"

// page is what a path asks Odoo for, as far as a rule cares.
type page uint8

const (
	otherPage page = iota
	// loginPage is the form of logins, totpPage that of one-time codes, and
	// resetPage that of new passwords.
	loginPage
	totpPage
	resetPage
	// authenticatePage takes logins in JSON.
	authenticatePage
	// jsonrpcPage and xmlrpcPage take logins of programs, which Odoo logs
	// without an address since 16.
	jsonrpcPage
	xmlrpcPage
	// databasePage is the database manager, and what it does.
	databasePage
	// apiPage is the JSON API of Odoo 18 and later, with bearer keys.
	apiPage
)

// longestPath is how much of a path is looked at: as long as the paths of all
// pages, behind a language.
const longestPath = 64

// pageOf reads what a request asks for as Odoo's router does: with or without
// scheme and host, query and fragment, decoded, with any slashes in front and
// behind (werkzeug/serving.py, make_environ; routing/map.py, match) and, for a
// website's pages, a language in front. It allocates nothing.
func pageOf(path []byte) page {
	for _, c := range [...]byte{'?', '#'} {
		if end := bytes.IndexByte(path, c); end >= 0 {
			path = path[:end]
		}
	}
	if len(path) > 0 && path[0] != '/' {
		path = withoutHost(path)
	}
	for len(path) > 0 && path[0] == '/' {
		path = path[1:]
	}
	var decoded [longestPath]byte
	if bytes.IndexByte(path, '%') >= 0 {
		path = decoded[:unescape(&decoded, path)]
	}
	for len(path) > 0 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	if rest, ok := bytes.CutPrefix(path, []byte("web/")); ok {
		return webPage(rest)
	}
	switch {
	case string(path) == "jsonrpc":
		return jsonrpcPage
	case bytes.HasPrefix(path, []byte("xmlrpc/")) && bytes.HasSuffix(path, []byte("/common")):
		return xmlrpcPage
	case bytes.HasPrefix(path, []byte("json/1/")) || bytes.HasPrefix(path, []byte("json/2/")):
		return apiPage
	}
	if rest, ok := bytes.CutPrefix(withoutLanguage(path), []byte("web/")); ok {
		return webPage(rest)
	}
	return otherPage
}

// webPage is the page behind "/web/".
func webPage(path []byte) page {
	switch string(path) {
	case "login":
		return loginPage
	case "login/totp":
		return totpPage
	case "reset_password":
		return resetPage
	case "session/authenticate":
		return authenticatePage
	case "database/selector", "database/list", "database/get_list":
		return otherPage // Odoo itself and its apps ask for them
	}
	if bytes.HasPrefix(path, []byte("database/")) {
		return databasePage
	}
	return otherPage
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
	return host[max(0, bytes.IndexByte(host, '/')):]
}

// unescape decodes the percent signs of a path into dst, but for slashes in
// front, as far as there is room, and returns how much it wrote.
func unescape(dst *[longestPath]byte, path []byte) int {
	n := 0
	for i := 0; i < len(path) && n < len(dst); i++ {
		c := path[i]
		if decoded, ok := escapedByte(path[i:]); ok {
			c, i = decoded, i+2
		}
		if n > 0 || c != '/' {
			dst[n] = c
			n++
		}
	}
	return n
}

// escapedByte decodes a percent sign and two digits at the start of b.
func escapedByte(b []byte) (c byte, ok bool) {
	if len(b) < 3 || b[0] != '%' {
		return 0, false
	}
	high, low := hexDigit(b[1]), hexDigit(b[2])
	return byte(high<<4 | low), high >= 0 && low >= 0
}

// hexDigit is -1 for what is none.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// withoutLanguage cuts the language off a website's path: fr/, pt_BR/,
// sr@latin/.
func withoutLanguage(path []byte) []byte {
	const longest = 12
	end := bytes.IndexByte(path[:min(len(path), longest+1)], '/')
	if end < 2 || !isLanguage(path[:end]) {
		return path
	}
	return path[end+1:]
}

// isLanguage knows the shape of a language's name in a path.
func isLanguage(b []byte) bool {
	code, _, _ := bytes.Cut(b, []byte("_"))
	code, _, _ = bytes.Cut(code, []byte("-"))
	code, _, _ = bytes.Cut(code, []byte("@"))
	for _, c := range code {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return len(code) == 2 || len(code) == 3
}
