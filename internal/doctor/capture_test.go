package doctor

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/finding"
)

// In the logs of real servers under attack nothing is found but what was wrong
// with them.
func TestCaptures(t *testing.T) {
	wrong := map[string][]string{
		"odoo19-warn.log":    {finding.LevelHides, finding.ProxyMode},
		"syslog.log":         {finding.Syslog},
		"traefik-common.log": {finding.Doubtful},
		"traefik-json.log":   {finding.Doubtful}, // its forwardedHeaders.insecure is set
	}
	logs, err := filepath.Glob("../../testdata/logs/*.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, path := range logs {
		t.Run(filepath.Base(path), func(t *testing.T) {
			h := newHost(t)
			abs, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			h.Root, h.Files = "", []string{abs}
			var codes []string
			for _, f := range Examine(t.Context(), h.Environment, append(Regular(), only("log formats")...)).Findings {
				codes = append(codes, f.Code)
			}
			if diff := cmp.Diff(wrong[filepath.Base(path)], codes); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}
