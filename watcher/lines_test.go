package watcher

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// naive is what splitter does, with everything in memory.
func naive(text []byte) (lines []string, skipped int64) {
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		if cut := len(line) - keepLine; cut > 0 {
			line = append(bytes.Clone(line[:keepHalf]), line[len(line)-keepHalf:]...)
			skipped += int64(cut)
		}
		lines = append(lines, string(bytes.TrimSuffix(line, []byte("\r"))))
		text = rest
	}
	return lines, skipped
}

func split(t testing.TB, text []byte, size int) (lines []string, skipped int64) {
	t.Helper()
	var s splitter
	emit := func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	}
	for len(text) > 0 {
		n := min(size, len(text))
		if err := s.feed(text[:n], emit); err != nil {
			t.Fatal(err)
		}
		if cap(s.part) > 2*(keepLine+keepHalf) {
			t.Fatalf("%d bytes are kept", cap(s.part))
		}
		text = text[n:]
	}
	if err := s.finish(emit); err != nil {
		t.Fatal(err)
	}
	return lines, s.skipped
}

// long is a line of n bytes in which every place differs from its neighbours.
func long(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + i*7919%71)
	}
	return b
}

func TestSplitter(t *testing.T) {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, []byte("\n")) }
	tests := []struct {
		name string
		text []byte
	}{
		{"nothing", nil},
		{"one line", []byte("a\n")},
		{"no end", []byte("a\nb")},
		{"empty lines", []byte("\n\n\r\n")},
		{"carriage returns", []byte("a\r\nb\r\r\nc\rd\n")},
		{"NUL and broken UTF-8", []byte("a\x00b\n\xff\xfe\xc3\n")},
		{"as long as is kept", join(long(keepLine), nil)},
		{"a byte longer", join(long(keepLine+1), nil)},
		{"half longer", join(long(keepLine+keepHalf), []byte("x"), nil)},
		{"much longer", join([]byte("a"), long(5*keepLine+77), []byte("b"), long(3*keepLine), nil)},
		{"much longer, no end", long(2*keepLine + 3)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, skipped := naive(tt.text)
			for _, size := range []int{1021, 64 << 10, blockSize, 1 << 30} {
				got, gotSkipped := split(t, tt.text, size)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("in blocks of %d (-want +got):\n%.500s", size, diff)
				}
				if skipped != gotSkipped {
					t.Errorf("in blocks of %d: skipped %d, want %d", size, gotSkipped, skipped)
				}
			}
		})
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nc"), uint16(3), uint8(0))
	f.Add([]byte("\x00\n\xff\n"), uint16(1), uint8(1))
	f.Add([]byte("a\r\n"), uint16(40000), uint8(200))
	f.Fuzz(func(t *testing.T, text []byte, size uint16, stretch uint8) {
		// A stretch makes lines that are too long out of short inputs.
		text = bytes.ReplaceAll(text, []byte("a"), long(1+int(stretch)*10000))
		if len(text) > 16<<20 {
			t.Skip("too much")
		}
		chunk := 1 + int(size)
		if len(text) > 1<<16 {
			chunk += 1 << 10
		}
		want, skipped := naive(text)
		got, gotSkipped := split(t, text, chunk)
		if diff := cmp.Diff(want, got); diff != "" || skipped != gotSkipped {
			t.Errorf("skipped %d, want %d (-want +got):\n%.500s", gotSkipped, skipped, diff)
		}
	})
}
