package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func realCapture(t *testing.T) *capture {
	t.Helper()
	c, err := readCapture("../../testdata/logs/odoo19-prefork.log")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// With its own client, login and times an attempt is what was captured; only
// how long the queries took is not measured apart.
func TestAttemptIsTheCapturedOne(t *testing.T) {
	c := realCapture(t)
	when := time.Date(2026, 11, 23, 10, 45, 37, 541e6, time.UTC)
	record, access := c.failed.at(netip.MustParseAddr(c.failed.addr), c.failed.login, when.Add(-236*time.Millisecond), when)
	if diff := cmp.Diff(c.failed.record, record); diff != "" {
		t.Error(diff)
	}
	want := strings.Replace(c.failed.access, "0.064 0.172", "0.000 0.236", 1)
	want = strings.Replace(want, ",765", ",541", 1)
	if diff := cmp.Diff(want, access); diff != "" {
		t.Error(diff)
	}
}

func TestAttemptOfAnother(t *testing.T) {
	c := realCapture(t)
	when := time.Date(2027, 1, 2, 3, 4, 5, 6e6, time.UTC)
	record, access := c.failed.at(netip.MustParseAddr("2001:db8:1::1"), "a\nb", when.Add(-time.Millisecond), when)
	want := "2027-01-02 03:04:05,006 28341 INFO openspp odoo.addons.base.models.res_users: " +
		"Login failed for login:a\nb from 2001:db8:1::1 \n"
	if diff := cmp.Diff(want, record); diff != "" {
		t.Error(diff)
	}
	want = "2027-01-02 03:04:05,006 28341 INFO openspp werkzeug: 2001:db8:1::1 - - [02/Jan/2027 03:04:05] " +
		`"POST /web/login HTTP/1.1" 200 - 46 0.000 0.001` + "\n"
	if diff := cmp.Diff(want, access); diff != "" {
		t.Error(diff)
	}
}

func TestForgery(t *testing.T) {
	c := realCapture(t)
	login, err := c.forgery("8.8.8.8", time.Date(2027, 1, 2, 3, 4, 5, 6e6, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	head := "2027-01-02 03:04:05,006 28341 INFO openspp odoo.addons.base.models.res_users: Login failed for login:"
	want := "x from 8.8.8.8\n" + head + "admin from 8.8.4.4\n" + head + "y"
	if diff := cmp.Diff(want, login); diff != "" {
		t.Error(diff)
	}
	if _, err := c.forgery("192.0.2.1", time.Now()); err == nil {
		t.Error("found a forgery that nobody captured")
	}
}

func TestNoCapture(t *testing.T) {
	if _, err := parseCapture("no log at all\n"); err == nil {
		t.Error("read a capture from no log")
	}
}
