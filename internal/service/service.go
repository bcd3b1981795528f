// Package service tells systemd how the daemon is: that it is ready, that it
// reads its configuration again, what it does, and that it lives.
//
// It promises that the watchdog hears nothing from a daemon of which a part
// hangs. It is no timer that speaks for the whole: each part has to have come
// round since the watchdog heard the last time.
package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

const (
	// readyEvery is how often the parts are looked at until all are ready.
	readyEvery = 20 * time.Millisecond
	// beats is how often the watchdog would hear, if all is well, within the
	// time after which it takes the daemon for dead.
	beats = 4
	// statusEvery is how often systemd hears what the daemon does where no
	// watchdog listens.
	statusEvery = 15 * time.Second
)

// Service is the daemon as the service manager sees it. Where there is none,
// nothing is said to anybody.
type Service struct {
	notify func(state string)
	pace   time.Duration

	mu    sync.Mutex
	parts map[*part]struct{}
}

// part is something that has to come round again and again.
type part struct {
	name   string
	rounds func() uint64
	before uint64 // rounds when the watchdog heard the last time
}

// FromEnvironment returns the service that systemd started, as it says in
// NOTIFY_SOCKET and WATCHDOG_USEC. warn takes what could not be told to systemd.
func FromEnvironment(warn func(error)) (*Service, error) {
	within, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("read what systemd's watchdog wants: %w", err)
	}
	return New(within, func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			warn(fmt.Errorf("tell systemd: %w", err))
		}
	}), nil
}

// New returns a Service that speaks with notify, in the words of sd_notify(3).
// within is how long the watchdog waits for a sign of life; zero is for ever.
func New(within time.Duration, notify func(state string)) *Service {
	pace := statusEvery
	if within > 0 {
		pace = within / beats
	}
	return &Service{notify: notify, pace: pace, parts: make(map[*part]struct{})}
}

// Watch lets a part belong to the service until the function that is returned
// is called. rounds says how often it has come round; it must do so several
// times within what the watchdog waits.
func (s *Service) Watch(name string, rounds func() uint64) (end func()) {
	p := &part{name: name, rounds: rounds, before: rounds()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts[p] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.parts, p)
	}
}

// Run says that the service is ready when every part has come round, then lets
// the watchdog hear from it, until ctx ends. describe says to people what the
// service does.
func (s *Service) Run(ctx context.Context, describe func() string) error {
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	state := daemon.SdNotifyReady
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		late := s.late()
		switch {
		case len(late) == 0:
			s.say(state, describe())
			state = daemon.SdNotifyWatchdog
			tick.Reset(s.pace)
		case state == daemon.SdNotifyWatchdog:
			s.notify("STATUS=No sign of life from " + strings.Join(late, ", "))
		}
	}
}

// Reloading says that the configuration is being read again. Run says when that
// is done.
func (s *Service) Reloading() {
	s.say(daemon.SdNotifyReloading, "Reading the configuration again")
}

// Stopping says that the service is about to end.
func (s *Service) Stopping() {
	s.say(daemon.SdNotifyStopping, "Stopping; bans stay in force")
}

func (s *Service) say(state, status string) { s.notify(state + "\nSTATUS=" + status) }

// late names the parts that have not come round since there were none.
func (s *Service) late() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var late []string
	for p := range s.parts {
		if p.rounds() == p.before {
			late = append(late, p.name)
		}
	}
	slices.Sort(late)
	if len(late) > 0 {
		return late
	}
	for p := range s.parts {
		p.before = p.rounds()
	}
	return nil
}
