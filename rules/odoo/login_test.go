package odoo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestVersions holds the line of a failed login in every Odoo.
func TestVersions(t *testing.T) {
	const (
		old = "openerp.addons.base.res.res_users: "
		ten = "odoo.addons.base.res.res_users: "
	)
	tests := []struct {
		name, line string
		want       told
	}{
		{"8 and 9", info + old + "Login failed for db:shop login:admin", told{Failed, Bare, "", "admin", "shop"}},
		{"8 and 9, a login with an address", info + old + "Login failed for db:shop login:a from 8.8.8.8", told{Failed, Bare, "", "a", "shop"}},
		{"10", info + ten + "Login failed for db:shop login:admin", told{Failed, Bare, "", "admin", "shop"}},
		{"11", info + ten + "Login failed for db:shop login:admin from 203.0.113.50", told{Failed, Address, "203.0.113.50", "admin", "shop"}},
		{"12 to 18", info + users + loginFailed, told{Failed, Address, "203.0.113.50", "admin", "shop"}},
		{"12 to 18, a login that goes on", info + users + "Login failed for db:shop login:a", told{Failed, Open, "", "a", "shop"}},
		{"19", info + users + "Login failed for login:admin from 203.0.113.50 ", told{Failed, Address, "203.0.113.50", "admin", "shop"}},
		{"after 19", info + users + "Login failed for login:admin from 203.0.113.50", told{Failed, Address, "203.0.113.50", "admin", "shop"}},
		{"16 to 18, RPC", at + "7 INFO None " + users + "Login failed for db:shop login:admin from n/a ", told{Failed, Nowhere, "", "admin", "shop"}},
		{"19, RPC", at + "7 INFO None " + users + "Login failed for login:admin from n/a ", told{Failed, Nowhere, "", "admin", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, toldBy(parse(tt.line))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.line, diff)
			}
		})
	}
}

