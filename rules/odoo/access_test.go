package odoo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/rules/route"
)

// TestTails holds what stands behind the request, in every Odoo.
func TestTails(t *testing.T) {
	tests := []struct {
		name, tail string
		status     int
		took       int64
		idle       bool
	}{
		{"12 and later", "200 - 5 0.013 1.227", 200, 1240, false},
		{"11 and older", "200 -", 200, -1, false},
		{"11 and older, a status alone", "500", 500, -1, false},
		{"no times", "303 - - - -", 303, -1, false},
		{"no queries", "200 - 0 0.000 0.002", 200, 2, true},
		{"18 and later, a replica", "200 - 6 0.002 0.729 ro->rw", 200, 731, false},
		{"a blank behind", "200 - 6 0.002 0.729 ", 200, 731, false},
		{"a size", "404 233 5 0.013 1.227", 404, 1240, false},
		{"colours", "200 - 5 \x1b[1;32m\x1b[1;49m0.003\x1b[0m \x1b[1;31m\x1b[1;49m12.022\x1b[0m", 200, 12025, false},
		{"colours on the queries", "200 - \x1b[1;32m\x1b[1;49m0\x1b[0m \x1b[1;32m0.000\x1b[0m \x1b[1;32m0.001\x1b[0m", 200, 1, true},
		{"colours behind", "200 - 5 0.003 0.022 \x1b[1;32mro->rw\x1b[0m", 200, 25, false},
		{"a day", "200 - 5 86400.000 86400.000", 200, 172800000, false},
		{"more than a day", "200 - 5 86401.000 0.000", 200, -1, false},
		{"nanoseconds", "200 - 5 0.000999999 0.000000001", 200, 1, false},
		{"too fine a fraction", "200 - 5 0.0000000001 0.001", 200, -1, false},
		{"whole seconds", "200 - 5 1 2", 200, 3000, false},
		{"a negative time", "200 - 5 0.003 -0.001", 200, -1, false},
		{"no number of queries", "200 - x 0.003 0.001", 200, 4, false},
		{"a number of queries beyond any", "200 - 18446744073709551616 0.003 0.001", 200, 4, false},
		{"the least status", "100 -", 100, -1, false},
		{"the greatest status", "599 -", 599, -1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := parse(info + `werkzeug: 203.0.113.50 - - [23/Nov/2026 10:45:02] "POST /web/login HTTP/1.1" ` + tt.tail)
			r := e.Request
			if e.Kind != Access || r.Status != tt.status || r.Took != tt.took || r.Idle != tt.idle {
				t.Errorf("kind %d, status %d, %d ms, idle %v; want %d, %d, %d, %v", e.Kind, r.Status, r.Took, r.Idle, Access, tt.status, tt.took, tt.idle)
			}
		})
	}
}

// TestTailsAgree holds that what is read by position is what is read word by word.
func TestTailsAgree(t *testing.T) {
	for _, tail := range []string{
		"200 - 5 0.013 1.227", "303 - 0 0.0 0.000001", "599 - 999999999 86400.999999999 0.1", "200 - 6 0.002 0.729 ro->rw", "100 - 1 0. 1.", "404 - 5 0.1 0.2 ",
	} {
		usual, whole := Request{Took: -1}, Request{Took: -1}
		if !usual.parseUsualTail([]byte(tail)) || !whole.parseAnyTail([]byte(tail)) {
			t.Errorf("%q is not read", tail)
		}
		if diff := cmp.Diff(whole, usual); diff != "" {
			t.Errorf("%q (-word by word +by position):\n%s", tail, diff)
		}
	}
}

