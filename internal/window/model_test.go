package window

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// model is a window that remembers every failure and looks at all of them.
type model struct {
	maxretry int
	findtime int64
	times    map[Key][]int64
}

func newModel(maxretry int, findtime time.Duration) *model {
	return &model{maxretry, findtime.Milliseconds(), make(map[Key][]int64)}
}

// add looks at each failure as the end of a run, the earliest first, and counts
// back from it.
func (m *model) add(key Key, ms int64) (int64, bool) {
	m.times[key] = append(m.times[key], ms)
	times := m.times[key]
	slices.Sort(times)
	for i, end := range times {
		inside := 0
		for _, other := range times[:i+1] {
			if other >= end-m.findtime {
				inside++
			}
		}
		if inside >= m.maxretry {
			delete(m.times, key)
			return end, true
		}
	}
	return 0, false
}

// supports says whether maxretry failures, ms among them, end at end.
func (m *model) supports(key Key, ms, end int64) bool {
	inside := 0
	for _, other := range m.times[key] {
		if other >= end-m.findtime && other <= end {
			inside++
		}
	}
	return inside >= m.maxretry && ms >= end-m.findtime && ms <= end
}

func (m *model) contains(key Key, ms int64) bool {
	return slices.Contains(m.times[key], ms)
}

func TestMatchesModel(t *testing.T) {
	tests := []struct {
		name     string
		lateness int64 // a failure may be this much older than the newest
	}{
		{"in order", 0},
		{"some late", 300},
		{"all within findtime late", 1000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(150) {
				rng := rand.New(rand.NewPCG(seed, 1))
				maxretry := 1 + rng.IntN(6)
				pace := 1 + rng.Int64N(400)
				w, m := New(maxretry, time.Second, 1000), newModel(maxretry, time.Second)
				newest := int64(0)
				for n := range 400 {
					ms := newest + rng.Int64N(pace) - rng.Int64N(tt.lateness+1)
					newest = max(newest, ms)
					compare(t, w, m, byteKey(byte(rng.IntN(4))), ms)
					if t.Failed() {
						t.Fatalf("seed %d, failure %d, maxretry %d", seed, n, maxretry)
					}
				}
			}
		})
	}
}

// compare adds one failure to both, and wants the same answer.
func compare(t *testing.T, w *Window, m *model, key Key, ms int64) {
	t.Helper()
	got, full := addAnew(w, key, time.UnixMilli(ms))
	end, wantFull := m.add(key, ms)
	if full != wantFull || full && got.UnixMilli() != end {
		t.Errorf("Add(%v, %d) = %v, %v; want %d, %v", key[15], ms, got, full, end, wantFull)
	}
	check(t, w)
}

// FuzzAdd reads failures as one byte for the key and two for a step in time,
// which the third of the leading bytes scales. The others are maxretry and
// maxKeys.
func FuzzAdd(f *testing.F) {
	f.Add([]byte{3, 4, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1})
	f.Add([]byte{2, 1, 100, 0, 0, 1, 1, 0xff, 0xff, 0, 0, 2, 1, 0, 3})
	f.Add([]byte{10, 2, 255, 0, 0x80, 0, 0, 0, 0, 0, 0x7f, 0xff, 1, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 3 || len(data) > 1000 {
			return
		}
		maxretry, maxKeys, scale := 1+int(data[0]%12), 1+int(data[1]%8), int64(data[2])
		w, m := New(maxretry, time.Second, maxKeys), newModel(maxretry, time.Second)
		ms, newest := int64(0), int64(0)
		exact := true
		for data = data[3:]; len(data) >= 3; data = data[3:] {
			key := byteKey(data[0] % 10)
			ms += scale * int64(int16(binary.BigEndian.Uint16(data[1:])))
			newest = max(newest, ms)
			exact = exact && newest-ms <= 1000 && w.Forgotten() == 0
			if exact && w.index.len < maxKeys {
				compare(t, w, m, key, ms)
				continue
			}
			exact = false
			sound(t, w, m, key, ms)
		}
	})
}

// sound adds one failure, and wants an answer that the failures since the last
// one bear out, whatever was forgotten in between.
func sound(t *testing.T, w *Window, m *model, key Key, ms int64) {
	t.Helper()
	m.times[key] = append(m.times[key], ms)
	end, full := addAnew(w, key, time.UnixMilli(ms))
	if full {
		if !m.supports(key, ms, end.UnixMilli()) {
			t.Errorf("Add(%v, %d) is full at %v without failures for it", key[15], ms, end)
		}
		delete(m.times, key)
	}
	check(t, w)
	for i := w.entries[root].older; i != root; i = w.entries[i].older {
		for _, kept := range w.entries[i].times {
			if !m.contains(w.entries[i].key, kept) {
				t.Errorf("key %v keeps %d, which never came", w.entries[i].key[15], kept)
			}
		}
	}
}

// check wants the bounds kept, and index, ring and entries to agree.
func check(t *testing.T, w *Window) {
	t.Helper()
	if w.index.len > w.maxKeys || len(w.entries) > w.maxKeys+1 {
		t.Errorf("%d keys in %d entries, want at most %d", w.index.len, len(w.entries), w.maxKeys)
	}
	linked := 0
	for i := w.entries[root].older; i != root; i = w.entries[i].older {
		e := &w.entries[i]
		if w.index.find(w.entries, &e.key) != i || w.entries[e.older].fresher != i {
			t.Fatalf("entry %d is not linked as it is indexed", i)
		}
		if len(e.times) == 0 || len(e.times) >= 2*w.maxretry || !slices.IsSorted(e.times) {
			t.Errorf("times of key %v are %v", e.key[15], e.times)
		}
		linked++
	}
	if linked != w.index.len {
		t.Errorf("%d keys in the ring, %d in the index", linked, w.index.len)
	}
}

func byteKey(b byte) Key { return Key{15: b} }
