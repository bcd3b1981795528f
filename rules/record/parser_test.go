package record

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/watcher/framing"
)

var ref = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// said is a Record, so that it can be compared and printed.
type said struct {
	When                   string
	PID                    int32
	Level, DB, Logger, Msg string
	Writer                 Writer
	Layout                 Layout
	Sealed, Coarse         bool
}

func saidBy(r *Record) said {
	return said{
		r.When.Format("2006-01-02 15:04:05.000"), r.PID, string(StripColour(r.Level)), string(r.DB), string(r.Logger), string(r.Msg),
		r.Writer, r.Layout, r.Sealed, r.Coarse,
	}
}

// parse takes a line as it stands in a log apart.
func parse(p *Parser, r *Record, line string) bool {
	var u framing.Unframer
	var f framing.Frame
	return u.Next(&f, []byte(line), ref) && p.Parse(r, &f, ref)
}

const (
	models = "odoo.addons.base.models.res_users"
	failed = "Login failed for db:shop login:admin from 203.0.113.50 "
	access = `203.0.113.50 - - [23/Nov/2026 10:45:02] "POST /web/login HTTP/1.1" 200 - 6 0.002 0.729`
)

// TestLayouts holds the forms that are read, each with a Layout of its own.
func TestLayouts(t *testing.T) {
	usual := said{"2026-11-23 10:45:02.100", 41, "INFO", "shop", models, failed, Login, Plain, false, false}
	with := func(change func(*said)) said {
		w := usual
		change(&w)
		return w
	}
	layout := func(l Layout) said { return with(func(w *said) { w.Layout = l }) }
	sealed := with(func(w *said) { w.Layout, w.Sealed = JSON, true })
	tests := []struct {
		name, line string
		want       said
	}{
		{"Odoo's own", "2026-11-23 10:45:02,100 41 INFO shop " + models + ": " + failed, usual},
		{"no database", "2026-11-23 10:45:02,100 41 INFO ? " + models + ": " + failed, with(func(w *said) { w.DB = "?" })},
		{
			"colours", "2026-11-23 10:45:02,100 41 \x1b[1;32m\x1b[1;49mINFO\x1b[0m shop " + models + ": " + failed,
			layout(Plain | Coloured),
		},
		{"a dot", "2026-11-23 10:45:02.100 41 INFO shop " + models + ": " + failed, layout(Plain | DotMillis)},
		{
			"no milliseconds", "2026-11-23 10:45:02 41 INFO shop " + models + ": " + failed,
			with(func(w *said) { w.When, w.Layout, w.Coarse = "2026-11-23 10:45:02.000", Plain|NoMillis, true }),
		},
		{"microseconds", "2026-11-23 10:45:02.100456 41 INFO shop " + models + ": " + failed, layout(Plain | DotMillis)},
		{"a T", "2026-11-23T10:45:02,100 41 INFO shop " + models + ": " + failed, layout(Plain | DateT)},
		{"a zone", "2026-11-23 10:45:02,100 +0000 41 INFO shop " + models + ": " + failed, layout(Plain | Zoned)},
		{"another zone", "2026-11-23 11:45:02,100 +0100 41 INFO shop " + models + ": " + failed, layout(Plain | Zoned)},
		{"a zone at the time", "2026-11-23 11:45:02,100+01:00 41 INFO shop " + models + ": " + failed, layout(Plain | Zoned)},
		{"a leading blank", " 2026-11-23 10:45:02,100 41 INFO shop " + models + ": " + failed, layout(Plain | Indented)},
		{"tabs", "2026-11-23 10:45:02,100\t41\tINFO\tshop\t" + models + ": " + failed, layout(Plain | Tabbed)},
		{"the level first", "2026-11-23 10:45:02,100 INFO 41 shop " + models + ": " + failed, layout(Plain | LevelFirst)},
		{"a padded level", "2026-11-23 10:45:02,100 41 INFO     shop " + models + ": " + failed, layout(Plain | Padded)},
		{"a padded level first", "2026-11-23 10:45:02,100 INFO     41 shop " + models + ": " + failed, layout(Plain | LevelFirst | Padded)},
		{
			"no process", "2026-11-23 10:45:02,100 INFO shop " + models + ": " + failed,
			with(func(w *said) { w.PID, w.Layout = 0, Plain|NoPID }),
		},
		{
			"without a database", "2026-11-23 10:45:02,100 41 INFO " + models + ": " + failed,
			with(func(w *said) { w.DB, w.Layout = "", Plain|NoDatabase }),
		},
		{
			"dashes", "2026-11-23 10:45:02,100 - " + models + " - INFO - " + failed,
			with(func(w *said) { w.PID, w.DB, w.Layout = 0, "", Dashed }),
		},
		{"a request's id", "2026-11-23 10:45:02,100 41 INFO shop " + models + ": [req-0b1c] " + failed, layout(Plain | Tagged)},
		{"no request's id", "2026-11-23 10:45:02,100 41 INFO shop " + models + ": [-] " + failed, layout(Plain | Tagged)},
		{
			"an address in brackets is no request's id", "2026-11-23 10:45:02,100 41 INFO shop werkzeug: [2001:db8::1] - - [",
			with(func(w *said) { w.Logger, w.Writer, w.Msg = "werkzeug", Access, "[2001:db8::1] - - [" }),
		},
		{
			"a request's id of others is left alone", "2026-11-23 10:45:02,100 41 INFO shop odoo.addons.x: [a] b",
			with(func(w *said) { w.Logger, w.Writer, w.Msg = "odoo.addons.x", Other, "[a] b" }),
		},

		{
			"syslog", "Nov 23 10:45:02 erp Odoo Server 18.0:shop:INFO:" + models + ":" + failed,
			with(func(w *said) { w.When, w.PID, w.Layout, w.Coarse = "2026-11-23 10:45:02.000", 0, Syslog, true }),
		},
		{
			"syslog in the journal", "Nov 23 10:45:02 erp python3[41]: OpenERP Server 8.0:shop:INFO:" + models + ":" + failed,
			with(func(w *said) { w.When, w.Layout, w.Coarse = "2026-11-23 10:45:02.000", Syslog, true }),
		},
		{
			"syslog with a zone", "2026-11-23T11:45:02.100+01:00 erp Odoo Server 18.0:shop:INFO:" + models + ": " + failed,
			with(func(w *said) { w.PID, w.Layout = 0, Syslog }),
		},
		{"journalctl", "Nov 23 10:45:02 erp odoo[7]: 2026-11-23 10:45:02,100 41 INFO shop " + models + ": " + failed, usual},
		{
			"compose, trimmed", "odoo-1  | 2026-11-23 10:45:02,100 41 INFO shop " + models + ": " + strings.TrimRight(failed, " "),
			with(func(w *said) { w.Msg = strings.TrimRight(failed, " ") }),
		},

		{
			"JSON", `{"asctime": "2026-11-23 10:45:02,100", "pid": 41, "levelname": "INFO", "dbname": "shop", "name": "` + models + `", "message": "` + failed + `", "request_id": "0b1c-0", "uid": null}`,
			sealed,
		},
		{
			"JSON in an object of Docker's", `{"log":"{\"asctime\": \"2026-11-23 10:45:02,100\", \"pid\": 41, \"levelname\": \"INFO\", \"dbname\": \"shop\", \"name\": \"` + models + `\", \"message\": \"` + failed + `\"}\n","stream":"stderr","time":"2026-11-23T10:45:02.1Z"}`,
			sealed,
		},
		{
			"a timestamp", `{"timestamp": "2026-11-23T11:45:02.100+01:00", "pid": 41, "levelname": "INFO", "dbname": "shop", "name": "` + models + `", "message": "` + failed + `"}`,
			sealed,
		},
		{
			"JSON to the second", `{"asctime": "2026-11-23 10:45:02", "pid": 41, "levelname": "INFO", "dbname": "shop", "name": "` + models + `", "message": "` + failed + `"}`,
			with(func(w *said) {
				w.When, w.Layout, w.Sealed, w.Coarse = "2026-11-23 10:45:02.000", JSON, true, true
			}),
		},
		{
			"a string for the process", `{"asctime": "2026-11-23 10:45:02,100", "pid": "41", "levelname": "INFO", "dbname": "shop", "name": "` + models + `", "message": "` + failed + `"}`,
			sealed,
		},
		{
			"JSON without a process or a database", `{"asctime": "2026-11-23 10:45:02,100", "levelname": "INFO", "dbname": null, "name": "` + models + `", "message": "` + failed + `"}`,
			with(func(w *said) { w.PID, w.DB, w.Layout, w.Sealed = 0, "", JSON, true }),
		},
		{
			"what is nested", `{"asctime": "2026-11-23 10:45:02,100", "pid": 41, "levelname": "INFO", "dbname": "shop", "name": "` + models + `", "message": "` + failed + `", "extra": {"name": [1, "}"], "message": "x"}, "exc_info": null}`,
			sealed,
		},
		{
			"stackdriver's", `{"severity": "INFO", "timestamp": {"seconds": 1795430702, "nanos": 100000000}, "logger": "` + models + `", "message": "` + failed + `", "thread": 1}`,
			with(func(w *said) { w.PID, w.DB, w.Layout, w.Sealed = 0, "", JSON, true }),
		},
		{
			"--log-config", `{"message": "` + failed + `", "name": "` + models + `", "levelname": "INFO", "dbname": "shop", "created": 1795430702.1004567, "process": 41}`,
			sealed,
		},
		{
			"escapes", `{"asctime": "2026-11-23 10:45:02,100", "pid": 41, "levelname": "INFO", "dbname": "shop", "name": "` + models + `", "message": "Login failed for login:\"x\"\n from 203.0.113.50"}`,
			with(func(w *said) {
				w.Layout, w.Sealed, w.Msg = JSON, true, "Login failed for login:\"x\"\n from 203.0.113.50"
			}),
		},
		{
			"an access line and its times", `{"asctime": "2026-11-23 10:45:02,100", "pid": 41, "levelname": "INFO", "dbname": "shop", "name": "werkzeug", "message": "203.0.113.50 - - [23/Nov/2026 10:45:02] \"POST /web/login HTTP/1.1\" 200 -", "perf_info": " 6 0.002 0.729"}`,
			with(func(w *said) {
				w.Layout, w.Sealed, w.Msg, w.Logger, w.Writer = JSON, true, access, "werkzeug", Access
			}),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p Parser
			var r Record
			for range 2 { // The second time, what was remembered is used.
				if !parse(&p, &r, tt.line) {
					t.Fatalf("not read: %q", tt.line)
				}
				if diff := cmp.Diff(tt.want, saidBy(&r)); diff != "" {
					t.Errorf("%q (-want +got):\n%s", tt.line, diff)
				}
			}
		})
	}
}