// TestCredentials holds that a login is all that was submitted, whatever it holds.
func TestCredentials(t *testing.T) {
	const from = " from 203.0.113.50 "
	is := func(user, db string) told { return told{Failed, Address, "203.0.113.50", user, db} }
	tests := []struct {
		name, text string
		want       told
	}{
		{"usual", "db:shop login:admin" + from, is("admin", "shop")},
		{"empty", "login:" + from, is("", "shop")},
		{"an address", "login:x from 8.8.8.8" + from, is("x from 8.8.8.8", "shop")},
		{"nowhere", "login:x from n/a" + from, is("x from n/a", "shop")},
		{"a blank", "login:john doe" + from, is("john doe", "shop")},
		{"blanks at its ends", "login: a " + from, is(" a ", "shop")},
		{"a tab", "login:a\tb" + from, is("a\tb", "shop")},
		{"quotes", `login:"a' or 1=1--` + from, is(`"a' or 1=1--`, "shop")},
		{"colours", "login:\x1b[31ma" + from, is("\x1b[31ma", "shop")},
		{"no UTF-8", "login:\xff\x00" + from, is("\xff\x00", "shop")},
		{"another login", "db:shop login:a login:b" + from, is("a login:b", "shop")},
		{"a database", "login:db:x login:y" + from, is("db:x login:y", "shop")},
		{"a database that is not the record's", "db:other login:a" + from, is("a", "shop")},
		{"a database with a blank", "db:my db login:a" + from, is("a", "shop")},
		{"a database that begins as the record's", "db:shop2 login:a" + from, is("a", "shop")},
		{"no login", "db:shop" + from, told{Unknown, Address, "203.0.113.50", "", "shop"}},
		{"other words", "user:admin" + from, told{Unknown, Address, "203.0.113.50", "", "shop"}},
		{"nothing", "", told{Kind: Unknown, DB: "shop"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, toldBy(parse(info+users+"Login failed for "+tt.text))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

// TestEndings holds what a line ends in: only the last " from " counts, with an
// address of any common form behind it, and then nothing but blanks.
func TestEndings(t *testing.T) {
	tests := []struct {
		name, text string
		want       Ending
		addr       string
	}{
		{"IPv4", "x from 203.0.113.50", Address, "203.0.113.50"},
		{"blanks behind", "x from 203.0.113.50   ", Address, "203.0.113.50"},
		{"IPv6", "x from 2001:db8::7 ", Address, "2001:db8::7"},
		{"a zone", "x from fe80::1%eth0 ", Address, "fe80::1"},
		{"brackets", "x from [2001:db8::1] ", Address, "2001:db8::1"},
		{"mapped", "x from ::ffff:203.0.113.50 ", Address, "203.0.113.50"},
		{"a port", "x from 203.0.113.50:51234 ", Address, "203.0.113.50"},
		{"brackets and a port", "x from [2001:db8::1]:443 ", Address, "2001:db8::1"},
		{"two", "x from 8.8.8.8 from 203.0.113.50 ", Address, "203.0.113.50"},
		{"nothing before", " from 203.0.113.50", Address, "203.0.113.50"},
		{"none before nowhere", "x from 8.8.8.8 from n/a", Nowhere, ""},
		{"nowhere", "x from n/a ", Nowhere, ""},
		{"a line end before it", "from 203.0.113.50", Open, ""},
		{"another word", "x for 203.0.113.50", Open, ""},
		{"two blanks", "x from  203.0.113.50", Open, ""},
		{"a tab behind", "x from 203.0.113.50\t", Open, ""},
		{"a list", "x from 203.0.113.50, 172.18.0.5", Open, ""},
		{"a host", "x from unknown", Open, ""},
		{"more behind", "x from 203.0.113.50 y", Open, ""},
		{"no address", "x from ", Open, ""},
		{"blanks alone", "    ", Open, ""},
		{"too long a word", "x from " + strings.Repeat("1", 100), Open, ""},
		{"too large a number", "x from 203.0.113.256", Open, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := toldBy(parse(tt.text))
			if diff := cmp.Diff(told{Ending: tt.want, Addr: tt.addr}, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

// TestCooldowns holds the line that Odoo writes where it does not look at a password.
func TestCooldowns(t *testing.T) {
	const rest = " on shop: 10 failures since last success, last failure at 2026-11-23 10:44:01.123456. You can configure"
	is := func(user string) told { return told{Cooldown, Address, "203.0.113.50", user, "shop"} }
	tests := []struct {
		name, text string
		want       told
	}{
		{"12 to 15", "203.0.113.50" + rest, is("")},
		{"16 and later", "203.0.113.50 (user 'admin')" + rest, is("admin")},
		{"no user", "203.0.113.50 (user '?')" + rest, is("?")},
		{"an empty user", "203.0.113.50 (user '')" + rest, is("")},
		{"a quote in the user", `203.0.113.50 (user "o'neill")` + rest, is("o'neill")},
		{"a line end in the user", `203.0.113.50 (user 'a\nb')` + rest, is(`a\nb`)},
		{"a user that ends as one does", "203.0.113.50 (user 'a') on b')" + rest, is("a') on b")},
		{"IPv6", "2001:db8::7 (user 'admin')" + rest, told{Cooldown, Address, "2001:db8::7", "admin", "shop"}},
		{"no address", "unknown (user 'admin')" + rest, told{Kind: Unknown, DB: "shop"}},
		{"other words", "203.0.113.50 (user 'admin') on shop", told{Kind: Unknown, DB: "shop"}},
		{"nothing", "", told{Kind: Unknown, DB: "shop"}},
		{
			"in the end of a login", "8.8.8.8 (user 'admin')" + rest + " from 203.0.113.20 ",
			told{Other, Address, "203.0.113.20", "", "shop"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, toldBy(parse(warning+users+"Login attempt ignored for "+tt.text))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}
