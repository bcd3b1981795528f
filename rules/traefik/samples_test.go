package traefik

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unpacked reads a file of testdata, which comes from a real Odoo 19 behind a real Traefik 3.7.
func unpacked(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return data
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	return data
}

type accusation struct {
	Addr netip.Addr
	Kind Kind
}

// kindOf is what Traefik's log can tell of an attempt, by the name of its kind in the truth.
func kindOf(name string) Kind {
	switch name, _, _ = strings.Cut(name, ":"); name {
	case "form", "form-tls", "honest-typo", "keepalive", "nat-typo", "v6spread", "totp":
		return Login
	case "login-by-/web/databasex", "login-by-/web/database/login":
		return Login
	case "api":
		return API
	case "login_upload":
		return Upload
	}
	if strings.HasPrefix(name, "path ") {
		return Login
	}
	return None
}

// TestCaptures holds what is counted in captures, against the truth.
func TestCaptures(t *testing.T) {
	for _, tt := range []struct {
		name, log, truth string
		least            int // of 100 true failures
	}{
		{"common, forgers", "m4-common.access.clf.gz", "m4-common.truth.gz", 97},
		{"JSON, Odoo at WARN", "m5-warn.access.json.gz", "m5-warn.truth.gz", 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			truth, present := map[accusation]int{}, map[netip.Addr]bool{}
			all := 0
			for line := range bytes.Lines(unpacked(t, tt.truth)) {
				var x struct {
					IP, Kind string
					Fail     bool
				}
				if err := json.Unmarshal(line, &x); err != nil {
					t.Fatal(err)
				}
				addr, err := netip.ParseAddr(x.IP)
				if err != nil {
					continue
				}
				present[network(addr)] = true
				if kind := kindOf(x.Kind); kind != None && x.Fail {
					truth[accusation{network(addr), kind}]++
					all++
				}
			}
			counted := map[accusation]int{}
			for _, v := range history(unpacked(t, tt.log)) {
				if v.Reason != "" {
					continue
				}
				counted[accusation{network(v.Addr), v.Kind}]++
				if !present[network(v.Addr)] {
					t.Errorf("counted %v, who was not there", v.Addr)
				}
			}
			found := 0
			for who, n := range truth {
				found += min(n, counted[who])
				if counted[who] > n {
					t.Errorf("counted %d of %v, who failed %d times", counted[who], who, n)
				}
			}
			if t.Logf("%d of %d", found, all); found*100 < all*tt.least {
				t.Errorf("counted %d of %d", found, all)
			}
		})
	}
}

// TestFakedRestart holds a forger with exact counts who fakes a restart of Traefik's: nobody he names is counted, in
// all of the log and in any piece of it.
func TestFakedRestart(t *testing.T) {
	data := unpacked(t, "common-forge.clf")
	for end := len(data); end > 0; end = bytes.LastIndexByte(data[:end-1], '\n') + 1 {
		for _, v := range history(data[:end]) {
			switch v.Addr.String() {
			case "192.0.2.66", "192.0.2.67", "198.51.100.50":
				if v.Reason == "" {
					t.Fatalf("of %d bytes, counted %+v", end, v)
				}
			}
		}
	}
}

// history returns what is told of a saved log.
func history(log []byte) (verdicts []Verdict) {
	l := New(nil)
	for line := range bytes.Lines(log) {
		verdicts = l.Feed(verdicts, bytes.TrimRight(line, "\n"), At{})
	}
	return l.Flush(verdicts)
}