// TestNoRecord holds what begins none.
func TestNoRecord(t *testing.T) {
	const time = "2026-11-23 10:45:02,100 "
	for name, line := range map[string]string{
		"empty":                   "",
		"a traceback":             `  File "/opt/odoo/odoo/http.py", line 2800, in __call__`,
		"a time alone":            "2026-11-23 10:45:02,100",
		"no such day":             "2026-02-30 10:45:02,100 41 INFO shop odoo: x",
		"no such level":           time + "41 NOTE shop odoo: x",
		"no logger":               time + "41 INFO shop odoo x",
		"no blank behind it":      time + "41 INFO shop odoo:x",
		"a blank in the database": time + "41 INFO my shop odoo: x",
		"a quote in the database": time + `41 INFO a'b odoo: x`,
		"a long database":         time + "41 INFO " + strings.Repeat("a", 64) + " odoo: x",
		"a long number":           time + "1234567890 INFO shop odoo: x",
		"no number":               time + "x INFO shop odoo: x",
		"two zones":               "2026-11-23 10:45:02,100Z +0000 41 INFO shop odoo: x",
		"tabs and blanks":         "2026-11-23 10:45:02,100\t41 INFO\tshop\todoo: x",
		"deep":                    strings.Repeat(" ", 9) + time + "41 INFO shop odoo: x",
		"dashes, no level":        "2026-11-23 10:45:02,100 - odoo - x - INFO - x",
		"broken JSON":             `{"asctime": "2026-11-23 10:45:02,100", "name": "odoo", "message": "Login failed`,
		"JSON and more":           `{"asctime": "2026-11-23 10:45:02,100", "name": "odoo", "message": "x"} from 192.0.2.1`,
		"JSON without a time":     `{"name": "odoo", "message": "x"}`,
		"JSON without a logger":   `{"asctime": "2026-11-23 10:45:02,100", "message": "x"}`,
		"JSON of Traefik's":       `{"ClientAddr":"203.0.113.50:49152","DownstreamStatus":200,"level":"info","msg":"","time":"2026-11-23T10:45:02Z"}`,
		"no product":              "Nov 23 10:45:02 erp Web Server 18.0:shop:INFO:odoo.http:x",
		"syslog without a time":   "Odoo Server 18.0:shop:INFO:odoo.http:x",
		"syslog, cut":             "Nov 23 10:45:02 erp Odoo Server 18.0:shop:INFO:odoo.http",
	} {
		var p Parser
		var r Record
		if parse(&p, &r, line) {
			t.Errorf("%s: read %+v", name, saidBy(&r))
		}
	}
}

