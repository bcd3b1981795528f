package doctor

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"odooban/internal/config"
	"odooban/watcher/docker"
)

// Docker is a Docker engine.
type Docker interface {
	// Containers returns the running containers that one of the choices takes.
	Containers(ctx context.Context, choices []config.Docker) ([]Container, error)
	// Tail returns the last lines of a container, each behind its time in
	// RFC 3339 and a blank.
	Tail(ctx context.Context, c Container, lines int) ([]byte, error)
	// Read returns a small file of a container, or nil where there is none. The
	// error is that the engine has not answered until ctx ended.
	Read(ctx context.Context, c Container, path string) ([]byte, error)
}

// Container is a running container, as far as it matters for its log.
type Container struct {
	ID, Name string
	// Args are the program and its arguments, Env its variables.
	Args, Env []string
	Started   time.Time
	terminal  bool
}

// maxContainers is how many containers are looked at.
const maxContainers = 50

// Engine is the Docker engine that a client speaks to.
type Engine struct{ Client *client.Client }

// Containers returns the running containers that one of the choices takes.
func (e Engine) Containers(ctx context.Context, choices []config.Docker) ([]Container, error) {
	listed, err := e.Client.ContainerList(ctx, client.ContainerListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	var all []Container
	for _, s := range listed.Items {
		if len(all) >= maxContainers || !chosen(s, choices) {
			continue
		}
		c, err := e.inspect(ctx, s.ID)
		if err != nil {
			return all, err
		}
		all = append(all, c)
	}
	return all, nil
}

// chosen reports whether one of the choices takes a container.
func chosen(s container.Summary, choices []config.Docker) bool {
	return slices.ContainsFunc(choices, func(c config.Docker) bool { return docker.Containers(c).Match(s) })
}

func (e Engine) inspect(ctx context.Context, id string) (Container, error) {
	found, err := e.Client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return Container{}, fmt.Errorf("inspect container %s: %w", id, err)
	}
	i := found.Container
	c := Container{ID: i.ID, Name: strings.TrimPrefix(i.Name, "/"), Args: append([]string{i.Path}, i.Args...)}
	if i.Config != nil {
		c.Env, c.terminal = i.Config.Env, i.Config.Tty
	}
	if i.State != nil {
		c.Started, _ = time.Parse(time.RFC3339Nano, i.State.StartedAt)
	}
	return c, nil
}

// Read returns a small file of a container, or nil.
func (e Engine) Read(ctx context.Context, c Container, path string) ([]byte, error) {
	const most = 1 << 20
	copied, err := e.Client.CopyFromContainer(ctx, c.ID, client.CopyFromContainerOptions{SourcePath: path})
	if err != nil {
		return nil, ctx.Err()
	}
	defer copied.Content.Close()
	archive := tar.NewReader(copied.Content)
	header, err := archive.Next()
	if err != nil || header.Typeflag != tar.TypeReg {
		return nil, ctx.Err()
	}
	text, err := io.ReadAll(io.LimitReader(archive, most))
	if err != nil {
		return nil, ctx.Err()
	}
	return text, nil
}

// Tail returns the last lines of a container, each behind its time.
func (e Engine) Tail(ctx context.Context, c Container, lines int) ([]byte, error) {
	logs, err := e.Client.ContainerLogs(ctx, c.ID, client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Timestamps: true, Tail: strconv.Itoa(lines),
	})
	if err != nil {
		return nil, fmt.Errorf("read log of container %s: %w", c.Name, err)
	}
	defer logs.Close()
	kept := &ending{}
	if c.terminal {
		_, err = io.Copy(kept, logs)
	} else {
		_, err = stdcopy.StdCopy(kept, kept, logs)
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read log of container %s: %w", c.Name, err)
	}
	return kept.text(), nil
}

// ending keeps the last tailBytes of what is written to it.
type ending struct{ kept []byte }

func (e *ending) Write(b []byte) (int, error) {
	e.kept = append(e.kept, b...)
	if len(e.kept) > 2*tailBytes {
		e.kept = append(e.kept[:0], e.kept[len(e.kept)-tailBytes:]...)
	}
	return len(b), nil
}

// text is what was kept, from the start of a line on.
func (e *ending) text() []byte {
	if over := len(e.kept) - tailBytes; over > 0 {
		_, rest, _ := bytes.Cut(e.kept[over:], []byte("\n"))
		return rest
	}
	return e.kept
}
