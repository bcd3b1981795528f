//go:build !amd64

package rules

// canScan says whether the processor can look for several needles at once.
const canScan = false

func scanAVX2(*byte, int, *[6][32]byte, *[32]byte) (int, uint32) { panic("unreachable") }
