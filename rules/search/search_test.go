package search

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// naive finds literals one after another, and counts lines up to each hit.
func naive(literals []Literal, block []byte) (hits []Hit, lines uint64) {
	for _, l := range literals {
		for at := 0; at < len(block); at++ {
			i := bytes.Index(block[at:], l.Text)
			if i < 0 {
				break
			}
			if at += i; l.Accept == nil || l.Accept(block, at) {
				hits = append(hits, Hit{at, uint64(bytes.Count(block[:at], newline)), l.Bits})
			}
		}
	}
	return hits, uint64(bytes.Count(block, newline))
}

// joined are the hits by place, with one for each: literals that are alike are
// found as one.
func joined(hits []Hit) []Hit {
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(a.At, b.At) })
	var all []Hit
	for _, h := range hits {
		if n := len(all); n > 0 && all[n-1].At == h.At {
			all[n-1].Bits |= h.Bits
			continue
		}
		all = append(all, h)
	}
	return all
}

// both are a Finder that uses the processor's vectors, if it has some, and one that
// does not.
func both(literals []Literal) map[string]*Finder {
	portable := New(literals)
	portable.portable = true
	return map[string]*Finder{"vectors": New(literals), "portable": portable}
}

// agree holds both ways of searching against the naive one.
func agree(t *testing.T, literals []Literal, block []byte) {
	t.Helper()
	want, wantLines := naive(literals, block)
	want = joined(want)
	before := Hit{At: len(block), Line: 7}
	for name, f := range both(literals) {
		got, lines := f.Hits([]Hit{before}, block)
		if got[0] != before {
			t.Errorf("%s: what there was became %v", name, got[0])
		}
		got = got[1:]
		if !slices.IsSortedFunc(got, func(a, b Hit) int { return cmp.Compare(a.At, b.At) }) {
			t.Errorf("%s: not in order: %v", name, got)
		}
		if diff := gocmp.Diff(want, joined(got)); diff != "" {
			t.Errorf("%s: hits (-want +got):\n%s", name, diff)
		}
		if lines != wantLines {
			t.Errorf("%s: %d lines, want %d", name, lines, wantLines)
		}
	}
}

// FuzzFinder holds both ways of searching against the naive one, whatever is
// searched for, several parts of a Finder included.
func FuzzFinder(f *testing.F) {
	many := make([]string, 64)
	for i := range many {
		many[i] = fmt.Sprintf("lit%d", i)
	}
	f.Add([]byte("2026 INFO db odoo.addons.base.models.res_users: Login failed from 1.2.3.4 \n"), "res_users| from |Login", uint8(1))
	f.Add([]byte(strings.Repeat("abcabcd", 40)), "abc|bca|cabcd|abcabcdabcabcd|abc", uint8(33))
	f.Add([]byte(strings.Repeat("\nPOST /%77eb/login\n POST \xc3\xa4%6", 20)), "%|POST /|/login|\n P|\xc3\xa4|\xa4%6|\x00|ab", uint8(5))
	f.Add([]byte(strings.Repeat("a\nlit63 lit7\n", 30)), strings.Join(many, "|"), uint8(0))
	f.Fuzz(func(t *testing.T, block []byte, list string, skip uint8) {
		if len(block) > 1<<12 {
			return
		}
		var literals []Literal
		for i, s := range strings.Split(list, "|") {
			if s == "" || len(literals) == 100 {
				continue
			}
			l := Literal{Text: []byte(s), Bits: 1 << (i % 64)}
			if i%5 == 4 {
				l.Accept = func(block []byte, at int) bool { return at%2 == 0 && bytes.HasPrefix(block[at:], l.Text) }
			}
			literals = append(literals, l)
		}
		agree(t, literals, block[min(int(skip), len(block)):])
	})
}

// TestEveryPlace holds that a literal is found wherever it stands, at the end of
// a block of any length above all.
func TestEveryPlace(t *testing.T) {
	literals := []Literal{{Text: []byte("from"), Bits: 1}, {Text: []byte("%"), Bits: 2}, {Text: []byte("a\nb"), Bits: 4}, {Text: []byte("é"), Bits: 8}}
	for size := range 110 {
		for at := range size + 1 {
			for _, l := range literals {
				block := bytes.Repeat([]byte{0x1f}, size)
				if copy(block[at:], l.Text); size > 50 {
					block[size/2] = '\n'
				}
				agree(t, literals, block)
			}
		}
	}
}

