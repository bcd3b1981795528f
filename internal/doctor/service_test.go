package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odooban/internal/finding"
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