func TestDatabase(t *testing.T) {
	for db, want := range map[string]string{"shop": "shop", "?": "", "None": "", "-": "", "": ""} {
		if got := (&Record{DB: []byte(db)}).Database(); string(got) != want {
			t.Errorf("%q is %q", db, got)
		}
	}
}

func TestWriters(t *testing.T) {
	for logger, want := range map[string]Writer{
		"werkzeug":                                           Access,
		"odoo.http.server":                                   Access,
		"odoo.addons.base.models.res_users":                  Login,
		"odoo.addons.base.res.res_users":                     Login,
		"openerp.addons.base.res.res_users":                  Login,
		"odoo.addons.auth_ldap.models.res_users":             Other,
		"odoo.addons.auth_totp.models.res_users":             TOTP,
		"odoo.addons.auth_totp_mail_enforce.models.res_user": TOTP,
		"odoo.addons.auth_signup.controllers.main":           Reset,
		"odoo.http":                HTTP,
		"openerp.http":             HTTP,
		"odoo.addons.website.http": HTTP,
		"odoo.service.server":      Service,
		"odoo.service.db":          Other,
		"odoo":                     Other,
	} {
		if got := writerOf([]byte(logger)); got != want {
			t.Errorf("%s is %v, want %v", logger, got, want)
		}
	}
}

