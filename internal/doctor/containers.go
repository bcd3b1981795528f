package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"odooban/internal/checkup"
	"odooban/internal/config"
	"odooban/internal/finding"
	"odooban/internal/ini"
)

// dockerSources are the choices of containers in the configuration; without any
// source the containers that look like Odoo.
func dockerSources(c *config.Config) []config.Docker {
	var all []config.Docker
	for _, s := range c.Sources {
		if s.Docker != nil {
			all = append(all, *s.Docker)
		}
	}
	if len(c.Sources) == 0 {
		all = append(all, config.Docker{})
	}
	return all
}

// collectContainers reads the end of the logs of containers.
func (x *facts) collectContainers(ctx context.Context, r *checkup.Report, read func(*source, []byte)) {
	choices := dockerSources(x.Config)
	if len(choices) == 0 {
		return
	}
	if x.Docker == nil {
		if len(x.Config.Sources) > 0 {
			x.logs = append(x.logs, &source{
				name: "docker", err: errors.New("no Docker engine can be reached"),
				cure: "mount /var/run/docker.sock, or set DOCKER_HOST",
			})
		}
		return
	}
	var containers []Container
	err := within(ctx, func(ctx context.Context) (err error) {
		containers, err = x.Docker.Containers(ctx, choices)
		return err
	})
	if err != nil {
		x.dockerFailed(r, err)
		return
	}
	if len(containers) == 0 && len(x.Config.Sources) > 0 {
		x.logs = append(x.logs, &source{
			name: "docker", err: errors.New("no running container is one of those under sources"),
			cure: "look at: docker ps --format '{{.Names}} {{.Image}} {{.Labels}}'; correct the choice under sources",
		})
	}
	for _, c := range containers {
		s := &source{name: about(c)}
		var text []byte
		err := within(ctx, func(ctx context.Context) (err error) {
			text, err = x.Docker.Tail(ctx, c, x.depthLines())
			return err
		})
		if errors.Is(err, errSilent) {
			x.dockerFailed(r, err) // and it would not answer about the others
			return
		}
		x.containers = append(x.containers, c)
		if err != nil {
			s.err, s.cure = err, "give the container the log driver json-file, local or journald, and create it again"
			x.logs = append(x.logs, s)
			continue
		}
		if text, s.written = cutTimes(text); len(text) == 0 {
			s.written = c.Started
		}
		read(s, text)
	}
}

// dockerFailed notes an engine that does not answer. It is no trouble where
// nobody has asked for containers.
func (x *facts) dockerFailed(r *checkup.Report, err error) {
	if len(x.Config.Sources) == 0 {
		r.Skip("containers", err)
		return
	}
	x.logs = append(x.logs, &source{
		name: "docker", err: fmt.Errorf("ask Docker: %w", err),
		cure: "start Docker, or run odooban as root, or as a member of the group docker",
	})
}

func about(c Container) string { return "container " + c.Name }

// cutTimes takes the times that Docker puts before each line away and returns
// the last one.
func cutTimes(text []byte) (bare []byte, last time.Time) {
	for line := range bytes.Lines(text) {
		stamp, rest, ok := bytes.Cut(line, []byte(" "))
		at, err := time.Parse(time.RFC3339Nano, string(stamp))
		if !ok || err != nil {
			bare = append(bare, line...)
			continue
		}
		bare, last = append(bare, rest...), at
	}
	return bare, last
}

// start is how Odoo is started in a container.
type start struct {
	Container
	settings
}

// gatherStarts reads how Odoo is started in its containers.
func gatherStarts(ctx context.Context, x *facts, _ *checkup.Report) error {
	for _, c := range x.containers {
		var s settings
		var text []byte
		path := configPath(c)
		err := within(ctx, func(ctx context.Context) (err error) {
			text, err = x.Docker.Read(ctx, c, path)
			return err
		})
		if err != nil {
			return err
		}
		if text != nil {
			s.read(ini.Parse(text)["options"], path+" of "+about(c))
		}
		s.environment(c.Env, about(c))
		s.arguments(c.Args, about(c))
		x.starts = append(x.starts, start{c, s})
	}
	return nil
}

// checkStarts looks how Odoo is started in its containers.
func checkStarts(x *facts, r *checkup.Report) {
	for _, s := range x.starts {
		name := about(s.Container)
		x.judge(r, &s.settings, name, containerCure(s.Container), s.Started)
		if path := s.logfile.value; strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/dev/") {
			r.Find(finding.LogElsewhere, name, s.logfile.at,
				"take logfile away, so that docker logs has the log, and create the container again; "+
					"or mount the directory and follow the file")
		}
	}
}

// configPath is where Odoo in the container looks for its configuration: where
// its command says, its environment, or where its image has it.
func configPath(c Container) string {
	path := "/etc/odoo/odoo.conf"
	for _, variable := range c.Env {
		if value, ok := strings.CutPrefix(variable, "ODOO_RC="); ok && value != "" {
			path = value
		}
	}
	for i, arg := range c.Args {
		name, value, joined := strings.Cut(arg, "=")
		if !joined && i+1 < len(c.Args) {
			value = c.Args[i+1]
		}
		if name == "-c" || name == "--config" {
			path = value
		}
	}
	return path
}

// containerCure says how failed logins come into a container's log.
func containerCure(c Container) string {
	return fmt.Sprintf("add to the command of %s: --log-handler=odoo.addons.base.models.res_users:INFO "+
		"--log-handler=werkzeug:INFO, and create it again (docker compose up -d)", c.Name)
}
