package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"odooban/internal/finding"
)

// collectContainers reads the end of the logs of containers.
func (x *examination) collectContainers(ctx context.Context, read func(*source, []byte)) {
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
	var err error
	if x.containers, err = x.Docker.Containers(ctx, choices); err != nil {
		x.dockerFailed(err)
		return
	}
	if len(x.containers) == 0 && len(x.Config.Sources) > 0 {
		x.logs = append(x.logs, &source{
			name: "docker", err: errors.New("no running container is one of those under sources"),
			cure: "look at: docker ps --format '{{.Names}} {{.Image}} {{.Labels}}'; correct the choice under sources",
		})
	}
	for _, c := range x.containers {
		s := &source{name: about(c)}
		text, err := x.Docker.Tail(ctx, c, x.depthLines())
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

// dockerFailed notes an engine that does not answer. Where nobody has asked for
// containers there may be none.
func (x *examination) dockerFailed(err error) {
	if len(x.Config.Sources) == 0 {
		return
	}
	x.logs = append(x.logs, &source{
		name: "docker", err: err, cure: "start Docker, or run odooban as root, or as a member of the group docker",
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

// checkContainers looks how Odoo is started in its containers.
func checkContainers(_ context.Context, x *examination) error {
	for _, c := range x.containers {
		var s settings
		if c.Config != nil {
			s.read(parseINI(c.Config)["options"], c.ConfigPath+" of "+about(c))
		}
		s.environment(c.Env, about(c))
		s.arguments(c.Args, about(c))
		x.judge(&s, about(c), containerCure(c), c.Started)
		if path := s.logfile.value; strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/dev/") {
			x.find(finding.LogElsewhere, about(c), s.logfile.at,
				"take logfile away, so that docker logs has the log, and create the container again; "+
					"or mount the directory and follow the file")
		}
	}
	return nil
}

// containerCure says how failed logins come into a container's log.
func containerCure(c Container) string {
	return fmt.Sprintf("add to the command of %s: --log-handler=odoo.addons.base.models.res_users:INFO "+
		"--log-handler=werkzeug:INFO, and create it again (docker compose up -d)", c.Name)
}
