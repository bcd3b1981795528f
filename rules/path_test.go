package rules

import "testing"

// TestPageOf holds that a path is read as Odoo's router reads it.
func TestPageOf(t *testing.T) {
	for _, tt := range []struct {
		path string
		want page
	}{
		{"/web/login", loginPage},
		{"/web/login/", loginPage},
		{"/web/login?redirect=/odoo", loginPage},
		{"/web/login#x", loginPage},
		{"//web/login", loginPage},
		{"web/login", loginPage},
		{"/web%2flogin", loginPage},
		{"%2Fweb/login", loginPage},
		{"/%2f/%2fweb%2Flogin%2f/", loginPage},
		{"/fr/web/login", loginPage},
		{"/pt_BR/web/login", loginPage},
		{"/sr@latin/web/login", loginPage},
		{"/shop/web/login", otherPage},
		{"/web/login_layout", otherPage},
		{"/web//login", otherPage},
		{"/", otherPage},
		{"", otherPage},
		{"*", otherPage},
		{"http://erp/web/login", loginPage},
		{"http://erp:8069//web/login/", loginPage},
		{"http://erp?/web/login", otherPage},
		{"http://erp", otherPage},
		{"erp:/web/login", loginPage},
		{"/x:/web/login", otherPage},
		{"/web/session/authenticate", authenticatePage},
		{"/web/session/authenticate/", authenticatePage},
		{"/jsonrpc", jsonrpcPage},
		{"/jsonrpc/", jsonrpcPage},
		{"/jsonrpc#x", jsonrpcPage},
		{"/%6asonrpc", jsonrpcPage},
		{"http://erp/jsonrpc", jsonrpcPage},
		{"/jsonrpc/2", otherPage},
		{"/xmlrpc/common", xmlrpcPage},
		{"/xmlrpc/2/common", xmlrpcPage},
		{"/xmlrpc/2/common/", xmlrpcPage},
		{"/xmlrpc/2/object", otherPage},
		{"/json/1/res.partner", apiPage},
		{"/json/2/res.partner/search", apiPage},
		{"/json/3/res.partner", otherPage},
	} {
		if got := pageOf([]byte(tt.path)); got != tt.want {
			t.Errorf("%q is page %d, want %d", tt.path, got, tt.want)
		}
	}
}
