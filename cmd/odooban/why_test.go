package main

import (
	"net/netip"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/control"
)

// What is not counted stands apart, with each reason once.
func TestWriteRejected(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 48, 57, 0, time.UTC)
	forged := control.Rejected{
		Time: at, Addr: netip.MustParseAddr("8.8.8.8"), By: netip.MustParseAddr("203.0.113.7"), Rule: "odoo-login",
		User: "a\x1b", DB: "shop", Source: "odoo.log", Reason: "other-answer", Title: "its process answered another", Cure: "nothing",
	}
	lost := forged
	lost.Addr, lost.By, lost.Reason, lost.Title, lost.Cure = netip.Addr{}, netip.Addr{}, "no-address", "nothing tells", "tell"
	many := make([]control.Rejected, shownFailures+2)
	for i := range many {
		many[i] = lost
	}
	tests := []struct {
		name     string
		rejected []control.Rejected
		want     string
	}{
		{"none", nil, ""},
		{"some", []control.Rejected{forged, lost, forged}, `
NOT COUNTED (UTC)    NAMES    SENT BY      RULE        USER   SOURCE    REASON
2026-11-23 10:48:57  8.8.8.8  203.0.113.7  odoo-login  a\x1b  odoo.log  other-answer
2026-11-23 10:48:57  -        -            odoo-login  a\x1b  odoo.log  no-address
2026-11-23 10:48:57  8.8.8.8  203.0.113.7  odoo-login  a\x1b  odoo.log  other-answer
other-answer: its process answered another; nothing
no-address: nothing tells; tell
`},
		{"many", many, `
NOT COUNTED (UTC)    NAMES  SENT BY  RULE        USER   SOURCE    REASON
` + strings.Repeat("2026-11-23 10:48:57  -      -        odoo-login  a\\x1b  odoo.log  no-address\n", shownFailures) +
			`and 2 before: --json lists the latest that are remembered
no-address: nothing tells; tell
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got strings.Builder
			w := tabwriter.NewWriter(&got, 0, 0, 2, ' ', 0)
			writeRejected(w, tt.rejected)
			w.Flush()
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("rejected (-want +got):\n%s", diff)
			}
		})
	}
}
