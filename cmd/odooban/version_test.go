package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"odooban/internal/testrequire"
)

// What follows a tag is newer than it for package managers, too: it is not called
// after the tag.
func TestVersionOfTree(t *testing.T) {
	testrequire.Command(t, "git")
	tree := t.TempDir()
	script, err := os.ReadFile("../../scripts/version")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(tree, "scripts"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "scripts", "version"), script, 0o755); err != nil {
		t.Fatal(err)
	}
	const begin, tag, commit = "git init -q && git add . && git commit -qm first", "git tag v1.0.0", "git commit -qm next --allow-empty"
	for _, tt := range []struct{ name, do, want string }{
		{"an archive", "true", `^1\.1\.0-dev$`},
		{"no tag", begin, `^1\.1\.0-dev\+[0-9a-f]+$`},
		{"a tag", tag, `^1\.0\.0$`},
		{"a tag and changes", "echo >>scripts/version", `^1\.1\.0-dev\+[0-9a-f]+\.dirty$`},
		{"commits after a tag", "git checkout -q . && " + commit, `^1\.1\.0-dev\+[0-9a-f]+$`},
		{"a candidate", "git tag v1.1.0-rc1", `^1\.1\.0-rc1$`},
	} {
		cmd := exec.Command("sh", "-ec", "{ "+tt.do+"; } >&2; scripts/version 1.1.0")
		cmd.Dir = tree
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@odooban.invalid",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@odooban.invalid")
		out, err := cmd.Output()
		if got := strings.TrimSpace(string(out)); err != nil || !regexp.MustCompile(tt.want).MatchString(got) {
			t.Errorf("%s: %q, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}
