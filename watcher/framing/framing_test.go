package framing

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// took is a Frame, so that it can be compared and printed.
type took struct {
	Text, Stamp, Container string
	PID                    int32
	Stream                 uint8
	Form                   Form
	Coarse, Joined         bool
}

func tookOf(f *Frame) took {
	t := took{string(f.Text), "", string(f.Container), f.PID, f.Stream, f.Form, f.Coarse, f.Joined}
	if !f.Stamp.IsZero() {
		t.Stamp = f.Stamp.Format(time.RFC3339Nano)
	}
	return t
}

var ref = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

func TestNext(t *testing.T) {
	const (
		text  = "2026-11-23 10:45:45,456 7 INFO db odoo.http: text "
		stamp = "2026-11-23T10:45:45.456789012Z"
	)
	at := took{Text: text, Stamp: stamp}
	with := func(change func(*took)) took {
		w := at
		change(&w)
		return w
	}
	bare := func(text string) took { return took{Text: text, Form: Bare} }
	tests := []struct {
		name, line string
		want       took
	}{
		{"bare", text, bare(text)},
		{"a carriage return", text + "\r", bare(text)},
		{"only a carriage return", "\r", bare("")},
		{"empty", "", bare("")},
		{"the rest of a record", "Traceback (most recent call last):", bare("Traceback (most recent call last):")},
		{"indented", `  File "x" | y`, bare(`  File "x" | y`)},
		{"a byte order mark", "\xef\xbb\xbf" + text, bare(text)},
		{"a byte order mark alone", "\xef\xbb\xbf", bare("")},
		{
			"a T for a blank is no stamp of a collector's without a zone", strings.Replace(text, " ", "T", 1),
			bare(strings.Replace(text, " ", "T", 1)),
		},

		{"json-file", `{"log":"` + text + `\n","stream":"stderr","time":"` + stamp + `"}`, with(func(w *took) { w.Form, w.Stream = Object, Stderr })},
		{"json-file of a terminal", `{"log":"` + text + `\r\n","stream":"stdout","time":"` + stamp + `"}`, with(func(w *took) { w.Form, w.Stream = Object, Stdout })},
		{
			"json-file with labels", `{"log":"` + text + `\n","stream":"stderr","attrs":{"tag":"a]}\""},"time":"` + stamp + `"}`,
			with(func(w *took) { w.Form, w.Stream = Object, Stderr }),
		},
		{
			"escapes", `{"log":"a\"b\\n\u003c\u00e9\ud83d\ude00\t\n","stream":"stderr","time":"x"}`,
			took{Text: "a\"b\\n<é😀\t", Form: Object, Stream: Stderr},
		},
		{
			"fluentd", `{"container_id": "ab12", "container_name": "/odoo", "source": "stderr", "log": "` + text + `"}`,
			took{Text: text, Container: "odoo", Form: Fluentd, Stream: Stderr},
		},
		{
			"a collector's, with the kubelet's tag", `{"stream":"stderr","logtag":"F","log":"` + text + `","time":"` + stamp + `"}`,
			with(func(w *took) { w.Form, w.Stream = Object, Stderr }),
		},
		{"an object of something else", `{"message":"\"log\"","stream":"stderr"}`, bare(`{"message":"\"log\"","stream":"stderr"}`)},
		{"an object with a log that is none", `{"log":{"log":"x"},"stream":"stderr"}`, bare(`{"log":{"log":"x"},"stream":"stderr"}`)},
		{"an object with text behind it", `{"log":"x","stream":"stderr"} from 192.0.2.1 `, bare(`{"log":"x","stream":"stderr"} from 192.0.2.1 `)},
		{"half an object", `{"log":"x","stream":"stderr"`, bare(`{"log":"x","stream":"stderr"`)},

		{"docker logs -t", stamp + " " + text, with(func(w *took) { w.Form = Stamped })},
		{"docker logs -t, an empty line", stamp, took{Stamp: stamp, Form: Stamped}},
		{
			"docker logs -t, text with colons", stamp + " ValueError: no: x", took{Text: "ValueError: no: x", Stamp: stamp, Form: Stamped},
		},
		{"compose", "odoo-1  | " + text, took{Text: text, Container: "odoo-1", Form: Compose}},
		{"compose, an empty line, trimmed", "odoo-1  |", took{Container: "odoo-1", Form: Compose}},
		{"compose with a digit first", "2odoo-1 | " + text, took{Text: text, Container: "2odoo-1", Form: Compose}},
		{"compose with colours", "\x1b[36modoo-1  | \x1b[0m" + text, took{Text: text, Container: "odoo-1", Form: Compose}},
		{"compose 1 with colours", "\x1b[36modoo_1  |\x1b[0m " + text, took{Text: text, Container: "odoo_1", Form: Compose}},
		{
			"compose logs -t", "odoo-1  | " + stamp + " " + text,
			with(func(w *took) { w.Container, w.Form = "odoo-1", Compose|Stamped }),
		},
		{"a table", "id | name", took{Text: "name", Container: "id", Form: Compose}},
		{"no compose", "a |b", bare("a |b")},
		{"a coloured line", "\x1b[1mbold\x1b[0m", bare("\x1b[1mbold\x1b[0m")},
		{"the kubelet's", stamp + " stderr F " + text, with(func(w *took) { w.Form, w.Stream = CRI, Stderr })},
		{"the kubelet's with tags", stamp + " stdout F:x " + text, with(func(w *took) { w.Form, w.Stream = CRI, Stdout })},
		{"the kubelet's, an empty line", stamp + " stderr F", took{Stamp: stamp, Form: CRI, Stream: Stderr}},
		{
			"the kubelet's with a zone", "2026-11-23T11:45:45.456789012+01:00 stderr F " + text,
			with(func(w *took) { w.Form, w.Stream = CRI, Stderr }),
		},
		{"no tag of the kubelet's", stamp + " stderr Foo", took{Text: "stderr Foo", Stamp: stamp, Form: Stamped}},
		{
			"kubectl", "[pod/odoo-6b7d9c-x2/odoo] " + text,
			took{Text: text, Container: "odoo-6b7d9c-x2/odoo", Form: Kubectl},
		},
		{
			"kubectl with stamps", "[pod/a/b] " + stamp + " " + text,
			with(func(w *took) { w.Container, w.Form = "a/b", Kubectl|Stamped }),
		},
		{"no pod", "[pod/a b/c] x", bare("[pod/a b/c] x")},
		{
			"journalctl", "Nov 23 10:45:45 erp odoo[41]: " + text,
			took{Text: text, Stamp: "2026-11-23T10:45:45Z", PID: 41, Form: Syslog, Coarse: true},
		},
		{
			"journalctl -o short-precise --no-hostname", "Nov  3 10:45:45.456789 odoo[41]: " + text,
			took{Text: text, Stamp: "2026-11-03T10:45:45.456789Z", PID: 41, Form: Syslog},
		},
		{
			"journalctl -o short-iso", "2026-11-23T10:45:45+0000 erp odoo[41]: " + text,
			took{Text: text, Stamp: "2026-11-23T10:45:45Z", PID: 41, Form: SyslogISO, Coarse: true},
		},
		{
			"Odoo's syslog", "Nov 23 10:45:45 erp Odoo Server 18.0:db:INFO:odoo.http:text",
			took{Text: "Odoo Server 18.0:db:INFO:odoo.http:text", Stamp: "2026-11-23T10:45:45Z", Form: Syslog, Coarse: true},
		},
		{
			"Odoo's syslog with a zone", "2026-11-23T11:45:45.456789+01:00 erp Odoo Server 18.0:db:INFO:odoo.http:text",
			took{Text: "Odoo Server 18.0:db:INFO:odoo.http:text", Stamp: "2026-11-23T10:45:45.456789Z", Form: SyslogISO},
		},
		{"syslog without a program", "Nov 23 10:45:45 erp text", bare("Nov 23 10:45:45 erp text")},
		{"no day", "Nov 41 10:45:45 erp odoo[41]: x", bare("Nov 41 10:45:45 erp odoo[41]: x")},
		{"no number", "Nov 23 10:45:45 erp odoo[]: x", bare("Nov 23 10:45:45 erp odoo[]: x")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var u Unframer
			var f Frame
			if !u.Next(&f, []byte(tt.line), ref) || u.Open() {
				t.Fatal("a whole line was taken for a piece")
			}
			if diff := cmp.Diff(tt.want, tookOf(&f)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.line, diff)
			}
		})
	}
}

