package watcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
)

const (
	// dockerPatience is how long the engine may take to answer.
	dockerPatience = 10 * time.Second
	// dockerRelook is how often containers are looked for without a notice.
	dockerRelook = time.Minute
	// The engine, or a container's log, is asked for again after
	// dockerRetryFirst, then after twice as long each time, up to
	// dockerRetryMost.
	dockerRetryFirst = time.Second
	dockerRetryMost  = 30 * time.Second
)

// Docker is the group of the containers that Containers means, those that
// start later too. A container stays one source for as long as it exists,
// however often it is restarted; what takes its place is another.
type Docker struct {
	pick   Containers
	api    *client.Client
	alarm  Alarm
	before map[string]dockerRecord // by the start of the id
	rounds

	// What follows belongs to the goroutine of Run.
	known   map[string]*dockerContainer // by id
	looked  time.Time                   // when containers were last looked for
	due     bool                        // they are to be looked for soon
	steady  bool                        // the engine tells of events
	told    bool                        // somebody knows whether there are any
	trouble trouble
}

// NewDocker makes the group of the containers that pick means, of the engine
// that DOCKER_HOST and the other variables of Docker's own programs name.
// alarm is told about troubles with the engine and with every container; it
// may be called from several goroutines.
func NewDocker(pick Containers, alarm Alarm) (*Docker, error) {
	api, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fmt.Errorf("set up Docker: %w; correct DOCKER_HOST", err)
	}
	return newDocker(pick, api, alarm), nil
}

func newDocker(pick Containers, api *client.Client, alarm Alarm) *Docker {
	d := &Docker{pick: pick, api: api, alarm: alarm, known: make(map[string]*dockerContainer)}
	d.trouble = trouble{source: d.Name(), alarm: alarm}
	return d
}

// Name is what is looked for, behind "docker".
func (d *Docker) Name() string { return strings.TrimSuffix(dockerPrefix+d.pick.String(), ":") }

