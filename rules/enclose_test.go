package rules_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	forger  = netip.MustParseAddr("198.51.100.1")
	victim  = netip.MustParseAddr("8.8.8.8")
	program = netip.MustParseAddr("192.0.2.1")
)

// overlapping is a threaded server at which a forger knows process and millisecond.
type overlapping struct {
	*site
	now time.Time
}

func newOverlapping() *overlapping {
	return &overlapping{newSite(1, 19, 0), time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
}

func (o *overlapping) after(d time.Duration) time.Time { return o.now.Add(d) }

// failed and answered are lines of the victim's.
func (o *overlapping) failed(addr netip.Addr) string {
	return header(o.now, o.pids[0], "INFO", o.db, o.logger()) + o.message("failed", "y", addr.String()) + " "
}

func (o *overlapping) answered(addr netip.Addr, path string, took time.Duration) string {
	return header(o.now, o.pids[0], "INFO", o.db, "werkzeug") + accessMessage(o.now, addr, "POST", path, 200) +
		fmt.Sprintf(" 5 0.000 %.3f", took.Seconds())
}

// login is a failed login of the forger's that holds lines, and ends as one does.
func (o *overlapping) login(lines ...string) {
	ending := header(o.now, o.pids[0], "INFO", o.db, o.logger()) + "Login failed for login:z"
	text := strings.Join(append(lines, ending), "\n")
	o.record(o.now, o.pids[0], "INFO", o.db, o.logger(), o.message("failed", text, forger.String()))
	o.access(o.after(30*time.Millisecond), o.after(-100*time.Millisecond), o.pids[0], o.db, forger, "POST", "/web/login", 200)
}

// TestReadAtOnce holds that what was read at once, and names others before it ends in who
// was answered, accuses nobody, where requests of one process overlap.
func TestReadAtOnce(t *testing.T) {
	tests := []struct {
		name  string
		serve func(*overlapping)
		want  []string
	}{
		{"a pair", func(o *overlapping) {
			o.login("x", o.failed(victim), o.answered(victim, "/web/login", 40*time.Millisecond))
		}, nil},
		{"the first line, and its answer", func(o *overlapping) {
			o.login("x from 8.8.8.8 ", o.answered(victim, "/web/login", 40*time.Millisecond))
		}, nil},
		{"a line, and its answer in another login", func(o *overlapping) {
			o.login("x", o.failed(victim))
			o.now = o.after(200 * time.Millisecond)
			o.login("x", o.answered(victim, "/web/login", 300*time.Millisecond))
		}, nil},
		{"the same, judged again when the login is long over", func(o *overlapping) {
			o.login("x", o.failed(victim))
			o.now = o.after(200 * time.Millisecond)
			o.login("x", o.answered(victim, "/web/login", 300*time.Millisecond))
			for range 20 {
				o.now = o.after(time.Second)
				o.serve(visit{at: o.now, addr: netip.MustParseAddr("203.0.113.1"), kind: failForm})
			}
		}, slices.Repeat([]string{"odoo-login 203.0.113.1"}, 20)},
		{"a cooldown of a program that logs in meanwhile", func(o *overlapping) {
			o.record(o.after(10*time.Millisecond), o.pids[0], "INFO", "None", o.logger(), o.message("successful", "api", "n/a"))
			o.access(o.after(20*time.Millisecond), o.after(-50*time.Millisecond), o.pids[0], "None", program, "POST", "/jsonrpc", 200)
			o.login("x", header(o.now, o.pids[0], "WARNING", o.db, o.logger())+cooldownMessage(program, "api", o.db))
		}, nil},
		{"the database manager", func(o *overlapping) {
			o.login("x", o.answered(victim, "/web/database/drop", 40*time.Millisecond))
		}, nil},
		{"records of their own, each read by itself", func(o *overlapping) {
			for i, addr := range []string{"203.0.113.1", "203.0.113.2", "203.0.113.3"} {
				at := o.after(time.Duration(i) * 4 * time.Millisecond)
				o.record(at, o.pids[0], "INFO", o.db, o.logger(), o.message("failed", "y", addr))
				by := netip.MustParseAddr(addr)
				o.access(at.Add(2*time.Millisecond), o.after(-100*time.Millisecond), o.pids[0], o.db, by, "POST", "/web/login", 200)
			}
		}, []string{"odoo-login 203.0.113.1", "odoo-login 203.0.113.2", "odoo-login 203.0.113.3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOverlapping()
			for range 4 {
				o.serve(visit{at: o.now, addr: program, kind: getPage})
				o.now = o.after(time.Second)
			}
			tt.serve(o)
			var told []string
			for _, f := range feed(builtIn(t), o.site, onPause) {
				if f.Addr != forger {
					told = append(told, f.Rule+" "+f.Addr.String())
				}
			}
			if diff := cmp.Diff(tt.want, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSlowBody holds that who lets a server wait for what he sends does not hide behind the
// programs that log in meanwhile.
func TestSlowBody(t *testing.T) {
	for _, how := range []settling{onPause, history} {
		o := newOverlapping()
		began := o.now
		for range 6 {
			o.now = o.after(10 * time.Second)
			o.record(o.now, o.pids[0], "INFO", "None", o.logger(), o.message("successful", "api", "n/a"))
			o.access(o.after(20*time.Millisecond), o.after(-50*time.Millisecond), o.pids[0], "None", program, "POST", "/jsonrpc", 200)
		}
		o.now = o.after(time.Second)
		o.record(o.now, o.pids[0], "INFO", "None", o.logger(), o.message("failed", "admin", "n/a"))
		o.access(o.after(20*time.Millisecond), began, o.pids[0], "None", forger, "POST", "/jsonrpc", 200)
		var told []string
		for _, f := range feed(builtIn(t), o.site, how) {
			told = append(told, f.Rule+" "+f.Addr.String())
		}
		if diff := cmp.Diff([]string{"odoo-login " + forger.String()}, told); diff != "" {
			t.Errorf("%s (-want +got):\n%s", how, diff)
		}
	}
}

// TestLogBeginsWithFailures holds that a threaded server's first lines count, as fast as
// they come: that its process answers, the answers to them show.
func TestLogBeginsWithFailures(t *testing.T) {
	for _, apart := range []time.Duration{0, 4 * time.Millisecond, 20 * time.Millisecond} {
		for _, how := range []settling{onPause, history} {
			o := newOverlapping()
			var want []string
			for range 12 {
				for _, addr := range []string{"203.0.113.1", "203.0.113.2"} {
					o.record(o.now, o.pids[0], "INFO", o.db, o.logger(), o.message("failed", "y", addr))
					o.now = o.after(apart)
					o.access(o.now, o.after(-200*time.Millisecond), o.pids[0], o.db, netip.MustParseAddr(addr), "POST", "/web/login", 200)
					o.now = o.after(apart)
					want = append(want, "odoo-login "+addr)
				}
			}
			var told []string
			for _, f := range feed(builtIn(t), o.site, how) {
				told = append(told, f.Rule+" "+f.Addr.String())
			}
			slices.Sort(want)
			slices.Sort(told)
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("%v apart, %s (-want +got):\n%s", apart, how, diff)
			}
		}
	}
}
