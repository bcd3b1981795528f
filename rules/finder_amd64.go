package rules

import "golang.org/x/sys/cpu"

// canScan says whether the processor can look for several needles at once.
var canScan = cpu.X86.HasAVX2

// scanAVX2 returns the first of the places 0, 32, 64 and so on, up to n-34, behind
// which tables fit text at one of 32 places: which has a bit for each, fits a
// byte, as it came out of the tables. which is zero where they fit nowhere; at
// is then where fewer than 34 bytes are left.
//
//go:noescape
func scanAVX2(text *byte, n int, tables *[6][32]byte, fits *[32]byte) (at int, which uint32)
