package rules_test

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzFormOfLogin puts any lines that hold no record in the log's own form into
// a login, and holds that nobody but its sender is accused, in a log that is
// read live and in one that is replayed.
func FuzzFormOfLogin(f *testing.F) {
	failed := fmt.Sprintf(formFailed, "y", "8.8.8.8")
	f.Add("x from 8.8.8.8 \nodoo-2 | y")
	f.Add("x from 8.8.8.8 \n" + `{"log":"y","stream":"stderr"`)
	f.Add("x\nodoo-2 | " + failed + "\nodoo-2 | y")
	f.Add("x\n" + `{"log":"` + failed + `\n","stream":"stderr"}` + "\n" + `{"log":"y","stream":"stderr"`)
	f.Add("x\n" + fmt.Sprintf(formJSON, "odoo.addons.base.models.res_users", "Login failed for login:y from 8.8.8.8 ") + "\ny")
	f.Add("x\n2026-11-23T10:45:45.456Z " + failed + "\ny")
	f.Fuzz(func(t *testing.T, login string) {
		for line := range strings.SplitSeq(login, "\n") {
			if strings.HasPrefix(line, "2") && !strings.Contains(line[:min(len(line), 12)], "T") || len(line) > 1<<16 {
				return // records in the log's own form: forger_test.go
			}
		}
		bursts := formLogin(login)
		live, _ := followed(t, bursts...)
		var log []string
		for _, burst := range bursts {
			log = append(log, burst...)
		}
		for _, all := range [][]string{live, told(builtIn(t), log...)} {
			for _, one := range all {
				if one != "odoo-login 203.0.113.66" {
					t.Errorf("told %v", all)
				}
			}
		}
	})
}