// TestRequests holds what the request line tells.
func TestRequests(t *testing.T) {
	tests := []struct {
		name, request string
		want          Request
	}{
		{"a login", "POST /web/login HTTP/1.1", Request{Page: route.Login, Post: true}},
		{"a login's form", "GET /web/login HTTP/1.1", Request{Page: route.Login}},
		{"HTTP/1.0", "POST /web/login HTTP/1.0", Request{Page: route.Login, Post: true}},
		{"small letters", "post /web/login HTTP/1.1", Request{Page: route.Login, Post: true}},
		{"a language", "POST /es/web/login HTTP/1.1", Request{Page: route.Login, Post: true}},
		{"colours", "\x1b[1mPOST /web/login HTTP/1.1\x1b[0m", Request{Page: route.Login, Post: true}},
		{"two colours", "\x1b[31m\x1b[1mPOST /web/login HTTP/1.1\x1b[0m", Request{Page: route.Login, Post: true}},
		{"no protocol", "POST /web/login", Request{Page: route.Login, Post: true}},
		{"a path alone", "POST", Request{Post: true}},
		{"nothing", "", Request{}},
		{"a quote in the path", `POST /web/login?a=" 200 - HTTP/1.1`, Request{Page: route.Login, Post: true}},
		{"a date in the path", `GET /x[23/Nov/2026 10:45:02] "POST /web/login HTTP/1.1`, Request{}},
		{"what is called", "POST /web/dataset/call_kw#res.users.read HTTP/1.1", Request{Post: true, Fragment: true}},
		{"a blank before what is called", "POST /x y#z HTTP/1.1", Request{Post: true}},
		{"JSON-RPC", "POST /jsonrpc HTTP/1.1", Request{Page: route.JSONRPC, Post: true, Date: 1795430702}},
		{"XML-RPC", "POST /xmlrpc/2/common HTTP/1.1", Request{Page: route.XMLRPC, Post: true, Date: 1795430702}},
		{"calls over XML-RPC", "POST /xmlrpc/2/object HTTP/1.1", Request{Page: route.XMLRPCObject, Post: true, Date: 1795430702}},
		{"the manager", "POST /web/database/manager HTTP/1.1", Request{Page: route.Manager, Post: true}},
		{"a code", "POST /web/login/totp HTTP/1.1", Request{Page: route.TOTP, Post: true}},
		{"the API", "POST /json/2/res.users/read HTTP/1.1", Request{Page: route.API, Post: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Status, tt.want.Took = 200, 731
			e := parse(info + `werkzeug: 203.0.113.50 - - [23/Nov/2026 10:45:02] "` + tt.request + `" 200 - 6 0.002 0.729`)
			if diff := cmp.Diff(tt.want, e.Request); e.Kind != Access || diff != "" {
				t.Errorf("kind %d (-want +got):\n%s", e.Kind, diff)
			}
		})
	}
}

// TestRPC holds which requests may be logins that name no address.
func TestRPC(t *testing.T) {
	tests := []struct {
		path, tail string
		want       bool
	}{
		{"/jsonrpc", "5 0.013 1.227", true},
		{"/xmlrpc/common", "5 0.013 1.227", true},
		{"/xmlrpc/2/common", "- - -", true},
		{"/xmlrpc/2/common", "0 0.000 0.001", false},
		{"/xmlrpc/2/object", "5 0.013 1.227", false},
		{"/web/login", "5 0.013 1.227", false},
	}
	for _, tt := range tests {
		e := parse(info + `werkzeug: 203.0.113.50 - - [23/Nov/2026 10:45:02] "POST ` + tt.path + ` HTTP/1.1" 200 - ` + tt.tail)
		if e.Request.RPC() != tt.want {
			t.Errorf("%s, %s: %v, want %v", tt.path, tt.tail, !tt.want, tt.want)
		}
	}
}