// TestStampWithoutRef holds that a header without a year is cut where nobody knows the year.
func TestStampWithoutRef(t *testing.T) {
	var u Unframer
	var f Frame
	u.Next(&f, []byte("Nov 23 10:45:45 erp odoo[41]: x"), time.Time{})
	if diff := cmp.Diff(took{Text: "x", PID: 41, Form: Syslog, Coarse: true}, tookOf(&f)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// jsonFile is a line of the json-file driver.
func jsonFile(log, stream string) string {
	b, err := json.Marshal(map[string]string{"log": log, "stream": stream, "time": "2026-11-23T10:45:45.456Z"})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestPieces(t *testing.T) {
	const fluentd = `{"container_name":"/%s","source":"stderr","log":"%s","partial_message":"true","partial_last":"%v"}`
	tests := []struct {
		name  string
		lines []string
		want  []string // whole lines
		open  bool
	}{
		{"json-file", []string{jsonFile("a", "stderr"), jsonFile("b", "stderr"), jsonFile("c\r\n", "stderr")}, []string{"abc"}, false},
		{"two streams", []string{jsonFile("a", "stderr"), jsonFile("1", "stdout"), jsonFile("b\n", "stderr"), jsonFile("2\n", "stdout")}, []string{"ab", "12"}, false},
		{"an end to come", []string{jsonFile("a", "stderr"), jsonFile("b\n", "stdout")}, []string{"b"}, true},
		{"a bare line between", []string{jsonFile("a", "stderr"), "x", jsonFile("b\n", "stderr")}, []string{"x", "ab"}, false},
		{
			"fluentd",
			[]string{
				fmt.Sprintf(fluentd, "a", "1", false), fmt.Sprintf(fluentd, "b", "x", false),
				fmt.Sprintf(fluentd, "a", "2", true), fmt.Sprintf(fluentd, "b", "y", true),
			},
			[]string{"12", "xy"},
			false,
		},
		{
			"the kubelet's",
			[]string{
				"2026-11-23T10:45:45.1Z stderr P a ", "2026-11-23T10:45:45.1Z stdout F x", "2026-11-23T10:45:45.2Z stderr F b",
			},
			[]string{"x", "a b"},
			false,
		},
		{
			"given up",
			[]string{jsonFile("a", "stderr"), strings.Repeat("x", horizon+1), jsonFile("b\n", "stderr")},
			[]string{strings.Repeat("x", horizon+1), "b"},
			false,
		},
		{
			"one too many", many(mostOpen + 1), []string{"xy"}, true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var u Unframer
			var f Frame
			var got []string
			for _, line := range tt.lines {
				if u.Next(&f, []byte(line), ref) {
					got = append(got, string(f.Text))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if u.Open() != tt.open {
				t.Errorf("open: %v", u.Open())
			}
		})
	}
}

// many begins lines of n containers and ends that of the last one.
func many(n int) []string {
	const piece = `{"container_name":"%d","source":"stderr","log":"%s","partial_message":"true","partial_last":"%v"}`
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf(piece, i, "x", false))
	}
	return append(lines, fmt.Sprintf(piece, n-1, "y", true))
}

// TestLongPieces holds that of a long line head and tail are kept, and that pieces, however small, are copied a few
// times at most.
func TestLongPieces(t *testing.T) {
	for _, size := range []int{1, 100, 16 << 10, 3 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var u Unframer
			var f Frame
			piece := []byte(jsonFile(strings.Repeat("x", size), "stderr"))
			u.Next(&f, []byte(jsonFile("head", "stderr")), ref)
			sent, copied := 0, 0
			for sent < 4<<20 {
				before := len(u.pieces.open[0].text)
				u.Next(&f, piece, ref)
				sent += len(piece)
				if now := len(u.pieces.open[0].text); now < before+size {
					copied += now
				}
			}
			if copied > 2*sent {
				t.Errorf("%d bytes were moved for %d", copied, sent)
			}
			if !u.Next(&f, []byte(jsonFile("tail\n", "stderr")), ref) || !f.Joined {
				t.Fatal("the end did not end it")
			}
			text := string(f.Text)
			if len(text) > longestLine || !strings.HasPrefix(text, "head") || !strings.HasSuffix(text, "tail") {
				t.Errorf("%d bytes, %.10q", len(text), text)
			}
		})
	}
}

