package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRunReadsTraefik follows Traefik's access log while it is written, in both
// formats. Who sends the name of a user that looks like somebody else accuses nobody.
func TestRunReadsTraefik(t *testing.T) {
	for _, tt := range []struct{ name, line string }{
		{"common", `203.0.113.50 - - [%[1]s] "POST /web/login HTTP/2.0" 200 4821 "-" "8.8.8.8 - -" 7 "odoo@docker" "http://172.18.0.3:8069" 4ms`},
		{"JSON", `{"ClientAddr":"203.0.113.50:4711","ClientHost":"203.0.113.50","ClientUsername":"- [x]\n8.8.8.8 - -",` +
			`"DownstreamContentSize":4821,"DownstreamStatus":200,"Duration":4000000,"OriginStatus":200,"RequestMethod":"POST",` +
			`"RequestPath":"/web/login","StartUTC":"%[2]s"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			log := newOdooLog(t)
			odooban := start(t, (*exec.Cmd).Start, []string{"ODOOBAN_JAILS_TRAEFIK_LOGIN_MAXRETRY=3"},
				"run", "--dry-run", log.file.Name())
			odooban.awaitMessage(t, "following "+log.file.Name())
			ctx, cancel := context.WithCancel(t.Context())
			var attack sync.WaitGroup
			defer attack.Wait()
			defer cancel()
			attack.Go(func() {
				again := time.NewTicker(30 * time.Millisecond)
				defer again.Stop()
				for ctx.Err() == nil {
					now := time.Now().UTC()
					fmt.Fprintf(log.file, tt.line+"\n", now.Format("02/Jan/2006:15:04:05 -0700"), now.Format(time.RFC3339Nano))
					<-again.C
				}
			})
			e := odooban.awaitBan(t, "203.0.113.50/32")
			if !strings.Contains(e.text, `"rule":"traefik-login"`) {
				t.Errorf("banned by %s", e.text)
			}
			if n := odooban.failures("8.8.8.8"); n > 0 {
				t.Errorf("%d failures of whom nobody but the attacker names", n)
			}
		})
	}
}
