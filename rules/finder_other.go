//go:build !amd64

package rules

// canScan says whether the processor can look for several needles at once.
const canScan = false

func scanAVX2(*byte, int, int, *tables, *[mostPlaces]place) (at, found int, lines uint64) {
	panic("unreachable")
}
