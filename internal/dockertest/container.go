package dockertest

import (
	"context"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Spec says what container to run. What it does not name can be set in Host.
type Spec struct {
	Name, Image string
	Cmd         []string
	Env         []string
	Labels      map[string]string
	// Terminal gives the container a terminal ("tty: true" in compose).
	Terminal bool
	// Host is what else there is to say: networks, mounts, privileges, log
	// driver, restart policy.
	Host container.HostConfig
}

// Container is a container. It can be stopped, but still exists, until Remove.
type Container struct {
	ID     string
	engine *Engine
}

// Run creates a container and starts it.
func (e *Engine) Run(t testing.TB, s Spec) *Container {
	t.Helper()
	c := e.Create(t, s)
	c.Start(t)
	return c
}

// Create creates a container and does not start it. The network is "none"
// unless s or the engine says otherwise.
func (e *Engine) Create(t testing.TB, s Spec) *Container {
	t.Helper()
	made := must(t, "create "+s.Name, func(ctx context.Context) (client.ContainerCreateResult, error) {
		return e.Client.ContainerCreate(ctx, client.ContainerCreateOptions{
			Name: s.Name,
			Config: &container.Config{
				Image: s.Image, Cmd: s.Cmd, Env: s.Env, Labels: s.Labels, Tty: s.Terminal,
			},
			HostConfig: &s.Host,
		})
	})
	return &Container{ID: made.ID, engine: e}
}

// Start starts a container that was created or has stopped.
func (c *Container) Start(t testing.TB) {
	t.Helper()
	must(t, "start container", func(ctx context.Context) (client.ContainerStartResult, error) {
		return c.engine.Client.ContainerStart(ctx, c.ID, client.ContainerStartOptions{})
	})
}

// Stop asks the program to end, and waits until it has.
func (c *Container) Stop(t testing.TB) {
	t.Helper()
	must(t, "stop container", func(ctx context.Context) (client.ContainerStopResult, error) {
		return c.engine.Client.ContainerStop(ctx, c.ID, client.ContainerStopOptions{})
	})
}

// Restart stops and starts a container.
func (c *Container) Restart(t testing.TB) {
	t.Helper()
	must(t, "restart container", func(ctx context.Context) (client.ContainerRestartResult, error) {
		return c.engine.Client.ContainerRestart(ctx, c.ID, client.ContainerRestartOptions{})
	})
}

// Kill ends the program at once, and waits until it has ended.
func (c *Container) Kill(t testing.TB) {
	t.Helper()
	must(t, "kill container", func(ctx context.Context) (client.ContainerKillResult, error) {
		return c.engine.Client.ContainerKill(ctx, c.ID, client.ContainerKillOptions{})
	})
	c.Wait(t)
}

// Wait waits until the program has ended and returns its exit code.
func (c *Container) Wait(t testing.TB) int {
	t.Helper()
	return must(t, "wait for container", func(ctx context.Context) (int, error) {
		wait := c.engine.Client.ContainerWait(ctx, c.ID, client.ContainerWaitOptions{})
		select {
		case err := <-wait.Error:
			return 0, err
		case ended := <-wait.Result:
			return int(ended.StatusCode), nil
		}
	})
}

// Remove removes a container, running or not, with its log.
func (c *Container) Remove(t testing.TB) {
	t.Helper()
	must(t, "remove container", func(ctx context.Context) (client.ContainerRemoveResult, error) {
		return c.engine.Client.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	})
}
