package odoo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/rules/record"
	"odooban/watcher/framing"
)

// TestForms holds that a login and its answer tell the same in all the forms that logs
// have, and that each form shows.
func TestForms(t *testing.T) {
	plain := func(stamp, level, between string) func(logger, message string) string {
		return func(logger, message string) string {
			return stamp + strings.ReplaceAll(" 41 "+level+" shop ", " ", between) + logger + ": " + message
		}
	}
	usual := plain("2026-11-23 10:45:02,100", "INFO", " ")
	before := func(prefix string) func(logger, message string) string {
		return func(logger, message string) string { return prefix + usual(logger, message) }
	}
	quote := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`) }
	object := func(head string) func(logger, message string) string {
		return func(logger, message string) string {
			return `{` + head + `, "levelname": "INFO", "dbname": "shop", "name": "` + logger + `", "message": "` + quote(message) + `"}`
		}
	}
	stackdriver := func(logger, message string) string {
		return `{"severity": "INFO", "timestamp": {"seconds": 1795430702, "nanos": 100000000}, "db": "shop", "logger": "` + logger +
			`", "message": "` + quote(message) + `", "thread": 1}`
	}
	const bare = uint32(framing.Bare)
	form := func(f framing.Form) uint32 { return uint32(f) | uint32(record.Plain)<<16 }
	layout := func(l record.Layout) uint32 { return bare | uint32(l)<<16 }
	tests := []struct {
		name   string
		line   func(logger, message string) string
		layout uint32
		pid    int32
	}{
		{"Odoo's own", usual, layout(record.Plain), 41},
		{
			"colours", plain("2026-11-23 10:45:02,100", "\x1b[1;32m\x1b[1;49mINFO\x1b[0m", " "),
			layout(record.Plain | record.Coloured), 41,
		},
		{"tabs", plain("2026-11-23 10:45:02,100", "INFO", "\t"), layout(record.Plain | record.Tabbed), 41},
		{"a padded level", plain("2026-11-23 10:45:02,100", "INFO    ", " "), layout(record.Plain), 41},
		{"a dot", plain("2026-11-23 10:45:02.100", "INFO", " "), layout(record.Plain | record.DotMillis), 41},
		{"a zone", plain("2026-11-23 11:45:02,100 +0100", "INFO", " "), layout(record.Plain | record.Zoned), 41},
		{"a zone in the west", plain("2026-11-23 05:15:02,100-05:30", "INFO", " "), layout(record.Plain | record.Zoned), 41},
		{"a leading blank", before(" "), layout(record.Plain | record.Indented), 41},
		{
			"the level first",
			func(logger, message string) string { return at + "INFO 41 shop " + logger + ": " + message },
			layout(record.Plain | record.LevelFirst), 41,
		},
		{
			"dashes",
			func(logger, message string) string {
				return "2026-11-23 10:45:02,100 - " + logger + " - INFO - " + message
			},
			layout(record.Dashed), 0,
		},
		{
			"a request's id",
			func(logger, message string) string { return usual(logger, "[req-0b1c] "+message) },
			layout(record.Plain), 41,
		},
		{"JSON", object(`"asctime": "2026-11-23 10:45:02,100", "pid": 41`), layout(record.JSON), 41},
		{"JSON, a number in quotes", object(`"asctime": "2026-11-23 10:45:02,100", "pid": "41"`), layout(record.JSON), 41},
		{"JSON, RFC 3339", object(`"timestamp": "2026-11-23T11:45:02.100+01:00"`), layout(record.JSON), 0},
		{"JSON, since 1970", object(`"created": 1795430702.1, "process": 41`), layout(record.JSON), 41},
		{"JSON, more", object(`"extra": {"a": [1, 2]}, "exc_info": null, "asctime": "2026-11-23 10:45:02,100"`), layout(record.JSON), 0},
		{"JSON, stackdriver", stackdriver, layout(record.JSON), 0},
		{"docker compose", before("odoo-1  | "), form(framing.Compose), 41},
		{"docker compose, colours", before("\x1b[36modoo-1  | \x1b[0m"), form(framing.Compose), 41},
		{"docker logs -t", before("2026-11-23T10:45:02.100456789Z "), form(framing.Stamped), 41},
		{"kubelet", before("2026-11-23T10:45:02.100456789Z stderr F "), form(framing.CRI), 41},
		{"kubectl", before("[pod/odoo-6b7d9c-x2/odoo] "), form(framing.Kubectl), 41},
		{"journal", before("Nov 23 10:45:02 erp odoo[41]: "), form(framing.Syslog), 41},
		{
			"--syslog",
			func(logger, message string) string {
				return "2026-11-23T10:45:02.100+00:00 erp odoo[41]: Odoo Server 18.0:shop:INFO:" + logger + ":" + message
			},
			uint32(framing.SyslogISO) | uint32(record.Syslog)<<16, 41,
		},
		{
			"json-file",
			func(logger, message string) string {
				return `{"log":"` + quote(usual(logger, message)) + `\n","stream":"stderr","time":"2026-11-23T10:45:02.100Z"}`
			},
			form(framing.Object), 41,
		},
		{
			"Windows", func(logger, message string) string { return usual(logger, message) + "\r" },
			layout(record.Plain), 41,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, part := range []struct {
				logger, message string
				want            told
			}{
				{"odoo.addons.base.models.res_users", loginFailed, told{Failed, Address, "203.0.113.50", "admin", "shop"}},
				{"werkzeug", answered, told{Access, Open, "203.0.113.50", "", "shop"}},
			} {
				e := parse(tt.line(part.logger, part.message))
				if tt.name == "dashes" && part.want.Kind == Access {
					part.want.DB = "" // Only the login names it.
				}
				if diff := cmp.Diff(part.want, toldBy(e)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", part.logger, diff)
				}
				const when = 1795430702100
				if e.Time != when || e.Layout != tt.layout || e.Proc.PID != tt.pid {
					t.Errorf("%s: time %d, layout %#x, process %d; want %d, %#x, %d",
						part.logger, e.Time, e.Layout, e.Proc.PID, when, tt.layout, tt.pid)
				}
			}
		})
	}
}

