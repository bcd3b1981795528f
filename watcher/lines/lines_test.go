package lines

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/sinktest"
)

func split(t testing.TB, text []byte, size int) (lines []string, skipped int64) {
	t.Helper()
	var s Splitter
	emit := func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	}
	for len(text) > 0 {
		n := min(size, len(text))
		if err := s.Feed(text[:n], emit); err != nil {
			t.Fatal(err)
		}
		if cap(s.part) > 2*(Longest+half) {
			t.Fatalf("%d bytes are kept", cap(s.part))
		}
		text = text[n:]
	}
	if err := s.Finish(emit); err != nil {
		t.Fatal(err)
	}
	return lines, s.Skipped
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
		{"as long as is kept", join(sinktest.Long(Longest), nil)},
		{"a byte longer", join(sinktest.Long(Longest+1), nil)},
		{"half longer", join(sinktest.Long(Longest+half), []byte("x"), nil)},
		{"much longer", join([]byte("a"), sinktest.Long(5*Longest+77), []byte("b"), sinktest.Long(3*Longest), nil)},
		{"much longer, no end", sinktest.Long(2*Longest + 3)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, skipped := sinktest.Cut(tt.text)
			for _, size := range []int{1021, 64 << 10, BlockSize, 1 << 30} {
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
		text = bytes.ReplaceAll(text, []byte("a"), sinktest.Long(1+int(stretch)*10000))
		if len(text) > 16<<20 {
			t.Skip("too much")
		}
		chunk := 1 + int(size)
		if len(text) > 1<<16 {
			chunk += 1 << 10
		}
		want, skipped := sinktest.Cut(text)
		got, gotSkipped := split(t, text, chunk)
		if diff := cmp.Diff(want, got); diff != "" || skipped != gotSkipped {
			t.Errorf("skipped %d, want %d (-want +got):\n%.500s", gotSkipped, skipped, diff)
		}
	})
}