// TestMemory holds that 1 MiB of the worst that we could think of takes a few MiB at most, all in all.
func TestMemory(t *testing.T) {
	const head = "2026-11-23 10:45:02,100 41 INFO shop "
	for name, line := range map[string]string{
		"headings":  head + "a%d: x",
		"databases": "2026-11-23 10:45:02,100 41 INFO a%d odoo: x",
		"no colon":  head + strings.Repeat("a", 1<<20),
		"blanks":    "2026-11-23 10:45:02,100 41 INFO" + strings.Repeat(" ", 1<<20),
		"dashes":    "2026-11-23 10:45:02,100" + strings.Repeat(" - ", 1<<18),
		"colours":   "2026-11-23 10:45:02,100 41 " + strings.Repeat("\x1b[1m", 1<<18),
		"escapes":   `{"asctime":"2026-11-23 10:45:02,100","name":"odoo","message":"` + strings.Repeat(`\"`, 1<<19) + `"}`,
		"members":   `{"asctime":"2026-11-23 10:45:02,100","name":"odoo","message":"x"` + strings.Repeat(`,"message":"\""`, 1<<16) + "}",
		"brackets":  `{"created":` + strings.Repeat("[", 1<<20),
		"small":     `{"asctime":"2026-11-23 10:45:02,100","name":"odoo","message":"\""}`,
		"a tag":     head + "werkzeug: [" + strings.Repeat("a", 1<<20),
		"syslog":    "Nov 23 10:45:02 erp Odoo Server " + strings.Repeat("a:", 1<<19),
	} {
		t.Run(name, func(t *testing.T) {
			var p Parser
			var r Record
			var frames []framing.Frame
			for i, n := 0, 0; n < 1<<20; i++ {
				var u framing.Unframer
				var f framing.Frame
				one := []byte(strings.Replace(line, "%d", fmt.Sprint(i), 1))
				u.Next(&f, one, ref)
				frames = append(frames, f)
				n += len(one)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for i := range frames {
				p.Parse(&r, &frames[i], ref)
			}
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
				t.Errorf("%d bytes were allocated", got)
			}
			if kept := cap(p.scratch); kept > 4<<20 {
				t.Errorf("%d bytes are kept", kept)
			}
		})
	}
}

