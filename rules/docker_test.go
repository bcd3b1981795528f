package rules_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"odooban/rules"
)

// wrappings are the forms in which the log of a container reaches a file: each
// gives a line of it, which the container wrote at some moment.
var wrappings = map[string]func(line string, at time.Time) string{
	"json-file":    func(line string, at time.Time) string { return jsonFile(line+"\n", "stderr", at) },
	"terminal":     func(line string, at time.Time) string { return jsonFile(line+"\r\n", "stdout", at) },
	"logs -t":      func(line string, at time.Time) string { return at.Format(time.RFC3339Nano) + " " + line + "\n" },
	"compose logs": func(line string, _ time.Time) string { return "odoo-1    | " + line + "\n" },
	"compose logs -t": func(line string, at time.Time) string {
		return "odoo-1  | " + at.Format(time.RFC3339Nano) + " " + line + "\n"
	},
}

// jsonFile is what Docker's json-file driver makes of a line, or of a piece of
// one.
func jsonFile(log, stream string, at time.Time) string {
	object, err := json.Marshal(struct {
		Log    string    `json:"log"`
		Stream string    `json:"stream"`
		Time   time.Time `json:"time"`
	}{log, stream, at})
	if err != nil {
		panic(err)
	}
	return string(object) + "\n"
}

// wrapped is a log in such a form.
func wrapped(log []byte, wrap func(string, time.Time) string) []byte {
	at := time.Date(2026, 11, 23, 10, 45, 24, 131_456_789, time.UTC)
	var b bytes.Buffer
	for line := range bytes.Lines(log) {
		at = at.Add(1_000_100)
		b.WriteString(wrap(strings.TrimRight(string(line), "\r\n"), at))
	}
	return b.Bytes()
}

// TestContainerLogs holds that a log tells the same in whatever form Docker kept
// it.
func TestContainerLogs(t *testing.T) {
	for _, name := range []string{"odoo17-prefork.log", "odoo19-prefork.log", "odoo19-threaded.log", "odoo19-warn.log", "odoo18-json.log"} {
		log := capture(t, name)
		want, wantStats := replay(builtIn(t), log)
		for form, wrap := range wrappings {
			t.Run(name+" "+form, func(t *testing.T) {
				got, stats := replay(builtIn(t), wrapped(log, wrap))
				same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
				if diff := cmp.Diff(want, got, same); diff != "" {
					t.Errorf("failures (-plain +%s):\n%s", form, diff)
				}
				if diff := cmp.Diff(wantStats, stats, same); diff != "" {
					t.Errorf("stats (-plain +%s):\n%s", form, diff)
				}
				wantSkimmed(t, builtIn(t), padded(wrapped(log, wrap)), 1, 4096, 64<<10)
			})
		}
	}
}

// Docker takes lines of more than 16 KiB apart; the address stands at the end.
func TestLongContainerLines(t *testing.T) {
	const head = "2026-11-23 10:45:2%d,131 28281 INFO shop odoo.addons.base.models.res_users: Login failed for login:%s from 203.0.113.%d "
	var log strings.Builder
	at := time.Date(2026, 11, 23, 10, 45, 24, 0, time.UTC)
	for i, length := range []int{1, 16_200, 16_300, 16_384, 20_000, 40_000, 3 << 20} {
		line := fmt.Sprintf(head, i, strings.Repeat("x\"<", length/3+1)[:length], 20+i) + "\n"
		for line != "" {
			piece := line[:min(16<<10, len(line))]
			line = line[len(piece):]
			log.WriteString(jsonFile(piece, "stderr", at))
			log.WriteString(jsonFile("2026-11-23 10:45:24,131 28281 INFO shop odoo: something else\n", "stdout", at))
		}
	}
	failures, stats := replay(builtIn(t), []byte(log.String()))
	if len(failures) != 7 || stats.Unattributed > 0 {
		t.Errorf("%d failures, stats %+v", len(failures), stats)
	}
	for i, f := range failures {
		if want := netip.AddrFrom4([4]byte{203, 0, 113, byte(20 + i)}); f.Addr != want {
			t.Errorf("failure %d is of %v, want %v", i, f.Addr, want)
		}
	}
	set := withUserRules(t, `login:x"<x"<x.* from (?P<addr>\S+) $`)
	wantSkimmed(t, set, []byte(log.String()), 1, 30_000, 256<<10)
	wantSkimmed(t, set, bytes.ReplaceAll([]byte(log.String()), []byte("\n"), []byte("\r\n")), 30_000)
}

// A literal of a user's rule may be written otherwise in an object.
func TestQuotedLiterals(t *testing.T) {
	set := withUserRules(t, `blocked "<admin>" & co \\ from (?P<addr>\S+)`)
	line := `blocked "<admin>" & co \ from 203.0.113.20`
	at := time.Date(2026, 11, 23, 10, 45, 24, 0, time.UTC)
	header := jsonFile("2026-11-23 10:45:24,131 1 INFO shop odoo: started\n", "stderr", at)
	log := []byte(header + jsonFile(line+"\n", "stderr", at) + jsonFile("nothing\n", "stderr", at))
	if failures, _ := skim(set, log, len(log)); len(failures) != 1 || failures[0].Addr.String() != "203.0.113.20" {
		t.Errorf("failures %v", failures)
	}
}

// FuzzContainerLine holds the reading of objects against encoding/json's.
func FuzzContainerLine(f *testing.F) {
	at := time.Date(2026, 11, 23, 10, 45, 24, 131_456_789, time.UTC)
	for _, text := range []string{"plain", `"quoted" \ <b> & é`, "tab\tand\x1b[1m", "\u2028 \U0001F600", "a\nb"} {
		f.Add([]byte(jsonFile(text+"\n", "stderr", at)))
	}
	f.Add([]byte(`{"log":"n","stream":"stderr"`))
	f.Add([]byte(`{"log":"\ud83d\ude00 \u12 \\","stream":"stdout","time":""}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.TrimRight(line, "\r\n")
		got, whole := rules.ContainerLine(line)
		var object struct{ Log, Stream *string }
		if !utf8.Valid(line) || json.Unmarshal(line, &object) != nil || object.Log == nil || object.Stream == nil || !bytes.HasPrefix(line, []byte(`{"log":"`)) ||
			*object.Stream != "stdout" && *object.Stream != "stderr" || !bytes.Contains(line, []byte(`","stream":"std`)) || bytes.Count(bytes.ToLower(line), []byte(`"log"`)) > 1 || !whole {
			return
		}
		want := strings.TrimSuffix(strings.TrimSuffix(*object.Log, "\n"), "\r")
		if string(got) != want {
			t.Errorf("%q holds %q, want %q", line, got, want)
		}
	})
}
