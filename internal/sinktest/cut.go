package sinktest

import "bytes"

// Longest is how much of a line is kept, as of watcher.
const Longest = 1 << 20

// Cut gives the lines that a source is to hand on of a text, and how many bytes of them
// are left out.
func Cut(text []byte) (lines []string, skipped int64) {
	const half = Longest / 2
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		if cut := len(line) - Longest; cut > 0 {
			line = append(bytes.Clone(line[:half]), line[len(line)-half:]...)
			skipped += int64(cut)
		}
		lines = append(lines, string(bytes.TrimSuffix(line, []byte("\r"))))
		text = rest
	}
	return lines, skipped
}

// Long is a line of n bytes in which every place differs from its neighbours.
func Long(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + i*7919%71)
	}
	return b
}
