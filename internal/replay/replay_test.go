package replay_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/replay"
	"odooban/rules"
)

// failing is a log of n failures, a second apart.
func failing(n int) string {
	var text strings.Builder
	for i := range n {
		at := time.Date(2026, 11, 23, 9, 0, i, 0, time.UTC)
		fmt.Fprintf(&text, failedLine, stamp(at), 401, "admin", "203.0.113.20")
	}
	return text.String()
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func compressed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t *testing.T, path string) *replay.Log {
	t.Helper()
	log, err := replay.OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func TestProgress(t *testing.T) {
	text := failing(100)
	packed := compressed(t, text)
	tests := []struct {
		name  string
		log   *replay.Log
		total int64 // as known before
		read  int64 // in the end
	}{
		{"plain", open(t, write(t, "odoo.log", []byte(text))), int64(len(text)), int64(len(text))},
		{"compressed", open(t, write(t, "odoo.log.gz", packed)), int64(len(packed)), int64(len(packed))},
		{"empty", open(t, write(t, "odoo.log", nil)), 0, 0},
		{"a stream", replay.NewLog("-", strings.NewReader(text), time.Now()), 0, int64(len(text))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if read, total := tt.log.Progress(); read != 0 || total != tt.total {
				t.Errorf("before: %d of %d, want 0 of %d", read, total, tt.total)
			}
			report, err := replay.Run(t.Context(), []*replay.Log{tt.log}, builtIn(t), newJail(t), nil)
			if err != nil {
				t.Fatal(err)
			}
			if read, total := tt.log.Progress(); read != tt.read || total != tt.total {
				t.Errorf("after: %d of %d, want %d of %d", read, total, tt.read, tt.total)
			}
			if got := report.Files[0].Bytes; got != tt.read {
				t.Errorf("report says %d bytes, want %d", got, tt.read)
			}
		})
	}
}

// stop ends a replay after n failures.
func stop(n int, how func() error) func(rules.Rejection) error {
	return func(rules.Rejection) error {
		if n--; n == 0 {
			return how()
		}
		return nil
	}
}

func TestRunIsStopped(t *testing.T) {
	full := errors.New("no space left on device")
	ctx, cancel := context.WithCancel(t.Context())
	tests := []struct {
		name string
		how  func() error
		want error
	}{
		{"by its context", func() error { cancel(); return nil }, context.Canceled},
		{"by the reader of its failures", func() error { return full }, full},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			logs := []*replay.Log{
				open(t, write(t, "a.log", []byte(failing(200_000)))),
				open(t, write(t, "b.log", []byte(failing(200_000)))),
			}
			count := 0
			each := stop(5, tt.how)
			_, err := replay.Run(ctx, logs, builtIn(t), newJail(t), func(f rules.Rejection) error {
				count++
				return each(f)
			})
			if !errors.Is(err, tt.want) || count != 5 {
				t.Errorf("error %v after %d failures, want %v after 5", err, count, tt.want)
			}
			for _, log := range logs {
				if read, total := log.Progress(); read == total {
					t.Errorf("%s was read to its end", log.Name())
				}
			}
		})
		ctx = t.Context()
	}
}

// What could be read counts although the rest could not.
func TestRunReadsWhatItCan(t *testing.T) {
	broken := errors.New("input/output error")
	logs := []*replay.Log{
		replay.NewLog("broken", iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(failing(1)))), time.Now()),
		replay.NewLog("cut", readers(failing(2), broken), time.Now()),
		open(t, write(t, "odoo.log", []byte(failing(3)))),
	}
	report, err := replay.Run(t.Context(), logs, builtIn(t), newJail(t), nil)
	if err == nil || !strings.HasPrefix(err.Error(), "read broken: ") || !strings.Contains(err.Error(), "\nread cut: ") {
		t.Errorf("error %v does not name both logs that broke", err)
	}
	for i, broken := range []bool{true, true, false} {
		if f := report.Files[i]; (f.Error != "") != broken {
			t.Errorf("%s could not be read because of %q, want that to be %v", f.Path, f.Error, broken)
		}
	}
	if len(report.Failures) != 1 || report.Failures[0].Count != 3 {
		t.Errorf("failures %v, want 3 of one address", report.Failures)
	}
	if len(report.Bans) != 1 {
		t.Errorf("bans %v, want one", report.Bans)
	}
}

