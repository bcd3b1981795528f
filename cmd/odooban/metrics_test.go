package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// scrape asks for the metrics at a socket.
func scrape(t *testing.T, socket string) (string, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	response, err := client.Get("http://odooban/metrics")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// Metrics are served where the configuration says, and elsewhere, or nowhere,
// once it says so.
func TestRunServesMetrics(t *testing.T) {
	log, dir := newOdooLog(t), t.TempDir()
	file := filepath.Join(dir, "odooban.yaml")
	configure := func(listen string) {
		if err := os.WriteFile(file, []byte("metrics: {listen: '"+listen+"'}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, second := filepath.Join(dir, "1.sock"), filepath.Join(dir, "2.sock")
	configure("unix:" + first)
	odooban := start(t, (*exec.Cmd).Start, nil, "run", "--dry-run", "-c", file, log.file.Name())
	odooban.awaitMessage(t, "following "+log.file.Name())
	log.fail(odooban, "203.0.113.20", "203.0.113.21")
	text, err := scrape(t, first)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"odooban_healthy 1", "odooban_bans_in_force 0", `odooban_window_keys{rule="odoo-login"} 2`,
		fmt.Sprintf(`odooban_failures_total{rule="odoo-login",source=%q} 2`, log.file.Name()),
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("says no %s:\n%s", want, text)
		}
	}

	reload := func() {
		if err := odooban.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	configure("unix:" + second)
	reload()
	odooban.awaitMessage(t, "serving metrics at unix:"+second)
	if _, err := scrape(t, first); err == nil {
		t.Error("still serves where it did")
	}
	configure("")
	reload()
	again := 0
	odooban.await(t, "second reload", func(e entry) bool {
		if e.Message == "configuration was read again" {
			again++
		}
		return again == 2
	})
	for _, socket := range []string{first, second} {
		if _, err := scrape(t, socket); err == nil {
			t.Errorf("still serves at %s", socket)
		}
	}
}