// TestCutHeader holds that a line which begins as a record does tells when and of which
// process, though it is none.
func TestCutHeader(t *testing.T) {
	const usual, dotted = 1795430702100, 1795430702200
	tests := []struct {
		name, line string
		kind       Kind
		time       int64
	}{
		{"a line end in the database", at + "41 INFO x", Cut, usual},
		{"a blank in the database", at + "41 INFO my db " + users + loginFailed, Cut, usual},
		{"no logger", at + "41 INFO shop Odoo version 19.0", Cut, usual},
		{"a dot", "2026-11-23 10:45:02.200 41 INFO my db odoo: x", Cut, dotted},
		{"a coloured level", at + "41 \x1b[1;32m\x1b[1;49mINFO\x1b[0m my db odoo: x", Cut, usual},
		{"no level", at + "41 x y", Text, 0},
		{"no process", at + "x INFO y", Text, 0},
		{"no time", "2026-11-31 10:45:02,100 41 INFO my db odoo: x", Text, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := parse(tt.line)
			if e.Kind != tt.kind || e.Time != tt.time {
				t.Errorf("%s is of kind %d, %d; want %d, %d", tt.line, e.Kind, e.Time, tt.kind, tt.time)
			}
			if want := int32(41); e.Kind == Cut && e.Proc.PID != want {
				t.Errorf("%s is of process %d, want %d", tt.line, e.Proc.PID, want)
			}
		})
	}
}

// TestProcesses holds that equal numbers in different containers are different
// processes.
func TestProcesses(t *testing.T) {
	of := func(line string) Process { return parse(line).Proc }
	one, two := of("odoo-1  | "+info+users+loginFailed), of("odoo-2  | "+info+users+loginFailed)
	switch {
	case of(info+users+loginFailed) != Process{PID: 41}:
		t.Error("a log of one container names one")
	case one.PID != 41 || one.Container == 0 || one.Container == two.Container:
		t.Errorf("the processes are %+v and %+v", one, two)
	case one != of("odoo-1  | "+info+"werkzeug: "+answered):
		t.Error("the answer is another process's")
	case of("odoo-1  | x from 203.0.113.7").Container != one.Container:
		t.Error("a text is another container's")
	}
}
