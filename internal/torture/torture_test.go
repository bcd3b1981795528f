package torture

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestRotations writes numbered failed logins, fast and slowly, through every kind of rotation, while odooban follows
// undisturbed, and while it is killed at random moments and started again.
func TestRotations(t *testing.T) {
	for _, r := range rotations {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if long() {
				t.Run("undisturbed", func(t *testing.T) { r.torture(t, 0) })
			}
			t.Run("killed", func(t *testing.T) { r.torture(t, wantedKills()) })
		})
	}
}

// rounds is how often at least a log is rotated.
const rounds = 3

// wantedKills is how often odooban is killed in each kind of rotation.
func wantedKills() int {
	if long() {
		return 30
	}
	return 1
}

func (r rotation) torture(t *testing.T, kills int) {
	t.Parallel()
	w := newWriter(t)
	if r.handler != nil {
		w.put = r.handler(w)
	}
	s := newSite(t, w.path, 1)
	w.slow(5)
	s.start()
	w.slow(2 * workers) // so that all are known: one that shows in a single write may be made up
	s.awaitAll(w)
	killed := s.reap(kills)
	before := 0
	for round := 0; round < rounds || !killed(); round++ {
		w.fast(200)
		w.slow(10)
		r.rotate(w, s)
		w.slow(5)
		// A downtime may be longer than a rotation, but not for ever.
		s.awaitFailures(before)
		before = w.next
	}
	s.awaitAll(w)
	w.slow(1)
	s.awaitAll(w)
	s.stop()
	s.wantTruth(w, r.mixed)
}

// reap kills odooban so many times at random moments, and starts it again after a while. The function it gives says
// whether that is done.
func (s *site) reap(kills int) (done func() bool) {
	seed := seed(s.t)
	random := rand.New(rand.NewPCG(seed, uint64(kills)))
	ctx, cancel := context.WithCancel(context.Background())
	var reaping sync.WaitGroup
	ended := make(chan struct{})
	reaping.Go(func() {
		defer close(ended)
		for range kills {
			s.killOnce(ctx, random)
		}
	})
	s.t.Cleanup(func() {
		cancel()
		reaping.Wait()
	})
	return func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}
}

// killOnce lets odooban live for a while, kills it, and starts it again after another while.
func (s *site) killOnce(ctx context.Context, random *rand.Rand) {
	pass := func(longest time.Duration) {
		wait := time.NewTimer(time.Duration(random.Int64N(int64(longest))))
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
	}
	pass(600 * time.Millisecond)
	s.undisturbed(func() {
		if ctx.Err() != nil {
			return
		}
		s.kill()
		s.kills++
		pass(200 * time.Millisecond)
		s.start()
	})
}

// seed is what makes the moments random; ODOOBAN_TEST_SEED repeats them.
func seed(t testing.TB) uint64 {
	seed, err := strconv.ParseUint(os.Getenv("ODOOBAN_TEST_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("ODOOBAN_TEST_SEED=%d", seed)
	return seed
}
