package rules_test

import (
	"bytes"
	"testing"

	"odooban/internal/samplelog"
	"odooban/rules"
)

// BenchmarkHistory measures what a replay does in its workers (search) and in the one
// that judges (skim).
func BenchmarkHistory(b *testing.B) {
	for _, bb := range []struct {
		name string
		mix  samplelog.Mix
	}{{"usual", samplelog.Odoo}, {"attack", samplelog.Attack}} {
		var log bytes.Buffer
		if _, err := bb.mix.Write(&log, 1, 16<<20); err != nil {
			b.Fatal(err)
		}
		text := log.Bytes()[:bytes.LastIndexByte(log.Bytes(), '\n')+1]
		lines := float64(bytes.Count(text, []byte{'\n'}))
		set := builtIn(b)
		b.Run(bb.name+"/search", func(b *testing.B) {
			var found *rules.Found
			b.ReportAllocs()
			for b.Loop() {
				for rest := text; len(rest) > 0; {
					block := rest[:blockEnd(rest)]
					found = set.Search(found, block)
					rest = rest[len(block):]
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
		})
		b.Run(bb.name+"/skim", func(b *testing.B) {
			var blocks [][]byte
			var found []*rules.Found
			for rest := text; len(rest) > 0; rest = rest[blockEnd(rest):] {
				blocks = append(blocks, rest[:blockEnd(rest)])
				found = append(found, set.Search(nil, blocks[len(blocks)-1]))
			}
			b.ReportAllocs()
			for b.Loop() {
				s := set.NewScanner(later)
				var failures []rules.Failure
				for i, block := range blocks {
					failures = s.Skim(failures[:0], block, rules.Place{}, found[i])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
		})
	}
}

// blockEnd is where a block of whole lines ends.
func blockEnd(text []byte) int {
	const size = 1 << 20
	if len(text) <= size {
		return len(text)
	}
	return size + bytes.IndexByte(text[size-1:], '\n')
}