// TestDates holds the date in the brackets, which is read of RPC only.
func TestDates(t *testing.T) {
	tests := []struct {
		name, date string
		want       int64
	}{
		{"werkzeug's", "23/Nov/2026 10:45:02", 1795430702},
		{"a zone", "23/Nov/2026:11:45:02 +0100", 1795430702},
		{"no such day", "32/Nov/2026 10:45:02", 0},
		{"too long", strings.Repeat("1", 100), 0},
		{"none", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := parse(info + `werkzeug: 203.0.113.50 - - [` + tt.date + `] "POST /jsonrpc HTTP/1.1" 200 - 6 0.002 0.729`)
			if e.Kind != Access || e.Request.Date != tt.want {
				t.Errorf("kind %d, %d; want %d, %d", e.Kind, e.Request.Date, Access, tt.want)
			}
		})
	}
}

// TestAccessAddresses holds the forms of the address that a line begins with.
func TestAccessAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.50":           "203.0.113.50",
		"203.0.113.50:51234":     "203.0.113.50",
		"::ffff:203.0.113.50":    "203.0.113.50",
		"2001:db8::7":            "2001:db8::7",
		"[2001:db8::1]":          "2001:db8::1",
		"fe80::1%eth0":           "fe80::1",
		"[req] 203.0.113.50":     "203.0.113.50",
		"[req] [2001:db8::1]":    "2001:db8::1",
		"[2001:db8::1]:443":      "2001:db8::1",
		"unknown":                "",
		"203.0.113.50, 10.0.0.5": "",
	} {
		e := parse(info + "werkzeug: " + text + ` - - [23/Nov/2026 10:45:02] "POST /web/login HTTP/1.1" 200 -`)
		if got := toldBy(e).Addr; got != want || (e.Kind == Access) != (want != "") {
			t.Errorf("%s is %q, kind %d; want %q", text, got, e.Kind, want)
		}
	}
}

// TestNoAccess holds what an access log's logger writes that is no answer, or only
// looks so.
func TestNoAccess(t *testing.T) {
	tests := []struct {
		name, text string
		want       told
	}{
		{"words", "Running on http://0.0.0.0:8069/ (Press CTRL+C to quit)", told{Kind: Other, DB: "shop"}},
		{"no date", `203.0.113.50 - - "POST /web/login HTTP/1.1" 200 -`, told{Kind: Other, DB: "shop"}},
		{"no end of the date", `203.0.113.50 - - [23/Nov/2026 10:45:02 "POST /web/login HTTP/1.1" 200 -`, told{Kind: Other, DB: "shop"}},
		{"no end of the request", `203.0.113.50 - - [23/Nov/2026 10:45:02] "POST /web/login`, told{Kind: Other, DB: "shop"}},
		{"no status", `203.0.113.50 - - [23/Nov/2026 10:45:02] "POST /web/login HTTP/1.1" - -`, told{Kind: Other, DB: "shop"}},
		{"nothing behind", `203.0.113.50 - - [23/Nov/2026 10:45:02] "POST /web/login HTTP/1.1"`, told{Kind: Other, DB: "shop"}},
		{"too small a status", `203.0.113.50 - - [23/Nov/2026 10:45:02] "POST / HTTP/1.1" 099 -`, told{Kind: Other, DB: "shop"}},
		{"too large a status", `203.0.113.50 - - [23/Nov/2026 10:45:02] "POST / HTTP/1.1" 600 -`, told{Kind: Other, DB: "shop"}},
		{"a status beyond any", `203.0.113.50 - - [23/Nov/2026 10:45:02] "POST / HTTP/1.1" 18446744073709551816 -`, told{Kind: Other, DB: "shop"}},
		{"quotes that HTML needs", `203.0.113.50 - - [23/Nov/2026 10:45:02] &quot;POST /web/login HTTP/1.1&quot; 200 -`, told{Kind: Other, DB: "shop"}},
		{"the end of a login", answered + " from 203.0.113.20 ", told{Other, Address, "203.0.113.20", "", "shop"}},
		{"the end of a login behind few words", `203.0.113.50 - - [23/Nov/2026 10:45:02] "POST / HTTP/1.1" 200 - from n/a `, told{Other, Nowhere, "", "", "shop"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := toldBy(parse(info + "werkzeug: " + tt.text))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}
