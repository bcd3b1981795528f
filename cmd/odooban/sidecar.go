package main

import (
	"context"
	"net"
	"strconv"
	"sync"

	"odooban/internal/config"
	"odooban/internal/sidecar"
)

// place is whether clients come by where the firewall is.
type place struct {
	mu    sync.Mutex
	blind error
}

// watch notes and logs it until ctx ends. An error says that the network has
// gone.
func (p *place) watch(ctx context.Context, c *config.Config, log *logbook) error {
	look := func() (sidecar.Place, error) { return sidecar.Look(metricsPort(c)...) }
	return sidecar.Watch(ctx, look, c.Firewall.Ports, func(blind error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.blind = blind
		if blind == nil {
			log.say("clients come by here now: bans take effect")
			return
		}
		log.warn(blind)
	}, log.warn)
}

// metricsPort is the port that odooban itself listens on, if it does.
func metricsPort(c *config.Config) []uint16 {
	_, port, err := net.SplitHostPort(c.Metrics.Listen)
	if err != nil {
		return nil // it serves none, or at a unix socket
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil
	}
	return []uint16{uint16(n)}
}

// trouble says why bans keep nobody away, or nil.
func (p *place) trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.blind
}
