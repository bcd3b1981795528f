package window

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"
)

func BenchmarkAddOneKey(b *testing.B) {
	w := New(10, time.Minute, 1)
	b.ReportAllocs()
	for i := range b.N {
		addAnew(w, Key{}, time.UnixMilli(int64(i)*1000))
	}
}

// BenchmarkAddMillionKeys adds to each of a million keys in turn, which is the
// worst for caches, without one of them ever being full.
func BenchmarkAddMillionKeys(b *testing.B) {
	const keys = 1_000_000
	w := New(10, time.Minute, keys)
	for i := range keys {
		w.Add(intKey(i), time.UnixMilli(0), always)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.Add(intKey(i*7919%keys), time.UnixMilli(int64(i/keys)*10_000), always)
	}
}

// BenchmarkNewKeys adds one failure each of a million keys, as a botnet does,
// and measures the memory that they hold.
func BenchmarkNewKeys(b *testing.B) {
	const keys = 1_000_000
	var held, spent float64
	for b.Loop() {
		before, start := heap(), time.Now()
		w := New(10, time.Minute, keys)
		for i := range keys {
			w.Add(intKey(i), time.UnixMilli(0), always)
		}
		took := time.Since(start)
		spent += float64(took) / keys
		held += float64(heap()-before) / keys
		runtime.KeepAlive(w)
	}
	b.ReportMetric(held/float64(b.N), "bytes/key")
	b.ReportMetric(spent/float64(b.N), "ns/key")
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// intKey spreads i over an IPv4 address in its 16 bytes.
func intKey(i int) Key {
	key := Key{10: 0xff, 11: 0xff}
	binary.BigEndian.PutUint32(key[12:], uint32(i)*2654435761)
	return key
}
