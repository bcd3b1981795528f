package rules

import "golang.org/x/sys/cpu"

// canScan says whether the processor can look for several needles at once.
var canScan = cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT

// scanAVX2 looks at the bytes of text by 32, as long as there are 35 or more. It
// returns how many it has looked at, how many lines end in them, and how many
// places it found, at which tables fit. The fourth byte is taken at last.
//
//go:noescape
func scanAVX2(text *byte, n, last int, tables *tables, places *[mostPlaces]place) (at, found int, lines uint64)
