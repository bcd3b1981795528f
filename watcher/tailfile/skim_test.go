package tailfile

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/watcher"
	"odooban/watcher/lines"
)

// reader takes lines one by one and keeps where each stands, until it is settled.
type reader struct {
	t       *testing.T
	settled context.CancelFunc
	lines   []string
}

func (r *reader) Line(l watcher.Line) error {
	r.lines = append(r.lines, fmt.Sprintf("%d %d %.20q", l.Place.Offset, len(l.Text), l.Text))
	return nil
}

func (r *reader) Settled(time.Time) error {
	r.settled()
	return nil
}

// skimmer takes many at once.
type skimmer struct {
	reader
	skims int
}

func (s *skimmer) Skim(l watcher.Lines) error {
	s.skims++
	offset := l.Place.Offset
	for line := range bytes.Lines(l.Text) {
		text := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if err := s.Line(watcher.Line{Text: text, Place: watcher.Place{Generation: l.Place.Generation, Offset: offset}}); err != nil {
			return err
		}
		offset += int64(len(line))
	}
	p, err := parsePosition(l.Position())
	if err != nil {
		return err
	}
	got := p.Files[len(p.Files)-1]
	if got.Offset != offset || got.Generation != l.Place.Generation {
		s.t.Errorf("position after %d bytes is %d of %s", offset, got.Offset, got.Generation)
	}
	return nil
}

func TestSkimmerGetsTheSameLines(t *testing.T) {
	many := strings.Repeat("2026-11-23 12:00:00,000 1 INFO shop odoo: what is written most of the time\r\n", 10_000)
	for _, tc := range []struct {
		name, content string
		skims         bool
	}{
		{"empty", "", false},
		{"half a line", "half", false},
		{"two lines", "one\n", true},
		{"few lines", "one\ntwo\r\n\nfour\n", true},
		{"few lines and a half", "one\ntwo\nthree\nhalf", true},
		{"many lines", many, true},
		{"a line over several blocks", many + strings.Repeat("x", 3*lines.BlockSize) + "\n" + many, true},
		{"a line of which not all is kept", "one\n" + strings.Repeat("x", 2*lines.Longest) + "\n" + many + "half", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "odoo.log")
			writeFile(t, path, tc.content+"last\n")
			read := func(sink watcher.Sink, r *reader) []string {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				r.t, r.settled = t, cancel
				if err := NewFile(path, func(_ string, err error) { t.Error(err) }).Follow(ctx, sink); err != nil {
					t.Error(err)
				}
				return r.lines
			}
			var one reader
			var many skimmer
			if diff := cmp.Diff(read(&one, &one), read(&many, &many.reader)); diff != "" {
				t.Errorf("lines (-one by one +skimmed):\n%s", diff)
			}
			if tc.skims != (many.skims > 0) {
				t.Errorf("skimmed %d times", many.skims)
			}
		})
	}
}
