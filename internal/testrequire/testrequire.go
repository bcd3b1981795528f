// Package testrequire lets a test say what it needs from the machine it runs on.
//
// It promises that nothing is skipped in silence: a test that cannot run skips with its reason, and where
// ODOOBAN_TEST_REQUIRE=all, as in CI, it fails instead, because there every test must run.
package testrequire

import (
	"os"
	"os/exec"
	"testing"
)

// Env names the variable that turns skips into failures when its value is "all".
const Env = "ODOOBAN_TEST_REQUIRE"

// Skip ends the test with the reason it cannot run here: skipped, or failed where every test is required.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv(Env) == "all" {
		t.Fatalf("required test cannot run: %s", reason)
	}
	t.Skip(reason)
}

// Root skips unless the test runs as root, which network namespaces and the firewall need.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "needs root: run the tests with sudo")
	}
}

// Command returns the path of a program, or skips with the Debian package to install.
func Command(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Skip(t, "needs "+name+": apt install "+debianPackage(name))
	}
	return path
}

// debianPackage names the Debian package that brings a program; most packages are called like their program.
func debianPackage(program string) string {
	switch program {
	case "iptables-legacy", "iptables-nft", "iptables-save", "iptables-restore", "ip6tables":
		return "iptables"
	case "nft":
		return "nftables"
	case "ip", "ss", "tc":
		return "iproute2"
	case "ping":
		return "iputils-ping"
	case "docker", "dockerd":
		return "docker.io"
	case "journalctl", "systemctl", "systemd-analyze":
		return "systemd"
	case "promtool":
		return "prometheus"
	case "sysctl":
		return "procps"
	}
	return program
}