// TestMany holds that more literals are found than there are bits.
func TestMany(t *testing.T) {
	var literals []Literal
	var block []byte
	for i := range 200 {
		literals = append(literals, Literal{Text: fmt.Appendf(nil, "rule%d!", i), Bits: 1 << (i % 64)})
		block = fmt.Appendf(block, "a line of rule%d!\n", 199-i)
	}
	for i := range 20 { // of one byte each: no two fit one pass
		literals = append(literals, Literal{Text: []byte{'A' + byte(i)}, Bits: 1})
		block = append(block, 'A'+byte(i), '\n')
	}
	agree(t, literals, block)
	if hits, lines := New(nil).Hits(nil, block); len(hits) > 0 || lines != 220 {
		t.Errorf("no literals: %d hits, %d lines", len(hits), lines)
	}
}

// TestMerged holds that literals that are alike are found once, unless they ask
// what stands around them.
func TestMerged(t *testing.T) {
	never := func([]byte, int) bool { return false }
	f := New([]Literal{{[]byte("bad"), 1, nil}, {[]byte("bad"), 4, nil}, {[]byte("bad"), 8, never}, {[]byte("good"), 16, nil}})
	got, _ := f.Hits(nil, []byte("a\nbad day"))
	if diff := gocmp.Diff([]Hit{{2, 1, 5}}, got); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
}

// TestNoAllocation holds that a search reuses the room for hits, also where it
// brings those of several passes into order.
func TestNoAllocation(t *testing.T) {
	var literals []Literal
	for i := range 60 {
		literals = append(literals, Literal{Text: fmt.Appendf(nil, "rule%d!", i), Bits: 1})
	}
	block := bytes.Repeat([]byte("rule59! rule1! rule30!\n"), 1000)
	for name, f := range both(literals) {
		hits, _ := f.Hits(nil, block)
		if n := testing.AllocsPerRun(5, func() { hits, _ = f.Hits(hits[:0], block) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if len(hits) != 3000 {
			t.Errorf("%s: %d hits", name, len(hits))
		}
	}
}

func TestLineStart(t *testing.T) {
	for _, block := range []string{"", "a", "\n", "\n\n", "first\nsecond, longer than eight bytes\n\nlast", "\x8a\x0b\n\x09\x8a\x0b\xff\xff\xff\xff\xff"} {
		for at := range len(block) + 1 {
			if got, want := LineStart([]byte(block), at), strings.LastIndexByte(block[:at], '\n')+1; got != want {
				t.Errorf("the line of %d in %q begins at %d, want %d", at, block, got, want)
			}
		}
	}
}

// FuzzLines holds LineStart and Long against bytes.Lines.
func FuzzLines(f *testing.F) {
	f.Add([]byte("short\nlong enough\n\nlonger than that\nend"), uint8(7))
	f.Add([]byte("\n\n\n"), uint8(0))
	f.Add(bytes.Repeat([]byte("a"), 100), uint8(9))
	f.Fuzz(func(t *testing.T, block []byte, size uint8) {
		type span struct{ Start, End int }
		var want, got []span
		start := 0
		for line := range bytes.Lines(block) {
			end := start + len(bytes.TrimSuffix(line, newline))
			if end-start >= int(size) && size > 0 {
				want = append(want, span{start, end})
			}
			for at := start; at <= end; at++ {
				if got := LineStart(block, at); got != start {
					t.Fatalf("the line of %d begins at %d, want %d", at, got, start)
				}
			}
			start += len(line)
		}
		Long(block, int(size), func(start, end int) {
			if size > 0 {
				got = append(got, span{start, end})
			}
		})
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("lines of %d bytes (-want +got):\n%s", size, diff)
		}
	})
}

// BenchmarkFinder takes usual lines, of which few matter.
func BenchmarkFinder(b *testing.B) {
	var literals []Literal
	for _, text := range []string{"res_users", " from ", "auth_signup", "web/login", "json", "thenticate", "web/database/", "FATAL: ", "Routing mail "} {
		literals = append(literals, Literal{Text: []byte(text), Bits: 1})
	}
	literals = append(literals, Literal{[]byte("%"), 1, func(block []byte, at int) bool { return bytes.HasPrefix(block[at:], []byte("%77")) }})
	block := bytes.Repeat(sample, 1000)
	for name, f := range both(literals) {
		b.Run(name, func(b *testing.B) {
			var hits []Hit
			b.SetBytes(int64(len(block)))
			b.ReportAllocs()
			for b.Loop() {
				hits, _ = f.Hits(hits[:0], block)
			}
		})
	}
}
