package service_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/service"
)

// manager keeps what is said to it.
type manager chan string

func (m manager) notify(state string) { m <- state }

// want checks what was said since the last time.
func (m manager) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	var heard []string
	for len(m) > 0 {
		heard = append(heard, <-m)
	}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

const within = 60 * time.Second

// run runs a service in a bubble of its own.
func run(t *testing.T, test func(t *testing.T, s *service.Service, m manager)) {
	synctest.Test(t, func(t *testing.T) {
		m := make(manager, 10)
		s := service.New(within, m.notify)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx, func() string { return "Fine" }) }()
		test(t, s, m)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestReadyWhenAllPartsAre(t *testing.T) {
	run(t, func(t *testing.T, s *service.Service, m manager) {
		var one, two atomic.Uint64
		s.Watch("one", one.Load)
		s.Watch("two", two.Load)
		one.Add(1)
		time.Sleep(time.Hour)
		m.want(t)
		two.Add(1)
		time.Sleep(time.Second)
		m.want(t, "READY=1\nSTATUS=Fine")
	})
}

func TestWatchdog(t *testing.T) {
	run(t, func(t *testing.T, s *service.Service, m manager) {
		var one, two atomic.Uint64
		s.Watch("one", one.Load)
		end := s.Watch("two", two.Load)
		both := func() { one.Add(1); two.Add(1) }
		both()
		time.Sleep(time.Second)
		m.want(t, "READY=1\nSTATUS=Fine")
		both()
		time.Sleep(within / 4)
		m.want(t, "WATCHDOG=1\nSTATUS=Fine")
		one.Add(1)
		time.Sleep(within / 4)
		m.want(t, "STATUS=No sign of life from two")
		two.Add(1) // both have come round since the last beat
		time.Sleep(within / 4)
		m.want(t, "WATCHDOG=1\nSTATUS=Fine")
		time.Sleep(within / 4)
		m.want(t, "STATUS=No sign of life from one, two")
		end()
		one.Add(1)
		time.Sleep(within / 4)
		m.want(t, "WATCHDOG=1\nSTATUS=Fine")
	})
}

func TestPartThatComesLater(t *testing.T) {
	run(t, func(t *testing.T, s *service.Service, m manager) {
		var later atomic.Uint64
		later.Store(7)
		time.Sleep(time.Second)
		m.want(t, "READY=1\nSTATUS=Fine")
		s.Watch("later", later.Load)
		time.Sleep(within / 4)
		m.want(t, "STATUS=No sign of life from later")
	})
}
