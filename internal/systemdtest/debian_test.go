package systemdtest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"odooban/internal/testrequire"
)

// debootstrap makes the Debian. rpm is there to try that package as well.
var debootstrap = []string{
	"debootstrap", "--variant=minbase", "--include=systemd,iptables,nftables,rpm", "bookworm",
}

// ballast is what nothing here reads.
var ballast = []string{
	"var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*",
	"usr/share/doc/*", "usr/share/locale/*", "usr/share/man/*",
}

// debian returns the path of a tar with a Debian. It takes minutes to make it, so
// it is kept in the user's cache.
func debian(t *testing.T) string {
	t.Helper()
	testrequire.Root(t)
	testrequire.Command(t, debootstrap[0])
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	key := sha256.Sum256([]byte(strings.Join(append(debootstrap, ballast...), " ")))
	path := filepath.Join(cache, "odooban-test", fmt.Sprintf("debian-%x.tar", key[:8]))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), "making") //nolint:usetesting // what is made there is moved to path
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	made := makeDebian(t, dir)
	if err := os.Rename(made, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// makeDebian makes the tar in a folder, and returns its path.
func makeDebian(t *testing.T, dir string) string {
	t.Helper()
	root, made := filepath.Join(dir, "root"), filepath.Join(dir, "debian.tar")
	if out, err := alone(append(debootstrap, root)...); err != nil {
		testrequire.Skip(t, fmt.Sprintf("debootstrap could not fetch a Debian: %v\n%s", err, out))
	}
	for _, pattern := range ballast {
		useless, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range useless {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out, err := alone("tar", "--one-file-system", "-C", root, "-cf", made, "."); err != nil {
		t.Fatalf("pack Debian: %v\n%s", err, out)
	}
	return made
}

// alone runs a program whose mounts end with it.
func alone(args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	return string(out[max(0, len(out)-4096):]), err
}
