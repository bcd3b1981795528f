package rules

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"
)

// addLogs seeds a fuzz target with the lines of the logs in testdata, or with
// whole logs.
func addLogs(f *testing.F, whole bool) {
	f.Helper()
	logs, err := filepath.Glob(filepath.Join("..", "testdata", "logs", "*.log"))
	if err != nil || len(logs) == 0 {
		f.Fatalf("find logs: %d, %v", len(logs), err)
	}
	for _, name := range logs {
		log, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if whole {
			f.Add(log, uint8(3))
			continue
		}
		for line := range bytes.Lines(log) {
			f.Add(bytes.TrimRight(line, "\r\n"))
		}
	}
}

var fuzzRef = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// FuzzRecord takes any line apart, and holds that what was read stands in it.
func FuzzRecord(f *testing.F) {
	addLogs(f, false)
	set, err := Compile(BuiltIn(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		s := set.NewScanner(fuzzRef)
		var r record
		if !s.parse(&r, line) {
			return
		}
		if r.when.IsZero() || !isLogger(r.logger) {
			t.Errorf("read %+v", r)
		}
		l := parseLogin(&r)
		if !r.sealed && !bytes.Contains(line, l.user) {
			t.Errorf("user %q does not stand in %q", l.user, line)
		}
		if l.addr.Is4In6() || l.addr.Zone() != "" {
			t.Errorf("address %v is not unmapped", l.addr)
		}
		if a, ok := parseAccess(r.msg); ok && !a.addr.IsValid() {
			t.Error("an access line without an address")
		}
	})
}

// FuzzJSON reads any bytes as a JSON record.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"asctime":"2026-11-23 10:45:45,456","pid":7,"levelname":"INFO","dbname":"db","name":"a.b","message":"m","perf_info":""}`))
	f.Add([]byte(`{"message":"m","name":"a.b","levelname":"INFO","dbname":null,"created":1795430745.4567,"process":7}`))
	f.Add([]byte(`{"created":1e400,"name":"a","message":"m"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var r record
		if parseJSON(&r, line, fuzzRef) && (!r.sealed || r.when.Year() < 1970 || r.proc.pid < 0) {
			t.Errorf("read %+v", r)
		}
	})
}

// FuzzParseTime reads any bytes as a time, which must be one that JSON holds.
func FuzzParseTime(f *testing.F) {
	for _, text := range []string{
		"2026-11-23 10:45:24,131", "2026-11-23T10:45:24.123456+01:00", "23/Nov/2026:10:45:24 +0100",
		"1795430724.131", "Nov 23 10:45:24", "Feb 29 10:45:24", "9999-12-31T23:59:59-23:59",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		when, ok := ParseTime(text, fuzzRef)
		if !ok {
			return
		}
		if _, err := when.MarshalJSON(); err != nil || when.Location() != time.UTC {
			t.Errorf("ParseTime(%q) = %v: %v", text, when, err)
		}
	})
}

// FuzzScanner feeds any log, live and replayed, and holds that only addresses
// are told which stand where the log names one, and that memory is bounded.
func FuzzScanner(f *testing.F) {
	addLogs(f, true)
	set, err := Compile(BuiltIn(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, log []byte, every uint8) {
		for _, live := range []bool{false, true} {
			s := set.NewScanner(fuzzRef)
			named := make(map[netip.Addr]bool)
			var failures []Failure
			now := fuzzRef
			n := 0
			for line := range bytes.Lines(log) {
				text := bytes.TrimRight(line, "\r\n")
				name(named, s, text)
				if !live {
					failures = s.Feed(failures, Line{Text: text})
					continue
				}
				now = now.Add(time.Millisecond)
				failures = s.Feed(failures, Line{Text: text, Seen: now})
				if n++; every > 0 && n%int(every) == 0 {
					failures = s.Settle(failures, now)
				}
			}
			failures = s.Flush(failures)
			if len(s.probes) > maxProbes || len(s.traefik.held) > 0 {
				t.Errorf("%d probes and %d failures in Traefik's log are kept", len(s.probes), len(s.traefik.held))
			}
			if len(s.attempts) > maxAttempts || len(s.stats.Forged) > maxForgers {
				t.Errorf("%d attempts and %d forgers are kept", len(s.attempts), len(s.stats.Forged))
			}
			for _, failure := range failures {
				if !named[failure.Addr] {
					t.Errorf("told %v, which the log names nowhere", failure.Addr)
				}
				if utf8.RuneCountInString(failure.User) > longestUser {
					t.Errorf("a login of %d bytes is kept", len(failure.User))
				}
			}
		}
	})
}

// name notes the addresses that stand where a line may name who made a request.
func name(named map[netip.Addr]bool, s *Scanner, text []byte) {
	var r record
	if addr, _ := trailer(text); addr.IsValid() {
		named[addr] = true
	}
	var q proxied
	if parseTraefik(&q, text) {
		if addr, ok := q.client(nil); ok {
			named[addr] = true
		}
	}
	if !s.parse(&r, text) {
		return
	}
	if l := parseLogin(&r); l.addr.IsValid() {
		named[l.addr] = true
	}
	if a, ok := parseAccess(r.msg); ok {
		named[a.addr] = true
	}
}