// TestMemory holds that 1 MiB of the worst that we could think of takes a few MiB at most, all in all.
func TestMemory(t *testing.T) {
	for name, line := range map[string]string{
		"pieces":             jsonFile("x", "stderr"),
		"containers":         `{"container_name":"%d","source":"stderr","log":"x","partial_message":"true"}`,
		"escapes":            jsonFile(strings.Repeat("\\\"\n", 10_000), "stderr"),
		"quotes":             `{"log":"` + strings.Repeat(`\\\"`, 200_000),
		"brackets":           `{"log":` + strings.Repeat("[{", 200_000),
		"members":            `{"log":"x",` + strings.Repeat(`"a":1,`, 100_000),
		"kubelet":            "2026-11-23T10:45:45.1Z stderr P a",
		"blanks":             "a" + strings.Repeat(" ", 1<<20),
		"a name":             strings.Repeat("a", 1<<20),
		"colours":            strings.Repeat("\x1b[1m", 1<<18),
		"surrogates, broken": `{"log":"` + strings.Repeat(`\ud83d\uzzzz`, 50_000) + `\n","stream":"stderr"}`,
	} {
		t.Run(name, func(t *testing.T) {
			var u Unframer
			var f Frame
			var lines [][]byte
			for i, n := 0, 0; n < 1<<20; i++ {
				one := []byte(strings.Replace(line, "%d", fmt.Sprint(i), 1))
				lines = append(lines, one)
				n += len(one)
			}
			if got := allocated(func() {
				for _, one := range lines {
					u.Next(&f, one, ref)
				}
			}); got > 8<<20 {
				t.Errorf("%d bytes were allocated", got)
			}
		})
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestNoAllocation holds that nothing is allocated for what logs consist of.
func TestNoAllocation(t *testing.T) {
	const text = "2026-11-23 10:45:45,456 7 INFO db odoo.http: text "
	for name, line := range map[string]string{
		"bare":      text,
		"json-file": `{"log":"` + text + `\n","stream":"stderr","time":"2026-11-23T10:45:45.456789012Z"}`,
		"escapes":   `{"log":"\"` + text + `\n","stream":"stderr","time":"2026-11-23T10:45:45.456789012Z"}`,
		"compose":   "odoo-1  | " + text,
		"kubelet":   "2026-11-23T10:45:45.456789012+01:00 stderr F " + text,
		"syslog":    "Nov 23 10:45:45 erp odoo[41]: " + text,
	} {
		var u Unframer
		var f Frame
		b := []byte(line)
		if n := testing.AllocsPerRun(100, func() { u.Next(&f, b, ref) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestIsUTF16(t *testing.T) {
	tests := []struct {
		name, text string
		want       bool
	}{
		{"marked", "\xff\xfe2\x000\x00", true},
		{"marked, big endian", "\xfe\xff\x002\x000", true},
		{"unmarked", "2\x000\x002\x00", true},
		{"a line that begins behind half a line feed", "\x002\x000\x002", true},
		{"UTF-8", "2026-11-23", false},
		{"UTF-8, marked", "\xef\xbb\xbf2026", false},
		{"zeros", "\x00\x00\x00\x00\x00\x00", false},
		{"short", "2\x00", false},
	}
	for _, tt := range tests {
		if got := IsUTF16([]byte(tt.text)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// FuzzNext takes lines of any log, and holds that what comes out stands in what went in.
func FuzzNext(f *testing.F) {
	logs, err := filepath.Glob(filepath.Join("..", "..", "testdata", "logs", "*.log"))
	if err != nil || len(logs) == 0 {
		f.Fatalf("find logs: %d, %v", len(logs), err)
	}
	for _, name := range logs {
		log, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(log[:min(len(log), 4096)])
	}
	f.Add([]byte(jsonFile("a", "stderr") + "\n" + jsonFile("b\n", "stderr") + "\n\x1b[36mx | \x1b[0m\n[pod/a/b] 2026-11-23T10:45:45.1Z\n"))
	f.Add([]byte("2026-11-23T10:45:45.1Z stderr P a\n2026-11-23T10:45:45.1Z stderr F\nNov 23 10:45:45 a b[1]:\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		var u Unframer
		var one Frame
		in, out := 0, 0
		for line := range strings.SplitSeq(string(log), "\n") {
			in += len(line)
			whole := u.Next(&one, []byte(line), ref)
			if whole {
				out += len(one.Text)
			}
			text := string(one.Text)
			if simple := one.Form&(Object|Fluentd) == 0 && !one.Joined; simple && !strings.HasSuffix(strings.TrimRight(line, "\r"), strings.TrimRight(text, "\r")) {
				t.Errorf("%q does not stand at the end of %q", text, line)
			}
			if one.Form == 0 || !whole && !u.Open() || one.Stamp.Year() > 9999 {
				t.Errorf("%q is %+v", line, tookOf(&one))
			}
		}
		if out > in {
			t.Errorf("%d bytes out of %d", out, in)
		}
		if u.Open() && len(u.pieces.open) > mostOpen {
			t.Errorf("%d lines are open", len(u.pieces.open))
		}
	})
}

func BenchmarkNext(b *testing.B) {
	const text = "2026-11-23 10:45:45,456 28281 INFO openspp odoo.addons.base.models.res_users: Login failed for login:admin from 203.0.113.50 "
	for _, bb := range []struct{ name, line string }{
		{"bare", text},
		{"json-file", `{"log":"` + text + `\n","stream":"stderr","time":"2026-11-23T10:45:45.456789012Z"}`},
		{"compose", "odoo-1  | " + text},
		{"kubelet", "2026-11-23T10:45:45.456789012Z stderr F " + text},
		{"syslog", "Nov 23 10:45:45 erp odoo[41]: " + text},
		{"JSON of a program", `{"asctime": "2026-11-23 10:45:02,105", "pid": 41, "levelname": "INFO", "dbname": "shop", "name": "werkzeug", "message": "\"POST /web/login HTTP/1.1\" 200 -"}`},
		{"the rest of a record", "Traceback (most recent call last):"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var u Unframer
			var f Frame
			line := []byte(bb.line)
			b.ReportAllocs()
			for b.Loop() {
				u.Next(&f, line, ref)
			}
		})
	}
}
