package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"odooban/internal/config"
	"odooban/internal/jail"
	"odooban/internal/own"
)

// asIgnored says of our own networks that they are never banned.
func asIgnored(prefixes []own.Prefix) []jail.Ignored {
	ignored := make([]jail.Ignored, len(prefixes))
	for i, p := range prefixes {
		ignored[i] = jail.Ignored{Prefix: p.Prefix, Why: p.Why}
	}
	return ignored
}

// spareOwn keeps up to date which networks are ours, and so never banned, until
// ctx ends: those of containers come and go. Bans that reach into them end.
func (d *daemon) spareOwn(ctx context.Context, c *config.Config, p *pipeline) error {
	first := true
	own.Watch(ctx, func(prefixes []own.Prefix, err error) {
		more := false
		if err == nil {
			more, err = p.jail.Leave(neverBanned(c, asIgnored(prefixes)))
		}
		if err == nil && (more || first) {
			first = false
			err = d.free(ctx, p)
		}
		if err != nil && ctx.Err() == nil {
			d.log.warn(fmt.Errorf("spare own networks: %w; add them under ignore", err))
		}
	})
	return nil
}

// free ends the bans of what is never banned, which were made before that was
// known.
func (d *daemon) free(ctx context.Context, p *pipeline) error {
	bans, err := d.firewall.List(ctx)
	if err != nil {
		return err
	}
	var prefixes []netip.Prefix
	for _, b := range bans {
		if network, why, ok := p.jail.IgnoredIn(b.Prefix); ok {
			d.log.say(fmt.Sprintf("the ban of %s ends: %s is never banned (%s)", b.Prefix, network, why))
			prefixes = append(prefixes, b.Prefix)
		}
	}
	if len(prefixes) == 0 {
		return nil
	}
	return p.engine.Lift(ctx, d.firewall, prefixes, time.Now())
}
