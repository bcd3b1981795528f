package main

import (
	"context"
	"sync"

	"odooban/internal/sidecar"
)

// place is whether clients come by where the firewall is.
type place struct {
	mu    sync.Mutex
	blind error
}

// watch notes and logs it until ctx ends. An error says that the network has
// gone.
func (p *place) watch(ctx context.Context, ports []uint16, log *logbook) error {
	return sidecar.Watch(ctx, sidecar.Look, ports, func(blind error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.blind = blind
		if blind == nil {
			log.say("clients come by here now: bans take effect")
			return
		}
		log.warn(blind)
	})
}

// trouble says why bans keep nobody away, or nil.
func (p *place) trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.blind
}
