package doctor

import (
	"strings"
	"testing"

	"odooban/internal/finding"
)

// guideFilter is what the hardening guides tell to write.
const guideFilter = `[Definition]
failregex = ^ \d+ INFO \S+ odoo.addons.base.res.res_users: Login failed for db:\S+ login:\S+ from <HOST>$
ignoreregex =
`

// A filter that matches nothing is found, and with the cure it names, taking
// jail and filter out, found no more.
func TestFail2banBlind(t *testing.T) {
	tests := []struct {
		name   string
		files  map[string]string
		blind  bool
		unsure bool
	}{
		{
			"the guide's", map[string]string{
				"jail.local":               "[odoo-login]\nenabled = true\nfilter = odoo-login\nlogpath = /var/log/odoo/odoo.log\n",
				"filter.d/odoo-login.conf": guideFilter,
			}, true, false,
		},
		{
			"the name of the jail is that of the filter", map[string]string{
				"jail.d/odoo.conf":   "[odoo]\nenabled = true\n",
				"filter.d/odoo.conf": guideFilter,
			}, true, false,
		},
		{
			"enabled for all jails, and a pattern in the jail", map[string]string{
				"jail.conf":  "[DEFAULT]\nenabled = true\n",
				"jail.local": "[erp]\nfailregex = res_users: Login failed for user <HOST>\n",
			}, true, false,
		},
		{
			"two patterns of which one matches, with options of its own", map[string]string{
				"jail.local": "[odoo]\nenabled = yes\nfilter = odoo[mode=x]\n",
				"filter.d/odoo.conf": "[DEFAULT]\nhead = \\d+ INFO \\S+\n[Definition]\nfailregex = ^nothing <HOST>$\n" +
					"   ^ %(head)s \\S+res_users: Login failed for (db:\\S+ )?login:<F-USER>.*</F-USER> from <ADDR> ?$\n",
			}, false, false,
		},
		{
			"not enabled", map[string]string{
				"jail.local":         "[odoo]\nenabled = false\n",
				"filter.d/odoo.conf": guideFilter,
			}, false, false,
		},
		{
			"not about Odoo", map[string]string{
				"jail.local":         "[sshd]\nenabled = true\n",
				"filter.d/sshd.conf": "[Definition]\nfailregex = ^sshd: <HOST>$\n",
			}, false, false,
		},
		{
			"a pattern that only Python knows", map[string]string{
				"jail.local":         "[odoo]\nenabled = true\n",
				"filter.d/odoo.conf": "[Definition]\nfailregex = ^(?!x)res_users <HOST>$\n",
			}, false, true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			for path, text := range tt.files {
				h.write("/etc/fail2ban/"+path, text)
			}
			r := Examine(t.Context(), h.Environment, only("fail2ban"))
			if got := len(r.Findings) == 1 && r.Findings[0].Code == finding.Fail2banBlind; got != tt.blind {
				t.Errorf("found %+v", r.Findings)
			}
			if (len(r.Unchecked) > 0) != tt.unsure {
				t.Errorf("unchecked %+v", r.Unchecked)
			}
			for path := range tt.files {
				if tt.blind && !strings.Contains(r.Findings[0].Cure, "/etc/fail2ban/"+path) && path != "jail.conf" {
					t.Errorf("the cure does not name %s: %s", path, r.Findings[0].Cure)
				}
				h.remove("/etc/fail2ban/" + path)
			}
			if found := h.examine(finding.Fail2banBlind); len(found) > 0 {
				t.Errorf("found after the cure: %+v", found)
			}
		})
	}
}

func FuzzFail2ban(f *testing.F) {
	f.Add("[odoo]\nenabled = true\n", guideFilter)
	f.Add("[odoo]\nenabled = true\n", "[Definition]\na = %(b)s%(b)s\nb = %(a)s%(a)s\nfailregex = %(a)s odoo\n")
	f.Fuzz(func(t *testing.T, jail, filter string) {
		h := &host{t: t, Environment: Environment{Root: t.TempDir()}}
		h.write("/etc/fail2ban/jail.local", jail)
		h.write("/etc/fail2ban/filter.d/odoo.conf", filter)
		for _, j := range root(h.Root).odooJails() {
			_, _ = j.blind()
		}
	})
}
