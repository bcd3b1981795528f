package banner

import (
	"fmt"
	"testing"

	"odooban/internal/netnstest"
)

// BenchmarkBlock blocks so many bans of an hour in one call: 1 is a ban of the
// daemon, 100,000 what a restart restores.
func BenchmarkBlock(b *testing.B) {
	for _, n := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			fw := setUp(b, netnstest.New(b, 0).Server, Options{})
			bans := manyBans(n, 0)
			for b.Loop() {
				if err := fw.Block(b.Context(), bans); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkList reads 100,000 bans.
func BenchmarkList(b *testing.B) {
	fw := setUp(b, netnstest.New(b, 0).Server, Options{})
	bans := manyBans(50_000, 50_000)
	if err := fw.Block(b.Context(), bans); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got := blocked(b, fw); len(got) != len(bans) {
			b.Fatalf("%d in force of %d", len(got), len(bans))
		}
	}
}
