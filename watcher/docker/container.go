package docker

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"

	"odooban/internal/backoff"
	"odooban/watcher"
)

// containerLog is one container, from its first line on until it is
// removed. A line was seen when the engine took it.
type containerLog struct {
	group    *Group
	id, name string
	resume   *position
	// awake holds one notice that the container has started, or is gone.
	awake chan struct{}
	watcher.Heartbeat
}

// prefix begins the names of containers.
const prefix = "docker:"

func newContainerLog(group *Group, s container.Summary) *containerLog {
	return &containerLog{
		group: group, id: s.ID, name: fmt.Sprintf("%s%s/%s", prefix, calls(s.Names), short(s.ID)),
		awake: make(chan struct{}, 1),
	}
}

// Name is what the container was called when it was first seen, and the start of
// its id, behind "docker:".
func (c *containerLog) Name() string { return c.name }

// Resume lets Follow go on at position, as File.Resume does.
func (c *containerLog) Resume(position []byte) error {
	if len(position) == 0 {
		return nil
	}
	p, err := parsePosition(position, short(c.id))
	if err != nil {
		return fmt.Errorf("resume %s: %w", c.name, err)
	}
	c.resume = &p
	return nil
}

// stir says that there may be something to read.
func (c *containerLog) stir() {
	select {
	case c.awake <- struct{}{}:
	default:
	}
}

// Follow hands on the container's log, then what is written to it, until ctx
// ends or the container was removed. Only sink can make it fail: whatever
// happens to the engine is reported, and tried again.
func (c *containerLog) Follow(ctx context.Context, sink watcher.Sink) error {
	f := newFollower(c, sink)
	var retry backoff.Backoff
	for {
		before := f.out.Count()
		err := f.watch(ctx)
		switch {
		case f.out.Refused() != nil:
			return f.out.Refused()
		case errdefs.IsNotFound(err):
			return f.settle()
		case err != nil && ctx.Err() == nil:
			f.failed(err)
		}
		if f.out.Count() > before {
			retry.Reset()
		}
		if !f.PauseFor(ctx, f.rest(retry.Next()), c.awake) {
			return nil
		}
	}
}
