package finished

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/sinktest"
	"odooban/watcher"
)

func zip(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFinished(t *testing.T) {
	var text strings.Builder
	for i := range 15_000 {
		fmt.Fprintf(&text, "line %d of a log that is longer than a block, %x\n", i, i*i*7919)
	}
	whole := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	zipped := zip(t, text.String())
	tests := []struct {
		name, content string
		// want is what comes; with cut it is a beginning of that.
		want []string
		cut  bool
		err  string
	}{
		{name: "empty"},
		{name: "one byte", content: "a", want: []string{"a"}},
		{name: "no end", content: "a\nb", want: []string{"a", "b"}},
		{name: "plain", content: text.String(), want: whole},
		{name: "gzip", content: zipped, want: whole},
		{name: "gzip, two members", content: zip(t, "a\nb") + zip(t, "c\n"), want: []string{"a", "bc"}},
		{name: "gzip, cut off", content: zipped[:len(zipped)/2], want: whole, cut: true, err: "cut off after"},
		{name: "gzip, cut off in its header", content: zipped[:5], err: "cut off after 5 bytes"},
		{name: "gzip, then something else", content: zip(t, "a\n") + "garbage that is no gzip", want: []string{"a"}, err: "damaged"},
		{name: "gzip, wrong sum", content: zipped[:len(zipped)-8] + "12345678", want: whole, err: "damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path, c := filepath.Join(t.TempDir(), "odoo.log.2"), sinktest.New()
			writeFile(t, path, tt.content)
			f := New(path)
			err := f.Follow(t.Context(), c)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("Follow gave %v, want %q", err, tt.err)
			}
			want := tt.want
			if tt.cut && len(c.Lines) > 0 {
				want = want[:min(len(want), len(c.Lines))]
			}
			if diff := cmp.Diff(want, c.Lines); diff != "" {
				t.Errorf("lines (-want +got):\n%.500s", diff)
			}
			if len(want) > 0 && !slices.Equal(c.SettledAt, []int{len(want)}) {
				t.Errorf("settled after %v, want after %d", c.SettledAt, len(want))
			}
			if slices.ContainsFunc(c.Seen, func(s time.Time) bool { return !s.IsZero() }) {
				t.Error("a line is live")
			}
			if read, total := f.Progress(); total != int64(len(tt.content)) || read != total {
				t.Errorf("progress is %d of %d, want all of %d", read, total, len(tt.content))
			}
		})
	}
}

func TestFinishedReader(t *testing.T) {
	c := sinktest.New()
	if err := NewReader("-", strings.NewReader(zip(t, "a\nb\n"))).Follow(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, c.Lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestFinishedCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "missing")} {
		err := New(path).Follow(t.Context(), sinktest.New())
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: Follow gave %v", path, err)
		}
	}
}

// FuzzFinished wants damaged files to end in an error, not in a panic or a
// line that was not there.
func FuzzFinished(f *testing.F) {
	f.Add([]byte("a\nb"))
	f.Add([]byte(zip(f, "a\nb\n")))
	f.Add([]byte(zip(f, "a\nb\n"))[:15])
	f.Fuzz(func(t *testing.T, content []byte) {
		c := sinktest.New()
		err := NewReader("fuzz", bytes.NewReader(content)).Follow(t.Context(), c)
		if err == nil && !bytes.HasPrefix(content, []byte("\x1f\x8b")) {
			if want, _ := sinktest.Cut(content); !slices.Equal(want, c.Lines) {
				t.Errorf("got %q, want %q", c.Lines, want)
			}
		}
	})
}

// nothing takes lines and does nothing with them.
type nothing struct{ lines int }

func (n *nothing) Line(watcher.Line) error { n.lines++; return nil }
func (n *nothing) Settled(time.Time) error { return nil }

func BenchmarkFinished(b *testing.B) {
	const line = "2026-11-23 10:00:00,123 4711 INFO db odoo.addons.base.models.res_users: Login failed for db:db login:admin from 203.0.113.20\n"
	text := strings.Repeat(line, 100_000)
	for _, tt := range []struct{ name, content string }{{"plain", text}, {"gzip", zip(b, text)}} {
		b.Run(tt.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "odoo.log")
			if err := os.WriteFile(path, []byte(tt.content), 0o644); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				var n nothing
				if err := New(path).Follow(b.Context(), &n); err != nil || n.lines != 100_000 {
					b.Fatal(n.lines, err)
				}
			}
		})
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
