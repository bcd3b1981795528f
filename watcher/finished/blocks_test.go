package finished

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/sinktest"
	"odooban/watcher/lines"
)

// inBlocks collects the lines of a finished file that is read in blocks.
func inBlocks(t testing.TB, f *File, workers int) (lines []string, size int64, err error) {
	t.Helper()
	reading, err := Blocks[[]byte]{
		Workers: workers,
		Search:  func(copied, lines []byte) []byte { return append(copied[:0], lines...) },
		Lines: func(block, copied []byte) error {
			if !bytes.Equal(block, copied) {
				t.Error("what Search saw is not what Lines got")
			}
			for line := range bytes.Lines(block) {
				if line[len(line)-1] != '\n' {
					t.Errorf("a line has no end: %q", line)
				}
				text := bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'})
				lines, size = append(lines, string(text)), size+int64(len(line))
			}
			return nil
		},
		Line: func(text []byte, n int64) error {
			lines, size = append(lines, string(text)), size+n
			return nil
		},
	}.Start(t.Context(), f)
	if err != nil {
		return nil, 0, err
	}
	err = reading.Take()
	return lines, size, err
}

// followed collects the lines as Follow hands them on.
func followed(t testing.TB, f *File) ([]string, error) {
	t.Helper()
	c := sinktest.New()
	err := f.Follow(t.Context(), c)
	return c.Lines, err
}

// TestBlocksAreTheLines holds that a file has the same lines in blocks, whatever
// lies across their borders, and says the same of damage.
func TestBlocksAreTheLines(t *testing.T) {
	var text strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&text, "line %d of a log that is longer than a block, %x\r\n", i, i*i*7919)
	}
	long := strings.Repeat("x", 3*lines.BlockSize)
	contents := map[string]string{
		"empty":                "",
		"one line":             "a\n",
		"no end":               "a\nb",
		"no line end at all":   long,
		"blank lines":          "\n\r\n\n",
		"many blocks":          text.String(),
		"many blocks, no end":  text.String() + "rest",
		"long lines":           "a\n" + long + "\nb\n" + long + long + long + "\n" + text.String() + long,
		"a block, exactly":     strings.Repeat("0123456789abcde\n", lines.BlockSize/16),
		"two, and their ends":  strings.Repeat(strings.Repeat("x", lines.BlockSize-1)+"\n", 2),
		"ends begin the block": strings.Repeat("x", lines.BlockSize) + "\n" + strings.Repeat("y", lines.BlockSize-1) + "\nz",
	}
	for name, content := range contents {
		zipped := zip(t, content)
		forms := map[string]string{"plain": content, "gzip": zipped, "cut off": zipped[:len(zipped)*2/3]}
		for form, content := range forms {
			for _, workers := range []int{1, 3} {
				t.Run(fmt.Sprint(name, " ", form, " ", workers), func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "odoo.log")
					writeFile(t, path, content)
					plain, blocks := New(path), New(path)
					want, wantErr := followed(t, plain)
					got, size, err := inBlocks(t, blocks, workers)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("lines (-followed +in blocks):\n%.1000s", diff)
					}
					if fmt.Sprint(err) != fmt.Sprint(wantErr) {
						t.Errorf("error %v, want %v", err, wantErr)
					}
					if form == "plain" && size != int64(len(content)) {
						t.Errorf("the lines take %d bytes of %d", size, len(content))
					}
					if blocks.Skipped() != plain.Skipped() {
						t.Errorf("%d bytes skipped, want %d", blocks.Skipped(), plain.Skipped())
					}
					if read, total := blocks.Progress(); err == nil && (read != total || total != int64(len(content))) {
						t.Errorf("progress is %d of %d, want all of %d", read, total, len(content))
					}
				})
			}
		}
	}
}

// What takes the lines may end the reading, and so may its context.
func TestBlocksEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odoo.log")
	writeFile(t, path, strings.Repeat("a line\n", lines.BlockSize))
	enough := errors.New("enough")
	blocks := Blocks[int]{
		Workers: 2,
		Search:  func(int, []byte) int { return 0 },
		Lines:   func([]byte, int) error { return enough },
		Line:    func([]byte, int64) error { return nil },
	}
	reading, err := blocks.Start(t.Context(), New(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := reading.Take(); !errors.Is(err, enough) {
		t.Errorf("Take gave %v", err)
	}
	reading, err = blocks.Start(t.Context(), New(path))
	if err != nil {
		t.Fatal(err)
	}
	reading.Stop()
	if err := reading.Take(); err != nil {
		t.Errorf("Take gave %v after Stop", err)
	}
	if _, err := blocks.Start(t.Context(), New(path+".missing")); err == nil {
		t.Error("a missing file was opened")
	}
}

// FuzzBlocks holds the same of any content.
func FuzzBlocks(f *testing.F) {
	f.Add([]byte("a\nb"))
	f.Add([]byte(zip(f, "a\nb\n")))
	f.Add([]byte(zip(f, "a\nb\n"))[:15])
	f.Fuzz(func(t *testing.T, content []byte) {
		want, wantErr := followed(t, NewReader("fuzz", bytes.NewReader(content)))
		got, _, err := inBlocks(t, NewReader("fuzz", bytes.NewReader(content)), 2)
		if diff := cmp.Diff(want, got); diff != "" || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("error %v, want %v; lines (-followed +in blocks):\n%s", err, wantErr, diff)
		}
	})
}