// Find asks the engine which containers are meant and run now.
func (d *Docker) Find(ctx context.Context) ([]string, error) {
	defer d.letGo()
	found, err := d.list(ctx)
	if err != nil {
		return nil, explainDocker(d.api.DaemonHost(), err)
	}
	var names []string
	for _, s := range found {
		if s.State == container.StateRunning {
			names = append(names, calls(s.Names))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Run starts a source for every container that runs, or that was followed
// before and still exists.
func (d *Docker) Run(ctx context.Context, start func(Source) bool) error {
	defer d.letGo()
	wait := dockerRetryFirst
	for {
		d.steady = false
		if err := d.listen(ctx, start); ctx.Err() == nil {
			d.trouble.lasts(fmt.Errorf("%w; it is asked again until it answers", explainDocker(d.api.DaemonHost(), err)))
		}
		if d.steady {
			wait = dockerRetryFirst
		}
		if !d.pauseFor(ctx, wait, nil) {
			return nil
		}
		wait = min(2*wait, dockerRetryMost)
	}
}

// listen looks for containers until the engine ends its events, or cannot be
// asked. It subscribes first, so that none is missed; what an event says is
// only a reason to look.
func (d *Docker) listen(ctx context.Context, start func(Source) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var notices client.EventsResult
	d.during(func() { notices = d.api.Events(ctx, wanted()) }, cancel)
	if err := d.look(ctx, start); err != nil {
		return err
	}
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		d.turn()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-notices.Err:
			return err
		case m := <-notices.Messages:
			d.notice(m)
			if since := time.Since(d.looked); !d.due || since < time.Second {
				continue
			}
		case <-tick.C:
			d.steady = true
			d.recovered()
			if !d.due && time.Since(d.looked) < dockerRelook {
				continue
			}
		}
		if err := d.look(ctx, start); err != nil {
			return err
		}
	}
}

// wanted are the events that are told, with those of the last seconds: the
// engine says that it listens a moment before it does.
func wanted() client.EventsListOptions {
	return client.EventsListOptions{
		Since: strconv.FormatInt(time.Now().Add(-dockerPatience).Unix(), 10),
		Filters: make(client.Filters).Add("type", string(events.ContainerEventType)).
			Add("event", string(events.ActionStart), string(events.ActionDestroy)),
	}
}

// notice takes an event.
func (d *Docker) notice(m events.Message) {
	switch c, known := d.known[m.Actor.ID]; {
	case !known:
		d.due = d.due || m.Action == events.ActionStart
	default:
		c.stir()
		if m.Action == events.ActionDestroy {
			delete(d.known, m.Actor.ID)
		}
	}
}

// look starts what is new, and lets those that run look at their logs.
func (d *Docker) look(ctx context.Context, start func(Source) bool) error {
	found, err := d.list(ctx)
	if err != nil {
		return err
	}
	d.looked, d.due = time.Now(), false
	exists := make(map[string]bool)
	for _, s := range found {
		exists[s.ID] = true
		c, known := d.known[s.ID]
		if !known {
			if c = d.container(s); c == nil {
				continue
			}
			d.known[s.ID] = c
			start(c)
		}
		if s.State == container.StateRunning {
			c.stir()
		}
	}
	for id, c := range d.known {
		if !exists[id] {
			c.stir()
			delete(d.known, id)
		}
	}
	if len(d.known) == 0 && !d.told {
		d.trouble.lasts(d.nothing())
	}
	d.told = true
	return nil
}

// container makes the source of a container that is new, if it is to be read:
// one that has stopped has nothing to say, unless it had before.
func (d *Docker) container(s container.Summary) *dockerContainer {
	c := newDockerContainer(d, s)
	before := d.before[short(s.ID)]
	c.name = cmp.Or(before.name, c.name)
	position := before.position
	if len(position) == 0 && (s.State == container.StateExited || s.State == container.StateCreated) {
		return nil
	}
	if err := c.Resume(position); err != nil {
		d.alarm(c.Name(), &LossError{err})
	}
	return c
}

// list gives the containers that are meant, but for our own.
func (d *Docker) list(ctx context.Context) ([]container.Summary, error) {
	var all client.ContainerListResult
	err := d.ask(ctx, func(ctx context.Context) (err error) {
		all, err = d.api.ContainerList(ctx, client.ContainerListOptions{All: true})
		for i := range all.Items {
			err = errors.Join(err, d.rename(ctx, &all.Items[i]))
		}
		return err
	})
	host, _ := os.Hostname()
	return slices.DeleteFunc(all.Items, func(s container.Summary) bool {
		own := len(host) == len(short(s.ID)) && host == short(s.ID)
		return own || !d.pick.Match(s)
	}), err
}

// rename gives a container back the name of its image. The list names it by a
// number once the name has gone over to a newer image.
func (d *Docker) rename(ctx context.Context, s *container.Summary) error {
	if !strings.HasPrefix(s.Image, "sha256:") {
		return nil
	}
	inspected, err := d.api.ContainerInspect(ctx, s.ID, client.ContainerInspectOptions{})
	if err == nil && inspected.Container.Config != nil {
		s.Image = inspected.Container.Config.Image
	}
	return ctx.Err() // one that has gone meanwhile is no trouble
}

// nothing says that there is no container yet.
func (d *Docker) nothing() error {
	if d.pick == (Containers{}) {
		return errors.New("find containers: none that runs looks like Odoo by its image, or its service in Docker Compose; " +
			"each is read as soon as it does (or name it: sources: [docker: {name: ...}])")
	}
	return fmt.Errorf("find containers: none that runs has %s; each is read as soon as it does "+
		"(docker ps says what they are)", d.pick)
}

// letGo keeps no connection to the engine that is not in use.
func (d *Docker) letGo() { _ = d.api.Close() }

// recovered ends the trouble with the engine. Then it may be that there is no
// container.
func (d *Docker) recovered() {
	if len(d.known) == 0 && d.trouble.told != "" {
		d.trouble.lasts(d.nothing())
		return
	}
	d.trouble.over()
}

// short is how people write an id.
func short(id string) string { return id[:min(len(id), 12)] }
