package systemdtest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/testrequire"
)

// TestMakeInstall installs and removes as root does, who has no Go.
func TestMakeInstall(t *testing.T) {
	program := testrequire.Command(t, "make")
	dest, built := t.TempDir(), t.TempDir()
	run := func(target string) (string, error) {
		cmd := exec.Command(program, target, "DESTDIR="+dest, "BIN="+built, "DIST="+built)
		cmd.Dir = filepath.Join("..", "..")
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("install"); err == nil || !strings.Contains(out, "make build manual") {
		t.Errorf("nothing is built yet: %v\n%s", err, out)
	}
	manual := filepath.Join(built, "manual")
	if err := os.Mkdir(manual, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"odooban.1.gz", "odooban.yaml.5.gz", "odooban.bash", "odooban.zsh", "odooban.fish", "../odooban"} {
		if err := os.WriteFile(filepath.Join(manual, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := run("install"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := []string{
		"etc/odooban/odooban.yaml", "etc/systemd/system/odooban.service", "etc/sysusers.d/odooban.conf",
		"etc/tmpfiles.d/odooban.conf", "usr/local/bin/odooban", "usr/local/share/bash-completion/completions/odooban",
		"usr/local/share/fish/vendor_completions.d/odooban.fish", "usr/local/share/man/man1/odooban.1.gz",
		"usr/local/share/man/man5/odooban.yaml.5.gz", "usr/local/share/odooban/monitoring/alerts.yml",
		"usr/local/share/odooban/monitoring/grafana.json", "usr/local/share/zsh/site-functions/_odooban",
	}
	if diff := cmp.Diff(want, installed(t, dest)); diff != "" {
		t.Errorf("installed (-want +got):\n%s", diff)
	}
	if out, err := run("uninstall"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if diff := cmp.Diff([]string{"etc/odooban/odooban.yaml"}, installed(t, dest)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// installed lists the files below dir.
func installed(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}
