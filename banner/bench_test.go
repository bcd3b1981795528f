package banner

import (
	"fmt"
	"testing"

	"odooban/internal/netnstest"
)

// eachSet runs a benchmark with the backends that keep bans in sets. They
// speak netlink and may be called from everywhere.
func eachSet(b *testing.B, bench func(b *testing.B, fw backend)) {
	for _, k := range kinds {
		if k.backend == "iptables" || k.name == "ipset legacy" {
			continue
		}
		b.Run(k.backend, func(b *testing.B) {
			fw, ok := k.bare(b, netnstest.New(b, 0).Server).(inside)
			if !ok {
				b.Fatal("not inside")
			}
			bench(b, fw.backend)
		})
	}
}

// BenchmarkBlock blocks so many bans of an hour in one call: 1 is a ban of the
// daemon, 100,000 what a restart restores.
func BenchmarkBlock(b *testing.B) {
	for _, n := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			eachSet(b, func(b *testing.B, fw backend) {
				bans := manyBans(n, 0)
				for b.Loop() {
					if err := fw.Block(b.Context(), bans); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkList reads 100,000 bans.
func BenchmarkList(b *testing.B) {
	eachSet(b, func(b *testing.B, fw backend) {
		bans := manyBans(50_000, 50_000)
		if err := fw.Block(b.Context(), bans); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if got := blocked(b, fw); len(got) != len(bans) {
				b.Fatalf("%d in force of %d", len(got), len(bans))
			}
		}
	})
}

// BenchmarkLook looks once whether all is in place, with 100,000 bans.
func BenchmarkLook(b *testing.B) {
	for _, k := range kinds {
		if k.backend == "iptables" {
			continue
		}
		b.Run(k.name, func(b *testing.B) {
			keeper := newKeeper(k.backend, k.bare(b, netnstest.New(b, 0).Server))
			if err := keeper.Block(b.Context(), manyBans(50_000, 50_000)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				keeper.look(b.Context(), func(m Mended) { b.Fatalf("%+v", m) })
			}
		})
	}
}
