package sidecar

import (
	"context"
	"errors"
	"time"
)

const (
	// every is how often the place is looked at. While a proxy that was started
	// again waits for its sidecar to follow, no ban is in force for it.
	every = time.Second
	// patience is for how many looks a blind place is said nothing of: the proxy
	// whose network is shared may not serve its ports yet.
	patience = 5
)

// errGone ends a sidecar whose network has died.
var errGone = errors.New("there is no network here but loopback: the container that this one shares its network with has ended; " +
	"ending, too, to be started again in its new one (restart: unless-stopped; network_mode: none protects nobody)")

// Watch looks at the place until ctx ends, and says through tell when no client
// can come by there, and with nil when that is over. It returns an error when
// the network is gone, and nil at once where neither can be.
func Watch(ctx context.Context, look func() (Place, error), ports []uint16, tell func(blind error)) error {
	again := time.NewTicker(every)
	defer again.Stop()
	for blind := 0; ; {
		p, err := look()
		switch {
		case err != nil:
			return err
		case !p.Contained || p.Wide:
			return nil
		case p.Alone:
			return errGone
		}
		switch why := p.Blind(ports); {
		case why != nil:
			if blind++; blind == patience {
				tell(why)
			}
		case blind >= patience:
			tell(nil)
			fallthrough
		default:
			blind = 0
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}
