package search

import "golang.org/x/sys/cpu"

// hasAVX2 reports whether the processor can look at 32 places at once.
var hasAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT

// scanAVX2 looks at 32 places of a text of n bytes at a time, as long as there
// are 35 bytes or more, until the vectors are full. It returns how far it looked,
// how many vectors it filled and how many lines end in what it looked at. The last
// byte of a window is taken at last.
//
//go:noescape
func scanAVX2(text *byte, n, last int, tables *vectorTables, vectors *[mostVectors]vector) (at, found int, lines uint64)
