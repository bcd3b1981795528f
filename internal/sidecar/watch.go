package sidecar

import (
	"context"
	"errors"
	"time"
)

const (
	// every is how often the place is looked at, and calm how often while clients
	// come by: to list sockets takes the kernel milliseconds.
	every = time.Second
	calm  = 10 * time.Second
	// patience is for how many looks a blind place is said nothing of: the proxy
	// whose network is shared may not serve its ports yet.
	patience = 5
	// mourning is for how many looks a dead network is stayed in. Docker tries
	// once to start this container again, in vain for good while the one whose
	// network it shares has not been started itself.
	mourning = 10
)

// errGone ends a sidecar whose network has died.
var errGone = errors.New("there is no network here but loopback: the container that this one shares its network with " +
	"has ended; ending, too, to be started again in its new one (restart: unless-stopped; network_mode: none protects " +
	"nobody)")

// Watch looks at the place until ctx ends, and says through tell when no client
// can come by there, and with nil when that is over. When it cannot look it says
// so through warn, and again only after it could. It returns an error when the
// network has been gone for a while, and nil at once where neither can be.
func Watch(
	ctx context.Context, look func() (Place, error), ports []uint16, tell func(blind error), warn func(error),
) error {
	again := time.NewTimer(every)
	defer again.Stop()
	failing := false
	for blind, gone := 0, 0; ; {
		again.Reset(every)
		p, err := look()
		if !p.Alone {
			gone = 0
		}
		switch why := p.Blind(ports); {
		case err != nil:
			if !failing {
				warn(err)
			}
		case !p.Contained || p.Wide:
			return nil
		case p.Alone:
			if gone++; gone == mourning {
				return errGone
			}
		case why != nil:
			if blind++; blind == patience {
				tell(why)
			}
		case blind >= patience:
			tell(nil)
			blind = 0
		default:
			blind = 0
			again.Reset(calm)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}
