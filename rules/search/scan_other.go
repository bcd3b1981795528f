//go:build !amd64

package search

// hasAVX2 reports whether the processor can look at 32 places at once.
const hasAVX2 = false

func scanAVX2(*byte, int, int, *vectorTables, *[mostVectors]vector) (at, found int, lines uint64) {
	panic("search: scanAVX2 was called without AVX2")
}