// TestNoAllocation holds that nothing is allocated for what logs consist of.
func TestNoAllocation(t *testing.T) {
	for name, line := range map[string]string{
		"plain":   "2026-11-23 10:45:02,100 41 INFO shop werkzeug: " + access,
		"dotted":  "2026-11-23 10:45:02.100 41 INFO shop werkzeug: " + access,
		"ordered": "2026-11-23 10:45:02,100 INFO 41 shop werkzeug: " + access,
		"JSON":    `{"asctime": "2026-11-23 10:45:02,100", "pid": 41, "levelname": "INFO", "dbname": "shop", "name": "werkzeug", "message": "\"POST /web/login HTTP/1.1\" 200 -", "perf_info": "6 0.002 0.729"}`,
	} {
		var p Parser
		var r Record
		f := framing.Frame{Text: []byte(line), Form: framing.Bare}
		if n := testing.AllocsPerRun(100, func() { p.Parse(&r, &f, ref) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzParse takes any line apart, whatever came before it, and holds that this is what is read of it alone, and stands
// in it.
func FuzzParse(f *testing.F) {
	logs, err := filepath.Glob(filepath.Join("..", "..", "testdata", "logs", "*.log"))
	if err != nil || len(logs) == 0 {
		f.Fatalf("find logs: %d, %v", len(logs), err)
	}
	const head = "2026-11-23 10:45:45,456 7 INFO db "
	for _, name := range logs {
		log, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.SplitSeq(string(log[:min(len(log), 4096)]), "\n") {
			f.Add(head+"a.b: c", line)
		}
	}
	for _, pair := range [][2]string{
		{head + "werkzeug: a", "2026-11-23 10:45:59,999 123456789 INFO db werkzeug: b: c"},
		{head + "a.b: c", head + "a.b:"},
		{head + "a.b: c", "2026-11-23 10:45:60,000 7 INFO db a.b: c"},
		{head + "a.b: c", "2026-11-23T10:45:45.456 7 INFO db a.b.c: c"},
		{head + "a.b: c", "2026-11-23 10:45:45.45Z 7 INFO db a.b: c"},
		{"2024-02-29 23:59:59,999 1 \x1b[1;32mINFO\x1b[0m ? odoo: x", "2026-02-29 23:59:59,999 1 \x1b[1;32mINFO\x1b[0m ? odoo: x"},
		{" 2026-11-23 10:45:45 +0100 INFO   7 werkzeug: [a] x", "2026-11-23 10:45:45,1 - werkzeug - INFO - [a] x"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, before, line string) {
		var used, fresh Parser
		var ignored, got, want Record
		parse(&used, &ignored, before)
		ok, wantOK := parse(&used, &got, line), parse(&fresh, &want, line)
		if ok != wantOK || ok && saidBy(&got) != saidBy(&want) {
			t.Fatalf("%q behind %q is %+v, %v; alone it is %+v, %v", line, before, saidBy(&got), ok, saidBy(&want), wantOK)
		}
		if !ok {
			return
		}
		base := got.Layout & (Plain | JSON | Syslog | Dashed)
		if base&(base-1) != 0 || base == 0 || got.Sealed != (base == JSON) || !isLogger(got.Logger) || got.When.Year() < 1970 {
			t.Errorf("%q is %+v", line, saidBy(&got))
		}
		if !got.Sealed && !strings.Contains(line, "{") && !strings.HasSuffix(strings.TrimRight(line, "\r"), strings.TrimRight(string(got.Msg), "\r")) {
			t.Errorf("the message %q does not end %q", got.Msg, line)
		}
		if got.Name != "" && got.Name != string(got.DB) {
			t.Errorf("the database of %q is %q", line, got.Name)
		}
	})
}

// FuzzJSON holds what is read of an object against encoding/json.
func FuzzJSON(f *testing.F) {
	f.Add("2026-11-23 10:45:02,100", "shop", "werkzeug", access, " 1 2 3")
	f.Add("1795430702.1", "None", models, "Login failed for login:a\"\\\n\u2028\U0001f600 from ::1", "")
	f.Fuzz(func(t *testing.T, when, db, logger, message, perf string) {
		fields := map[string]string{"asctime": when, "dbname": db, "name": logger, "message": message, "perf_info": perf}
		line, err := json.Marshal(fields)
		if err != nil {
			t.Skip()
		}
		clear(fields)
		if err := json.Unmarshal(line, &fields); err != nil { // What is no UTF-8 has become so.
			t.Fatal(err)
		}
		var p Parser
		var r Record
		if !p.Parse(&r, &framing.Frame{Text: line}, ref) {
			if _, ok := ParseTime([]byte(when), ref); ok && isLogger([]byte(logger)) && message != "" && when[0] != '"' && when[0] != '{' {
				t.Errorf("%s is not read", line)
			}
			return
		}
		want := fields["message"]
		if perf := strings.Trim(fields["perf_info"], " "); r.Writer == Access && perf != "" {
			want += " " + perf
		}
		got := []string{string(r.DB), string(r.Logger), string(r.Msg)}
		if r.Layout&Tagged == 0 && !reflect.DeepEqual(got, []string{fields["dbname"], fields["name"], want}) {
			t.Errorf("%s is %q", line, got)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	const head = "2026-11-23 10:45:02,100 41 INFO shop "
	for _, bb := range []struct{ name, line string }{
		{"plain", head + models + ": " + failed},
		{"access", head + "werkzeug: " + access},
		{"ordered", "2026-11-23 10:45:02,100 INFO 41 shop " + models + ": " + failed},
		{"dashed", "2026-11-23 10:45:02,100 - " + models + " - INFO - " + failed},
		{"JSON", `{"asctime": "2026-11-23 10:45:02,100", "pid": 41, "levelname": "INFO", "dbname": "shop", "name": "` + models + `", "message": "` + failed + `", "perf_info": ""}`},
		{"no record", "Traceback (most recent call last):"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var p Parser
			var r Record
			f := framing.Frame{Text: []byte(bb.line), Form: framing.Bare}
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(&r, &f, ref)
			}
		})
	}
}
