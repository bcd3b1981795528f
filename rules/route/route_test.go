package route

import (
	"bytes"
	"net/url"
	"path"
	"strings"
	"testing"
)

// TestOf holds that a path is read as Odoo's router reads it, behind whatever proxy.
func TestOf(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		want       Page
	}{
		{"login", "/web/login", Login},
		{"slash behind", "/web/login/", Login},
		{"slashes behind", "/web/login//", Login},
		{"query", "/web/login?redirect=/odoo", Login},
		{"fragment", "/web/login#x", Login},
		{"slashes in front", "//web/login", Login},
		{"slashes within", "/web//login", Login},
		{"no slash", "web/login", Login},
		{"slash escaped", "/web%2flogin", Login},
		{"slash in front escaped", "%2Fweb/login", Login},
		{"slash behind escaped", "/web/login%2F", Login},
		{"many slashes escaped", "/%2f/%2fweb%2Flogin%2f/", Login},
		{"letter escaped", "/%77eb/login", Login},
		{"half an escape", "/web/login%2", Other},
		{"no escape", "/web/login%zz", Other},
		{"dots", "/web/x/../login", Login},
		{"dots escaped", "/web/x/%2e%2e/login", Login},
		{"dots from a deep place", "/a/b/c/d/e/f/g/../../../../../../../web/login", Login},
		{"dots above the root", "/../../web/login", Login},
		{"a dot", "/web/./login", Login},
		{"dots that lead away", "/web/login/..", Other},
		{"three dots", "/web/x/.../login", Other},
		{"a long segment", "/web/" + strings.Repeat("login", 99) + "/../login", Login},
		{"language", "/fr/web/login", Login},
		{"language of a country", "/pt_BR/web/login", Login},
		{"language in a script", "/sr@latin/web/login", Login},
		{"no language", "/shop/web/login", Other},
		{"two languages", "/fr/fr/web/login", Other},
		{"other case", "/WEB/login", Other},
		{"parameter", "/web/login;a", Other},
		{"question mark escaped", "/web/login%3Fa", Other},
		{"longer", "/web/login_layout", Other},
		{"below", "/web/login/x", Other},
		{"root", "/", Other},
		{"empty", "", Other},
		{"asterisk", "*", Other},
		{"host", "http://erp/web/login", Login},
		{"host and port", "http://erp:8069//web/login/", Login},
		{"host without a path", "http://erp?/web/login", Other},
		{"host alone", "http://erp", Other},
		{"scheme alone", "erp:/web/login", Login},
		{"colon in a segment", "/x:/web/login", Other},
		{"one-time code", "/web/login/totp", TOTP},
		{"new password", "/en/web/reset_password", Reset},
		{"new user", "/web/signup", Signup},
		{"JSON login", "/web/session/authenticate/", Authenticate},
		{"session", "/web/session/check", Other},
		{"JSON-RPC", "/jsonrpc", JSONRPC},
		{"JSON-RPC escaped", "/%6asonrpc", JSONRPC},
		{"JSON-RPC with a language", "/en/jsonrpc", JSONRPC},
		{"JSON-RPC with a language, escaped", "/%65n/jsonrpc", JSONRPC},
		{"JSON-RPC with a language, its slash escaped", "/en%2fjsonrpc", JSONRPC},
		{"JSON-RPC with a language and slashes", "//en/jsonrpc", JSONRPC},
		{"below JSON-RPC", "/jsonrpc/2", Other},
		{"XML-RPC", "/xmlrpc/common", XMLRPC},
		{"XML-RPC 2", "/xmlrpc/2/common/", XMLRPC},
		{"XML-RPC 2 with a language", "/fr/xmlrpc/2/common", XMLRPC},
		{"XML-RPC 3", "/xmlrpc/3/common", Other},
		{"objects", "/xmlrpc/object", XMLRPCObject},
		{"objects 2", "/xmlrpc/2/object", XMLRPCObject},
		{"databases", "/xmlrpc/2/db", Other},
		{"XML-RPC alone", "/xmlrpc/2", Other},
		{"API 1", "/json/1/res.partner", API},
		{"API 2", "/en_US/json/2/res.partner/search", API},
		{"API 3", "/json/3/res.partner", Other},
		{"API alone", "/json/2", Other},
		{"a language that is called json", "/json/web/login", Other},
		{"upload", "/base_import_module/login_upload", Upload},
		{"upload with a language", "/de/base_import_module/login_upload", Upload},
		{"manager", "/web/database/manager", Manager},
		{"manager with a language", "/de/web/database/create", Manager},
		{"what there is not", "/web/database/login", Manager},
		{"choice", "/web/database/selector", Other},
		{"list", "/web/database/list/", Other},
		{"old list", "/web/database/get_list", Other},
		{"below the list", "/web/database/list/x", Manager},
		{"like a manager", "/web/databasex", ManagerLike},
		{"like a manager, below", "/web/database-x/y", ManagerLike},
		{"a manager's folder", "/web/database/", ManagerLike},
		{"too long", "/" + strings.Repeat("./", 40<<10) + "web/login", Other},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Of([]byte(tt.path)); got != tt.want {
				t.Errorf("%.80q is page %d, want %d", tt.path, got, tt.want)
			}
		})
	}
}

// TestOfAllocates holds that nothing is allocated, whatever the path.
func TestOfAllocates(t *testing.T) {
	paths := [][]byte{[]byte("/web/login"), bytes.Repeat([]byte("/%2e%2e/x"), 7000), []byte("http://erp/fr/xmlrpc/2/common")}
	if n := testing.AllocsPerRun(10, func() {
		for _, p := range paths {
			Of(p)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzOf takes any path, and holds that one which the standard library writes otherwise names the same page.
func FuzzOf(f *testing.F) {
	for _, s := range []string{
		"/web/login", "/web/x/../login", "/%65n/jsonrpc", "/en%2fjsonrpc", "//en/jsonrpc", "http://erp:8069/web/database/x",
		"/web/database", "/json/2/res.partner/search_count", "/base_import_module/login_upload", "/xmlrpc/2/object", "/%", "/..",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := Of(raw)
		if got > ManagerLike {
			t.Fatalf("%q is page %d", raw, got)
		}
		u, err := url.ParseRequestURI(string(raw))
		if err != nil || u.Opaque != "" || strings.ContainsAny(u.Path, "%?#") || !strings.HasPrefix(u.Path, "/") ||
			bytes.HasPrefix(raw, []byte("//")) || bytes.IndexByte(raw, '#') >= 0 {
			return
		}
		if clean := Of([]byte(path.Clean(u.Path))); clean != got {
			t.Errorf("%q is page %d, cleaned %q page %d", raw, got, path.Clean(u.Path), clean)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	p := []byte("/web/dataset/call_kw/res.partner/web_search_read")
	b.ReportAllocs()
	for b.Loop() {
		Of(p)
	}
}
