package odoo

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/rules/route"
	"odooban/watcher/framing"
)

// within reports whether part is a part of whole in memory, or empty.
func within(whole, part []byte) bool {
	if len(part) == 0 {
		return true
	}
	start := cap(whole) - cap(part)
	return start >= 0 && start+len(part) <= len(whole) && &whole[start] == &part[0]
}

// snapshot is an Event of which nothing points into the line any more.
func snapshot(e *Event) (told, Event) {
	rest := *e
	rest.User, rest.DB = nil, nil
	return toldBy(e), rest
}

// FuzzParse takes any two lines apart, framed and bare, and holds that the second tells
// the same whatever came before, that its parts stand in it, and that its numbers are
// within their bounds.
func FuzzParse(f *testing.F) {
	logs, err := filepath.Glob(filepath.Join("..", "..", "testdata", "logs", "*.log"))
	if err != nil || len(logs) == 0 {
		f.Fatalf("find logs: %d, %v", len(logs), err)
	}
	for _, name := range logs {
		log, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.SplitSeq(string(log[:min(len(log), 1024)]), "\n") {
			f.Add(info+users+loginFailed, line)
		}
	}
	const access = info + `werkzeug: 203.0.113.50 - - [23/Nov/2026 10:45:02] "POST /jsonrpc HTTP/1.1" `
	for _, line := range []string{
		warning + users + cooledDown,
		warning + users + "Login attempt ignored for ::1 (user '') on : 10 failures since last success from n/a",
		info + users + "Login failed for db: login: from ",
		info + signup + "Password reset attempt for <a> by user <public> from ::1",
		access + "200 - 5 86400.999999999 86400.999999999", access + "599 - 18446744073709551616 0. .0", access + "100",
		access + "200 - \x1b[1;32m5\x1b[0m \x1b[1;32m0.1\x1b[0m \x1b[1;32m0.1\x1b[0m",
		info + `werkzeug: ::1 - - [] "" 200 -`, info + `werkzeug: ::1 - - [`, info + `werkzeug: [a] `,
		at + "41 INFO x odoo.http: Exception during request handling.",
		`{"asctime": "2026-11-23 10:45:02,100", "name": "werkzeug", "message": "::1 - - [] \"POST /web/login\" 200 -", "perf_info": "1 2 3"}`,
		"odoo-1  | " + info + users + loginFailed,
		"Nov 23 10:45:02 erp odoo[41]: Odoo Server 18.0:shop:INFO:odoo.addons.base.models.res_users:" + loginFailed,
	} {
		f.Add("", line)
	}
	f.Fuzz(func(t *testing.T, before, line string) {
		var fresh, used Parser
		parseWith(&used, before)
		want, wantRest := snapshot(parseWith(&fresh, line))
		for range 2 {
			got, gotRest := snapshot(parseWith(&used, line))
			if diff := cmp.Diff(want, got); diff != "" || !reflect.DeepEqual(gotRest, wantRest) {
				t.Fatalf("%q behind %q (-alone +behind):\n%s%+v\n%+v", line, before, diff, wantRest, gotRest)
			}
		}
		text := []byte(line)
		var e Event
		used.Parse(&e, &framing.Frame{Text: text, Form: framing.Bare}, ref)
		if string(text) != line {
			t.Errorf("%q was changed to %q", line, text)
		}
		checkEvent(t, &e, text)
	})
}

// checkEvent holds what is so of each event.
func checkEvent(t *testing.T, e *Event, line []byte) {
	t.Helper()
	r := &e.Request
	wrong := ""
	switch {
	case !e.Sealed && (!within(line, e.User) || !within(line, e.DB)):
		wrong = "points elsewhere"
	case e.Sealed && len(e.User)+len(e.DB) > len(line):
		wrong = "is longer than the line"
	case e.Kind > Cut || e.Ending > Bare:
		wrong = "is of no kind"
	case (e.Ending == Address) && !e.Addr.IsValid() || e.Addr.Is4In6() || e.Addr.Zone() != "":
		wrong = "has no right address"
	case e.Ending != Address && e.Kind != Access && e.Kind != Cut && e.Addr.IsValid():
		wrong = "has an address that it does not end in"
	case e.Kind == Cooldown && e.Ending != Address, e.Kind == Access && !e.Addr.IsValid():
		wrong = "names nobody"
	case e.Kind == Access && (r.Status < 100 || r.Status > 599):
		wrong = "has no status"
	case r.Took < -1 || r.Took > 2*86401*1000:
		wrong = "took an impossible time"
	case r.Page > route.ManagerLike:
		wrong = "asks for no page"
	case r.Date != 0 && !isRPC(r.Page) || r.Date < 0:
		wrong = "has a date"
	case e.Time < 0 || time.UnixMilli(e.Time).UTC().Year() > 9999 || e.Kind == Text && e.Time != 0:
		wrong = "has no time"
	case e.Raw() && !e.Login() || e.Raw() && e.Sealed:
		wrong = "is raw"
	case e.Lacks == Method && e.Kind != Text && e.Kind != Cut:
		wrong = "tells of a method"
	}
	if wrong != "" {
		t.Errorf("%q %s: %+v", line, wrong, *e)
	}
}

