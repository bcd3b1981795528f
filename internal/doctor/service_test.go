package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/finding"
	"odooban/internal/ini"
	"odooban/internal/testrequire"
)

// The user of the service may not read a log that root may: the kernel is asked.
func TestServiceMayNotRead(t *testing.T) {
	testrequire.Root(t)
	const odooban, odoo = "64001", 64002
	h := newHost(t)
	if err := os.Chmod(filepath.Dir(h.Root), 0o755); err != nil { // the user has to come as far as the log
		t.Fatal(err)
	}
	h.write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nodooban:x:"+odooban+":"+odooban+"::/:/bin/false\n")
	h.write("/etc/group", "odoo:x:64002:\n")
	h.write("/usr/lib/systemd/system/odooban.service", "[Service]\nUser=odooban\nSupplementaryGroups=adm\n")
	path := filepath.Join(h.Root, logPath)
	if found := h.examine(finding.SourceTrouble); len(found) > 0 {
		t.Fatalf("everybody may read it: %+v", found)
	}
	if err := os.Chown(path, 0, odoo); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	found := h.examine(finding.SourceTrouble)
	if len(found) != 1 || found[0].About != logPath || !strings.Contains(found[0].Cure, "usermod -aG odoo odooban") {
		t.Errorf("found %+v", found)
	}
	for _, cure := range []struct{ name, path, text, before string }{
		{"its group", "/etc/group", "odoo:x:64002:www,odooban\n", "odoo:x:64002:\n"},
		{"a drop-in with the group", "/etc/systemd/system/odooban.service.d/odoo.conf", "[Service]\nSupplementaryGroups=odoo\n", ""},
		{"a drop-in with another user", "/etc/systemd/system/odooban.service.d/odoo.conf", "[Service]\nUser=root\n", ""},
	} {
		h.write(cure.path, cure.text)
		if found := h.examine(finding.SourceTrouble); len(found) > 0 {
			t.Errorf("%s: found after the cure: %+v", cure.name, found)
		}
		h.write(cure.path, cure.before)
	}
	if len(h.examine(finding.SourceTrouble)) != 1 {
		t.Error("this test's cures do not end")
	}
}

// A unit is read as systemd reads it.
func TestServiceUnit(t *testing.T) {
	const unit = "[Unit]\nUser=nobody\n[Service]\nUser=odooban\nSupplementaryGroups=adm \\\n systemd-journal\n"
	tests := []struct {
		name  string
		files map[string]string
		want  ini.Options
	}{
		{"a group more", map[string]string{
			"/etc/systemd/system/odooban.service.d/override.conf": "[Service]\nSupplementaryGroups=docker\n",
		}, ini.Options{"User": "odooban", "SupplementaryGroups": "adm systemd-journal docker"}},
		{"other groups", map[string]string{
			"/usr/lib/systemd/system/odooban.service.d/10.conf": "[Service]\nSupplementaryGroups=\nSupplementaryGroups=odoo\n",
			"/run/systemd/system/odooban.service.d/20.conf":     "[Service]\n# SupplementaryGroups=x\nSupplementaryGroups=docker\n",
		}, ini.Options{"User": "odooban", "SupplementaryGroups": "odoo docker"}},
		{"a file in place of another", map[string]string{
			"/usr/lib/systemd/system/odooban.service.d/10.conf": "[Service]\nUser=first\n",
			"/etc/systemd/system/odooban.service.d/10.conf":     "[Service]\nUser=second\n",
		}, ini.Options{"User": "second", "SupplementaryGroups": "adm systemd-journal"}},
		{"a unit in place of another", map[string]string{
			"/etc/systemd/system/odooban.service": "[Service]\nUser=root\n",
		}, ini.Options{"User": "root"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.write("/usr/lib/systemd/system/odooban.service", unit)
			for path, text := range tt.files {
				h.write(path, text)
			}
			got := root(h.Root).service()
			for key, value := range got {
				got[key] = strings.Join(strings.Fields(value), " ")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Variables that only the service has are told of: what is seen without them may
// be wrong.
func TestServiceVariables(t *testing.T) {
	h := newHost(t)
	h.write("/usr/lib/systemd/system/odooban.service", "[Service]\nEnvironment=LANG=C \"ODOOBAN_FIREWALL_PORTS=8443\"\n")
	told := func() bool {
		r := Examine(t.Context(), h.Environment, only("the daemon"))
		return strings.Contains(fmt.Sprint(r.Unchecked), "ODOOBAN_FIREWALL_PORTS, and this command")
	}
	if !told() {
		t.Error("it is not told")
	}
	t.Setenv("ODOOBAN_FIREWALL_PORTS", "8443")
	if told() {
		t.Error("it is told though it is known")
	}
}
