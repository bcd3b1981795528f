// Package docker follows the logs of containers, as their engine keeps them.
package docker

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

	"odooban/internal/backoff"
	"odooban/watcher"
)

const (
	// patience is how long the engine may take to answer.
	patience = 10 * time.Second
	// relookEvery is how often containers are looked for without a notice.
	relookEvery = time.Minute
)

// Group is the group of the containers that Containers means, those that
// start later too. A container stays one source for as long as it exists,
// however often it is restarted; what takes its place is another.
type Group struct {
	pick   Containers
	api    *client.Client
	alarm  watcher.Alarm
	before map[string]record // by the start of the id
	watcher.Heartbeat

	// What follows belongs to the goroutine of Run.
	known   map[string]*containerLog // by id
	looked  time.Time                // when containers were last looked for
	due     bool                     // they are to be looked for soon
	steady  bool                     // the engine tells of events
	told    bool                     // somebody knows whether there are any
	trouble watcher.Trouble
}

// New makes the group of the containers that pick means, of the engine
// that DOCKER_HOST and the other variables of Docker's own programs name.
// alarm is told about troubles with the engine and with every container; it
// may be called from several goroutines.
func New(pick Containers, alarm watcher.Alarm) (*Group, error) {
	api, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fmt.Errorf("set up Docker: %w; correct DOCKER_HOST", err)
	}
	return newGroup(pick, api, alarm), nil
}

func newGroup(pick Containers, api *client.Client, alarm watcher.Alarm) *Group {
	d := &Group{pick: pick, api: api, alarm: alarm, known: make(map[string]*containerLog)}
	d.trouble = watcher.NewTrouble(d.Name(), alarm)
	return d
}

// Name is what is looked for, behind "docker".
func (d *Group) Name() string { return strings.TrimSuffix(prefix+d.pick.String(), ":") }

// Find asks the engine which containers are meant and run now.
func (d *Group) Find(ctx context.Context) ([]string, error) {
	defer d.letGo()
	found, err := d.list(ctx)
	if err != nil {
		return nil, explain(d.api.DaemonHost(), err)
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
func (d *Group) Run(ctx context.Context, start func(watcher.Source) bool) error {
	defer d.letGo()
	var retry backoff.Backoff
	for {
		d.steady = false
		if err := d.listen(ctx, start); ctx.Err() == nil {
			d.trouble.Lasts(fmt.Errorf("%w; it is asked again until it answers", explain(d.api.DaemonHost(), err)))
		}
		if d.steady {
			retry.Reset()
		}
		if !d.PauseFor(ctx, retry.Next(), nil) {
			return nil
		}
	}
}

// listen looks for containers until the engine ends its events, or cannot be
// asked. It subscribes first, so that none is missed; what an event says is
// only a reason to look.
func (d *Group) listen(ctx context.Context, start func(watcher.Source) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var notices client.EventsResult
	during(&d.Heartbeat, func() { notices = d.api.Events(ctx, wanted()) }, cancel)
	if err := d.look(ctx, start); err != nil {
		return err
	}
	tick := time.NewTicker(watcher.RoundEvery)
	defer tick.Stop()
	for {
		d.Turn()
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
			if !d.due && time.Since(d.looked) < relookEvery {
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
		Since: strconv.FormatInt(time.Now().Add(-patience).Unix(), 10),
		Filters: make(client.Filters).Add("type", string(events.ContainerEventType)).
			Add("event", string(events.ActionStart), string(events.ActionDestroy)),
	}
}

// notice takes an event.
func (d *Group) notice(m events.Message) {
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
func (d *Group) look(ctx context.Context, start func(watcher.Source) bool) error {
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
		d.trouble.Lasts(d.nothing())
	}
	d.told = true
	return nil
}

// container makes the source of a container that is new, if it is to be read:
// one that has stopped has nothing to say, unless it had before.
func (d *Group) container(s container.Summary) *containerLog {
	c := newContainerLog(d, s)
	before := d.before[short(s.ID)]
	c.name = cmp.Or(before.name, c.name)
	position := before.position
	if len(position) == 0 && (s.State == container.StateExited || s.State == container.StateCreated) {
		return nil
	}
	if err := c.Resume(position); err != nil {
		d.alarm(c.Name(), &watcher.LossError{Err: err})
	}
	return c
}

// list gives the containers that are meant, but for our own.
func (d *Group) list(ctx context.Context) ([]container.Summary, error) {
	var all client.ContainerListResult
	err := ask(ctx, &d.Heartbeat, func(ctx context.Context) (err error) {
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
func (d *Group) rename(ctx context.Context, s *container.Summary) error {
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
func (d *Group) nothing() error {
	if d.pick == (Containers{}) {
		return errors.New("find containers: none that runs looks like Odoo by its image, or its service in Docker Compose; " +
			"each is read as soon as it does (or name it: sources: [docker: {name: ...}])")
	}
	return fmt.Errorf("find containers: none that runs has %s; each is read as soon as it does "+
		"(docker ps says what they are)", d.pick)
}

// letGo keeps no connection to the engine that is not in use.
func (d *Group) letGo() { _ = d.api.Close() }

// recovered ends the trouble with the engine. Then it may be that there is no
// container.
func (d *Group) recovered() {
	if len(d.known) == 0 && d.trouble.Stands() {
		d.trouble.Lasts(d.nothing())
		return
	}
	d.trouble.Over()
}

// short is how people write an id.
func short(id string) string { return id[:min(len(id), 12)] }
