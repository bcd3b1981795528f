package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"odooban/internal/checkup"
	"odooban/internal/finding"
	"odooban/internal/netnstest"
)

// The daemon notices by itself what doctor would find, when it starts.
func TestDaemonChecksItself(t *testing.T) {
	log := newOdooLog(t)
	for range 3 {
		log.coolDown("203.0.113.20")
	}
	odooban := start(t, (*exec.Cmd).Start, nil, "run", "--dry-run", log.file.Name())
	e := odooban.await(t, "alarm", func(e entry) bool { return e.Alarm == finding.LevelHides })
	if !strings.Contains(e.text, "refused 3 attempts") || !strings.Contains(e.text, finding.LogHandler) {
		t.Errorf("the alarm names neither evidence nor cure: %s", e.text)
	}
}

// An attacker who comes through a port that is not guarded goes on failing after
// the ban. The daemon says so; with the port named the packets are dropped.
func TestDaemonNoticesThatABanPasses(t *testing.T) {
	s := &site{Net: netnstest.New(t, 1), t: t, log: newOdooLog(t), backend: "nftables"}
	const attacker = "198.51.100.1"
	s.Server.Echo(t, protectedPort)
	odooban := s.run("ODOOBAN_FIREWALL_PORTS=80")
	s.log.fail(odooban, attacker, attacker, attacker)
	odooban.awaitBan(t, attacker+"/32")
	s.dial(0, s.Server.Addr4).Close()        // the ban does not bite at this port
	later := time.Now().Add(6 * time.Second) // what comes sooner may have been on its way
	for n := range 2 {
		s.log.failAt(later.Add(time.Duration(n)*100*time.Millisecond), attacker)
	}
	if err := odooban.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	e := odooban.await(t, "alarm", func(e entry) bool { return e.Alarm == finding.BanPasses })
	if !strings.Contains(e.text, attacker) || !strings.Contains(e.text, "firewall.ports") {
		t.Errorf("the alarm names neither address nor cure: %s", e.text)
	}
	conn := s.dial(0, s.Server.Addr4)
	odooban.end(t, syscall.SIGTERM)
	s.run("ODOOBAN_FIREWALL_PORTS=80,8069") // adopts the ban
	s.wantCut(conn, 0, s.Server.Addr4)
}

// doctor asks the daemon that runs, and says when none does.
func TestDoctorAsksTheDaemon(t *testing.T) {
	log := newOdooLog(t)
	env := []string{"ODOOBAN_SOCKET=" + filepath.Join(t.TempDir(), "sock")}
	codes := func() (codes []string) {
		t.Helper()
		cmd := &exec.Cmd{
			Path: "/proc/self/exe", Args: []string{"odooban", "doctor", "--json", log.file.Name()},
			Env: append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), env...),
		}
		out, _ := cmd.Output() // it fails for what it finds
		var report checkup.Report
		if err := json.Unmarshal(out, &report); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		for _, f := range report.Findings {
			codes = append(codes, f.Code)
		}
		return codes
	}
	odooban := start(t, (*exec.Cmd).Start, env, "run", "--dry-run", log.file.Name())
	odooban.awaitMessage(t, "following "+log.file.Name())
	if found := codes(); !slices.Contains(found, finding.DryRun) || slices.Contains(found, finding.DaemonDown) {
		t.Errorf("while it runs: %v", found)
	}
	odooban.end(t, syscall.SIGTERM)
	if found := codes(); slices.Contains(found, finding.DryRun) || !slices.Contains(found, finding.DaemonDown) {
		t.Errorf("when it has ended: %v", found)
	}
}
