package rules

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
)

// What is read by position, or compared with what came before, is what is read by
// taking apart.

// FuzzTail holds that of the ends of access lines.
func FuzzTail(f *testing.F) {
	for _, tail := range []string{
		"200 - 5 0.013 1.227", "200 - 5 0.013 1.227 4", "200 - - - -", "200 -", "303 - 0 0.000 0.002 from 192.0.2.1 ",
		"200 - 5 0.013 1.227 \x1b[0m", "200 - 5 86401.0 1.", "200 - 5 99999.123456789 1.1234567891", "99 - 1 0.1 0.1",
		"200 - 1234567890 0.013 1.227",
	} {
		f.Add([]byte(tail))
	}
	f.Fuzz(func(t *testing.T, tail []byte) {
		var usual, whole access
		if !usual.parseUsualTail(tail) {
			return
		}
		if !whole.parseAnyTail(tail) || usual != whole {
			t.Errorf("%q by position is %+v, taken apart %+v", tail, usual, whole)
		}
	})
}

// FuzzPlain holds that of records, whatever came before them.
func FuzzPlain(f *testing.F) {
	const head = "2026-11-23 10:45:45,456 7 INFO db "
	for _, pair := range [][2]string{
		{head + "werkzeug: a", "2026-11-23 10:45:59,999 123456789 INFO db werkzeug: b: c"},
		{head + "a.b: ", head + "a.b: c"},
		{head + "a.b: c", head + "a.b:"},
		{head + "a.b: c", "2026-11-23 10:45:60,000 7 INFO db a.b: c"},
		{head + "a.b: c", "2026-11-23T10:45:45.456 7 INFO db a.b.c: c"},
		{"2024-02-29 23:59:59,999 1 \x1b[1;32mINFO\x1b[0m ? odoo: x", "2026-02-29 23:59:59,999 1 \x1b[1;32mINFO\x1b[0m ? odoo: x"},
	} {
		f.Add([]byte(pair[0]), []byte(pair[1]))
	}
	f.Fuzz(func(t *testing.T, before, line []byte) {
		var used, fresh plain
		var ignored, got, want record
		used.parse(&ignored, before)
		ok, wantOK := used.parse(&got, line), fresh.parse(&want, line)
		got.name, want.name = "", ""
		if ok != wantOK || !reflect.DeepEqual(got, want) {
			t.Errorf("%q behind %q is %+v, %v; alone it is %+v, %v", line, before, got, ok, want, wantOK)
		}
		if !ok {
			return
		}
		if when, ok := parseStamp(line); !ok || !when.Equal(want.when) {
			t.Errorf("the time of %q is %v, not %v", line, want.when, when)
		}
		var again record
		if used.parse(&again, line); again.name != "" && again.name != string(again.db) {
			t.Errorf("the database of %q is %q", line, again.name)
		}
	})
}

// FuzzIPv4 holds it of addresses.
func FuzzIPv4(f *testing.F) {
	for _, text := range []string{"203.0.113.7", "0.0.0.0", "255.255.255.255", "256.1.1.1", "01.2.3.4", "1.2.3", "1.2.3.4.", "::1"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := parseIPv4(text)
		want, err := netip.ParseAddr(string(text))
		if wantOK := err == nil && want.Is4(); ok != wantOK || ok && got != want {
			t.Errorf("%q is %v, %v; want %v, %v", text, got, ok, want, err)
		}
	})
}

// FuzzDatabase holds it of the database in a record of a login.
func FuzzDatabase(f *testing.F) {
	f.Add([]byte("db"), []byte("db login:admin"))
	f.Add([]byte("db"), []byte("db login: login:x"))
	f.Add([]byte("a login:b"), []byte("a login:b login:x"))
	f.Fuzz(func(t *testing.T, db, text []byte) {
		gotDB, gotUser, ok := cutDatabase(&record{db: db}, text)
		wantDB, wantUser, wantOK := bytes.Cut(text, []byte(" login:"))
		if ok != wantOK || ok && (!bytes.Equal(gotDB, wantDB) || !bytes.Equal(gotUser, wantUser)) {
			t.Errorf("%q in %q is cut to %q and %q, want %q and %q", text, db, gotDB, gotUser, wantDB, wantUser)
		}
	})
}
