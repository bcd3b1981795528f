package rules_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"odooban/internal/odoosim"
	"odooban/rules"
)

// wantSkimmed holds that blocks of whole lines give what the lines give.
func wantSkimmed(t *testing.T, set *rules.Set, log []byte, next func() int) {
	t.Helper()
	want, wantStats := replay(set, log)
	got, stats := skim(set, log, next)
	if diff := cmp.Diff(want, got, sameAddr); diff != "" {
		t.Errorf("failures (-fed +skimmed):\n%.3000s", diff)
	}
	// What is passed over has no time that anybody reads.
	if diff := cmp.Diff(wantStats, stats, sameAddr, cmpopts.IgnoreFields(rules.Stats{}, "Last")); diff != "" {
		t.Errorf("stats (-fed +skimmed):\n%.3000s", diff)
	}
}

// blocks are sizes of blocks around a size.
func blocks(size int) func() int {
	rng := rand.New(rand.NewPCG(uint64(size), 1))
	return func() int { return 1 + size/2 + rng.IntN(size) }
}

func TestSkimCaptures(t *testing.T) {
	for name, log := range captures(t) {
		for _, size := range []int{100, 3000, 1 << 20} {
			t.Run(fmt.Sprint(name, " in blocks of ", size), func(t *testing.T) {
				wantSkimmed(t, builtIn(t), log, blocks(size))
			})
		}
	}
}

// honestSite is a site where nobody forges.
func honestSite(workers int, seed uint64) odoosim.Config {
	return odoosim.Config{
		Seed: seed, Workers: workers, Load: odoosim.Busy, Length: 20 * time.Second, Recycle: 200,
		Actors: []odoosim.Actor{odoosim.Guesser(1, 0, 200*time.Millisecond), odoosim.Guesser(2, 1, 300*time.Millisecond), odoosim.Guesser(3, 2, 250*time.Millisecond)},
	}
}

// textOf is all that a site wrote.
func textOf(c odoosim.Config) []byte {
	var log bytes.Buffer
	for _, w := range odoosim.Simulate(c).Writes {
		log.Write(w.Text)
	}
	return log.Bytes()
}

func TestSkimHonestSites(t *testing.T) {
	for _, workers := range []int{0, 1, 4, 16} {
		log := textOf(honestSite(workers, 1))
		for _, size := range []int{2000, 100_000, 8 << 20} {
			t.Run(fmt.Sprintf("%d workers in blocks of %d", workers, size), func(t *testing.T) {
				wantSkimmed(t, builtIn(t), log, blocks(size))
			})
		}
	}
}

// TestSkimForgedSites holds that of forgers' logs nearly the same are banned. Single lines may
// be judged in other ways: of what is passed over nothing is known.
func TestSkimForgedSites(t *testing.T) {
	for _, s := range odoosim.All(0.1) {
		if s.Promise != odoosim.Replays || s.Reader != odoosim.Replay() {
			continue
		}
		const ban, nearly, accused = 10, 7, " 192.0.2." // whom the site's forgers accuse
		t.Run(s.Name, func(t *testing.T) {
			log := textOf(s.Config)
			want, _ := replay(builtIn(t), log)
			got, _ := skim(builtIn(t), log, blocks(1<<20))
			fed, skimmed := count(want), count(got)
			for who := range fed {
				if !strings.Contains(who, accused) && fed[who] >= ban && skimmed[who] < nearly {
					t.Errorf("%s failed %d times fed, %d times skimmed", who, fed[who], skimmed[who])
				}
			}
			for who := range skimmed {
				if skimmed[who] >= ban && fed[who] < nearly {
					t.Errorf("%s failed %d times fed, %d times skimmed", who, fed[who], skimmed[who])
				}
			}
		})
	}
}
