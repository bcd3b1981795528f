package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
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

// freeEvery is how often bans that could not be ended are tried again.
const freeEvery = 10 * time.Second

// spareOwn keeps up to date which networks are ours, and so never banned, until
// ctx ends: those of containers come and go. Bans that reach into them end.
func (d *daemon) spareOwn(ctx context.Context, c *config.Config, p *pipeline) error {
	more := make(chan struct{}, 1)
	more <- struct{}{} // bans of before
	var freeing sync.WaitGroup
	freeing.Go(func() {
		freeWhenever(ctx, more, func() error { return d.free(ctx, p) }, d.sparing)
	})
	defer freeing.Wait()
	own.Watch(ctx, func(prefixes []own.Prefix, err error) {
		grown := false
		if err == nil {
			grown, err = p.jail.Leave(neverBanned(c, asIgnored(prefixes)))
		}
		if grown {
			select {
			case more <- struct{}{}:
			default:
			}
		}
		if err != nil && ctx.Err() == nil {
			d.sparing(err)
		}
	})
	return nil
}

// sparing warns of what keeps us from sparing our own networks.
func (d *daemon) sparing(err error) {
	d.log.warn(fmt.Errorf("spare own networks: %w; add them under ignore", err))
}

// freeWhenever frees whenever more is never banned, until it has succeeded or ctx
// ends. It warns once of what fails again and again.
func freeWhenever(ctx context.Context, more <-chan struct{}, free func() error, warn func(error)) {
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-more:
		case <-again:
		}
		err := free()
		if err != nil && again == nil && ctx.Err() == nil {
			warn(err)
		}
		if again = nil; err != nil {
			again = time.After(freeEvery)
		}
	}
}

// free ends the bans of what is never banned, which were made before that was
// known.
func (d *daemon) free(ctx context.Context, p *pipeline) error {
	bans, err := d.firewall.List(ctx)
	if err != nil {
		return err
	}
	var prefixes []netip.Prefix
	var ended []string
	for _, b := range bans {
		if network, why, ok := p.jail.IgnoredIn(b.Prefix); ok {
			prefixes = append(prefixes, b.Prefix)
			ended = append(ended, fmt.Sprintf("the ban of %s ends: %s is never banned (%s)", b.Prefix, network, why))
		}
	}
	if len(prefixes) == 0 {
		return nil
	}
	if err := p.engine.Lift(ctx, d.firewall, prefixes, time.Now()); err != nil {
		return err
	}
	for _, text := range ended {
		d.log.say(text)
	}
	return nil
}
