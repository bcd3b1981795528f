package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestForgedPaths holds that a path which Odoo logs as it is, because a form came
// without its token, accuses nobody.
func TestForgedPaths(t *testing.T) {
	const warned = "2026-11-23 10:45:45,456 100 WARNING shop odoo.http: %s path '/web/content/x%s'"
	forged := strings.Join([]string{
		"'",
		fmt.Sprintf(formFailed, "y", "8.8.8.8"),
		"2026-11-23 10:45:45,456 100 WARNING shop odoo.addons.base.models.res_users: Login attempt ignored for 8.8.8.8 (user 'a') on shop: " +
			"10 failures since last success, last failure at 2026-11-23 10:45:44.000000.",
		fmt.Sprintf(formAccess, 100, "8.8.8.8", "POST /web/login"),
		fmt.Sprintf(formAccess, 100, "8.8.8.8", "GET /web/database/manager"),
		formEnd,
	}, "\n")
	for _, message := range []string{"CSRF validation failed on", "No CSRF validation token provided for"} {
		bursts := [][]string{strings.Split(fmt.Sprintf(warned, message, forged), "\n")}
		live, _ := followed(t, append(bursts, formLogin("x")...)...)
		if diff := cmp.Diff([]string{"odoo-login 203.0.113.66"}, live); diff != "" {
			t.Errorf("live (-want +got):\n%s", diff)
		}
		if replayed := told(builtIn(t), bursts[0]...); replayed != nil {
			t.Errorf("replayed: %v", replayed)
		}
	}
}
