package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odooban/internal/config"
	"odooban/internal/finding"
)

// journal is one that has this text.
type journal string

func (j journal) Tail(context.Context, string, int) ([]byte, error) { return []byte(j), nil }

// A log that had lines and gets none any more is told of, unless it was left
// behind long ago.
func TestSilence(t *testing.T) {
	const hour = 3600
	tests := []struct {
		name   string
		ago    int // in seconds, when it was last written to
		older  bool
		text   func(h *host) string
		silent bool
	}{
		{"busy", 10, false, (*host).busyLog, false},
		{"a short while", 5 * hour, false, (*host).busyLog, false},
		{"a long while", 7 * hour, false, (*host).busyLog, true},
		{"left behind", 31 * 24 * hour, false, (*host).busyLog, false},
		{"never had a line", 7 * hour, false, func(*host) string { return "" }, false},
		{"silent since rotation", 7 * hour, true, func(*host) string { return "" }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.write(logPath, tt.text(h))
			if tt.older {
				h.write(logPath+".1", h.busyLog())
			}
			if err := os.Chtimes(filepath.Join(h.Root, logPath), time.Time{}, h.ago(tt.ago)); err != nil {
				t.Fatal(err)
			}
			if found := h.examine(finding.SourceEmpty); tt.older && len(found) > 0 {
				t.Errorf("it is said never to have had a line: %+v", found)
			}
			found := h.examine(finding.SourceSilent)
			if got := len(found) == 1 && found[0].About == logPath && found[0].Severity == finding.Warning; got != tt.silent {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// A unit is known by its records.
func TestSilentUnit(t *testing.T) {
	h := newHost(t)
	h.Files, h.Config.Sources = nil, []config.Source{{Journald: &config.Journald{Unit: "odoo.service"}}}
	for ago, silent := range map[int]bool{10: false, 7 * 3600: true} {
		h.Journal = journal(record(h.ago(ago), "INFO", "odoo.http", "x"))
		found := h.examine(finding.SourceSilent)
		if got := len(found) == 1 && strings.Contains(found[0].Evidence, "for 7h0m0s"); got != silent {
			t.Errorf("found %+v", found)
		}
	}
}