// FuzzTail holds what is read by position against what is read word by word.
func FuzzTail(f *testing.F) {
	for _, tail := range []string{"200 - 5 0.013 1.227", "200 - 0 0. 86400.999999999 ro->rw", "099 - 1 1.1 1.1", "200 - 1 1.1 1.1 from ", "200 -"} {
		f.Add([]byte(tail))
	}
	f.Fuzz(func(t *testing.T, tail []byte) {
		usual, whole := Request{Took: -1}, Request{Took: -1}
		if !usual.parseUsualTail(tail) {
			return
		}
		if ok := whole.parseAnyTail(tail); !ok || usual != whole {
			t.Errorf("%q is %+v; word by word it is %+v, %v", tail, usual, whole, ok)
		}
	})
}

// TestNoAllocation holds that nothing is allocated for what logs consist of.
func TestNoAllocation(t *testing.T) {
	for name, line := range map[string]string{
		"failed":   info + users + loginFailed,
		"raw":      info + users + "Login failed for login:x",
		"passed":   info + users + "Login successful for login:admin from 203.0.113.7 ",
		"reset":    info + signup + "Password reset attempt for <a> by user <public> from 203.0.113.75 ",
		"cooldown": warning + users + cooledDown,
		"access":   info + "werkzeug: " + answered,
		"coloured": at + "41 \x1b[1;32m\x1b[1;49mINFO\x1b[0m shop werkzeug: 203.0.113.20 - - [23/Nov/2026 10:45:02] \"\x1b[1mPOST /web/login HTTP/1.1\x1b[0m\" 200 - 5 \x1b[1;32m0.003\x1b[0m \x1b[1;32m0.022\x1b[0m",
		"text":     `  File "/opt/odoo/odoo/http.py", line 2252, in __call__`,
		"ending":   "z from 203.0.113.20 ",
		"cut":      at + "41 INFO my db odoo: x",
		"no form":  "2026-11-23 10:45:02.121 UTC [33] LOG:  checkpoint starting: time",
		"JSON":     `{"asctime": "2026-11-23 10:45:02,100", "pid": 41, "levelname": "INFO", "dbname": "shop", "name": "odoo.addons.base.models.res_users", "message": "` + loginFailed + `"}`,
	} {
		for _, container := range []string{"", "odoo-1"} {
			f := framing.Frame{Text: []byte(line), Form: framing.Bare}
			if container != "" {
				f.Container = []byte(container)
			}
			var p Parser
			var e Event
			if n := testing.AllocsPerRun(100, func() { p.Parse(&e, &f, ref) }); n > 0 {
				t.Errorf("%s of %q: %v allocations", name, container, n)
			}
		}
	}
}

// TestLongLines holds that what is allocated for a line does not grow with what an
// attacker puts in it, but for the one buffer of what is escaped in JSON.
func TestLongLines(t *testing.T) {
	const object = `{"asctime": "2026-11-23 10:45:02,100", "name": "odoo.addons.base.models.res_users", "message": "Login failed for login:`
	tests := []struct{ name, head, part, tail string }{
		{"a login", info + users + "Login failed for login:", "x", " from 203.0.113.50 "},
		{"endings", info + users + "Login failed for login:", " from 8.8.8.8", " "},
		{"databases", info + users + "Login failed for db:", "x login:", ""},
		{"cooldowns", warning + users + "Login attempt ignored for 8.8.8.8 (user '", ") on ", "' failures since last success"},
		{"quotes", info + `werkzeug: 8.8.8.8 - - [23/Nov/2026 10:45:02] "POST `, `" `, `" 200 -`},
		{"dates", info + "werkzeug: 8.8.8.8 - - [", "] ", `"`},
		{"segments", info + `werkzeug: 8.8.8.8 - - [23/Nov/2026 10:45:02] "POST `, "/../%2e", ` HTTP/1.1" 200 -`},
		{"colours", info + `werkzeug: 8.8.8.8 - - [23/Nov/2026 10:45:02] "`, "\x1b[1m", `POST / HTTP/1.1" 200 -`},
		{"digits", info + `werkzeug: 8.8.8.8 - - [23/Nov/2026 10:45:02] "POST / HTTP/1.1" 200 - 1 `, "1", ".1 1.1"},
		{"blanks", info + users, " ", ""},
		{"headers", at + "41 INFO ", "x ", "odoo.http: Exception during request handling."},
		{"blanks in text", "", " ", "x"},
		{"escapes", object, `\n`, ` from 8.8.8.8"}`},
		{"members", `{"a": "`, `", "a": "`, `"}`},
		{"braces", "{", `{"a":`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			allocations := func(size int) float64 {
				line := []byte(tt.head)
				line = append(line, bytes.Repeat([]byte(tt.part), size/len(tt.part))...)
				line = append(line, tt.tail...)
				var p Parser
				var e Event
				f := framing.Frame{Text: line, Form: framing.Bare}
				p.Parse(&e, &f, ref)
				checkEvent(t, &e, line)
				return testing.AllocsPerRun(5, func() { p.Parse(&e, &f, ref) })
			}
			small, large := allocations(4<<10), allocations(1<<20)
			if most := small + 40; large > most {
				t.Errorf("%v allocations for 4 KiB, %v for 1 MiB", small, large)
			}
		})
	}
}
