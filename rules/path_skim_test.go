package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLoginsHowever holds that no method and no path hides a login that Odoo takes,
// live or in a replay, which looks at few lines once it knows whose log it reads.
func TestLoginsHowever(t *testing.T) {
	const (
		record = "2026-11-23 10:45:45,456 28342 INFO shop odoo.addons.base.models.res_users: Login failed for login:admin from "
		access = `2026-11-23 10:45:45,464 28342 INFO shop werkzeug: 203.0.113.9 - - [23/Nov/2026 10:45:45] "%s HTTP/1.1" 200 - 4 0.003 0.01`
	)
	quiet := strings.Replace(answered("GET /web/assets/1.css", 200), "45,470", "45,440", 1)
	for _, tt := range []struct {
		request, from string
		counted       bool
	}{
		{"POST /jsonrpc", "n/a", true},
		{"GET /jsonrpc", "n/a", true},
		{"put /jsonrpc?x", "n/a", true},
		{"POST /jsonrpc/", "n/a", true},
		{"POST /jsonrpc#x", "n/a", true},
		{"POST http://erp.example.org:8069/jsonrpc", "n/a", true},
		{"POST /json%72pc", "n/a", true},
		{"GET jsonrpc", "n/a", true},
		{"POST /xmlrpc/2/common", "n/a", true},
		{"post /xmlrpc/2/common/", "n/a", true},
		{"POST http://erp.example.org/xmlrpc/common", "n/a", true},
		{"GET /xmlrpc/2/common", "n/a", false},
		{"GET /web/session/authenticate", "203.0.113.9", true},
		{"POST /web/session/authenticate/", "203.0.113.9", true},
		{"POST /web/login", "203.0.113.9", true},
		{"post /web/login", "203.0.113.9", true},
		{"POST /web%2flogin", "203.0.113.9", true},
		{"POST /web/login/", "203.0.113.9", true},
		{"POST //web/login", "203.0.113.9", true},
		{"POST http://" + strings.Repeat("erp.", 90) + "org/fr/web/login", "203.0.113.9", true},
	} {
		t.Run(tt.request, func(t *testing.T) {
			failed, answer := record+tt.from+" ", fmt.Sprintf(access, tt.request)
			var want []string
			if tt.counted {
				want = []string{"odoo-login 203.0.113.9"}
			}
			// The login before shows that the log has access lines: then a record without counts for nothing.
			lines := append(slices.Insert(odooFailed("a"), 0, quiet, quiet), failed, answer)
			want = append([]string{"odoo-login 203.0.113.7"}, want...)
			if diff := cmp.Diff(want, told(builtIn(t), lines...)); diff != "" {
				t.Errorf("replayed (-want +got):\n%s", diff)
			}
			live, _ := followed(t, lines[:2], lines[2:4], lines[4:])
			if diff := cmp.Diff(want, live); diff != "" {
				t.Errorf("live (-want +got):\n%s", diff)
			}
			log := []byte(strings.Join(lines, "\n") + "\n")
			wantSkimmed(t, builtIn(t), log, 1, 200, len(log))
			wantSkimmed(t, builtIn(t), padded(log), 1, 200, 4096, 256<<10)
		})
	}
}
