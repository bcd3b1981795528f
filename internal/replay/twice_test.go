package replay_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/replay"
)

// TestRecordsThatComeTwice replays logs beside copies of all or some of their records:
// each attempt counts once.
func TestRecordsThatComeTwice(t *testing.T) {
	framed := func(log string) string {
		var b strings.Builder
		stamp := "2026-11-23T10:45:00.000Z"
		for line := range strings.Lines(log) {
			if m := header.FindStringSubmatch(line); m != nil {
				stamp = strings.NewReplacer(" ", "T", ",", ".").Replace(m[1]) + "Z"
			}
			object, err := json.Marshal(map[string]string{"log": line, "stream": "stderr", "time": stamp})
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(object, '\n'))
		}
		return b.String()
	}
	// from and until give the lines of a log from, or up to, some part of it.
	cut := func(log string, part float64) int {
		at := int(float64(len(log)) * part)
		return at + strings.IndexByte(log[at:], '\n') + 1
	}
	from := func(log string, part float64) string { return log[cut(log, part):] }
	until := func(log string, part float64) string { return log[:cut(log, part)] }
	tests := []struct {
		name   string
		pieces func(log string) map[string]string // by name
	}{
		{"two logs", func(log string) map[string]string { return map[string]string{"odoo.log": log, "all.log": log} }},
		{"a copy that rotation made", func(log string) map[string]string { return map[string]string{"odoo.log": log, "odoo.log.1": log} }},
		{"pieces that overlap", func(log string) map[string]string {
			return map[string]string{"odoo.log.2": until(log, 0.5), "odoo.log.1": from(log, 0.3), "odoo.log": from(log, 0.7)}
		}},
		{"logs that overlap", func(log string) map[string]string {
			return map[string]string{"a.log": until(log, 0.6), "b.log": from(log, 0.4)}
		}},
		{"line ends of Windows", func(log string) map[string]string {
			return map[string]string{"odoo.log": log, "edited.log": strings.ReplaceAll(log, "\n", "\r\n")}
		}},
		{"with a collector's frames", func(log string) map[string]string {
			return map[string]string{"odoo.log": log, "container-json.log": framed(log)}
		}},
	}
	for _, name := range []string{"odoo17-prefork", "odoo19-prefork", "odoo19-warn", "odoo9-prefork", "odoo18-json", "traefik-json"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "logs", name+".log"))
		if err != nil {
			t.Fatal(err)
		}
		log := string(text)
		run := func(pieces map[string]string) *replay.Report {
			dir := t.TempDir()
			var logs []*replay.Log
			for name, text := range pieces {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				logs = append(logs, open(t, path))
			}
			report, err := replay.Run(t.Context(), logs, builtIn(t), newJail(t), nil)
			if err != nil || len(report.Failures) == 0 {
				t.Fatal(err, report.Failures)
			}
			return report
		}
		want := run(map[string]string{"odoo.log": log})
		for _, tt := range tests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				got := run(tt.pieces(log))
				if diff := cmp.Diff(want.Failures, got.Failures); diff != "" {
					t.Errorf("failures (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(want.Bans, got.Bans, comparing); diff != "" {
					t.Errorf("bans (-want +got):\n%s", diff)
				}
			})
		}
	}
}