// readers reads text and then fails.
func readers(text string, err error) *failAfter { return &failAfter{strings.NewReader(text), err} }

type failAfter struct {
	*strings.Reader
	err error
}

func (r *failAfter) Read(p []byte) (int, error) {
	if r.Len() == 0 {
		return 0, r.err
	}
	return r.Reader.Read(p)
}

// TestLongLineIsCut holds that a failure in a line of several MiB counts, and that
// the report says what was left out of it.
func TestLongLineIsCut(t *testing.T) {
	const left = 1000
	line := failing(1)
	user := strings.Index(line, "admin")
	line = line[:user] + strings.Repeat("a", 1<<20+left-len(line)+1) + line[user:]
	report, err := replay.Run(t.Context(), []*replay.Log{open(t, write(t, "odoo.log", []byte(line)))}, builtIn(t), newJail(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := report.Files[0]; f.Cut != left || len(report.Failures) != 1 {
		t.Errorf("%d bytes cut, want %d; failures %v", f.Cut, left, report.Failures)
	}
}

func TestOpenLogFails(t *testing.T) {
	tests := []struct{ name, path, want string }{
		{"missing", filepath.Join(t.TempDir(), "odoo.log"), "no such file or directory; name a file that is there and that you may read"},
		{"a directory", t.TempDir(), "name the files in it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := replay.OpenLog(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
}

func TestWriteTable(t *testing.T) {
	from := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	to := from.Add(time.Hour)
	full := &replay.Report{
		Files: []replay.File{
			{Path: "odoo.log", Bytes: 1000, Lines: 12, From: &from, To: &to},
			{Path: "access.log", Bytes: 10, Lines: 3},
			{Path: "empty.log"},
			{Path: "closed.log", Error: "permission denied"},
			{Path: "cut.log.gz", Bytes: 9, Lines: 1, Error: "unexpected EOF"},
			{Path: "short.log.gz", Bytes: 9, Lines: 1, Cut: 7, From: &from, To: &from, Error: "unexpected EOF"},
		},
		Forged:       []replay.Forgery{{Addr: netip.MustParseAddr("203.0.113.70"), Lines: 180}, {Addr: netip.MustParseAddr("2001:db8::7"), Lines: 2}},
		Unattributed: 4,
		Rejected: []replay.Rejected{
			{Reason: "other-answer", Title: "its process answered another address", Cure: "nothing", Count: 180},
			{Reason: "no-address", Title: "nothing tells which address made it", Cure: "write access lines", Count: 4},
		},
		Bans: []replay.Ban{{
			Prefix: netip.MustParsePrefix("203.0.113.20/32"), Rule: "odoo-login", Failures: 10,
			Time: from, Until: from.Add(15 * time.Minute),
		}},
		Alarms: []replay.Alarm{{Text: "something is wrong", Cure: "put it right", Source: "odoo.log", Count: 4}},
	}
	for i := range 20 {
		full.Forged = append(full.Forged, replay.Forgery{Addr: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), Lines: 1})
	}
	for i := range 22 {
		full.Failures = append(full.Failures, replay.Tally{
			Rule: "odoo-api", Addr: fmt.Sprintf("203.0.113.%d", 100+i), Count: 5, First: from, Last: to,
		})
	}
	for i := range 22 {
		full.Failures = append(full.Failures, replay.Tally{
			Rule: "odoo-login", Addr: fmt.Sprintf("203.0.113.%d", i), Count: uint64(100 - i), First: from, Last: to,
		})
	}
	tests := []struct {
		name   string
		report *replay.Report
	}{
		{"full", full},
		{"empty", &replay.Report{}},
		{"unattributed", &replay.Report{Unattributed: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", "table-"+tt.name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			if err := tt.report.WriteTable(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("table (-want +got):\n%s", diff)
			}
		})
	}
}
