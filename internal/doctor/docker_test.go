package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"odooban/internal/await"
	"odooban/internal/config"
	"odooban/internal/dockertest"
	"odooban/internal/finding"
)

// dock is a host with containers of a real engine, and no other logs.
type dock struct {
	*host
	engine  *dockertest.Engine
	running []*dockertest.Container
}

func newDock(t *testing.T, engine *dockertest.Engine, sources ...config.Docker) *dock {
	d := &dock{host: newHost(t), engine: engine}
	d.Docker, d.Files, d.Config.Sources = Engine{engine.Client}, nil, nil
	for _, s := range sources {
		d.Config.Sources = append(d.Config.Sources, config.Source{Docker: &s})
	}
	t.Cleanup(d.sweep)
	return d
}

// run lets a container write a log and waits until the engine has it.
func (d *dock) run(s dockertest.Spec, log string) {
	d.t.Helper()
	w := d.engine.Write(d.t, s)
	d.running = append(d.running, w.Container)
	d.say(w, s.Name, log)
}

// sweep removes all containers: the others are not to see them.
func (d *dock) sweep() {
	for _, c := range d.running {
		c.Remove(d.t)
	}
	d.running = nil
}

// say lets a container write, and waits until that can be read.
func (d *dock) say(w *dockertest.Writer, name, log string) {
	d.t.Helper()
	if _, err := w.Out.WriteString(log); err != nil {
		d.t.Fatal(err)
	}
	await.Until(d.t, "the log of "+name, func() bool {
		text, err := d.Docker.Tail(d.t.Context(), Container{ID: w.ID, Name: name}, 10_000)
		return err == nil && bytes.Count(text, []byte("\n")) >= strings.Count(log, "\n")
	})
}

// Containers of a real engine are looked at as they were started: their
// environment, their command, their configuration and their log.
func TestContainers(t *testing.T) {
	engine := dockertest.Start(t, dockertest.Options{})
	quiet := func(h *host) string { return strings.Repeat(record(h.ago(1), "WARNING", "odoo.http", "x"), 2) }
	conf := func(t *testing.T, text string) container.HostConfig {
		path := filepath.Join(t.TempDir(), "odoo.conf")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return container.HostConfig{Binds: []string{path + ":/srv/erp.conf:ro"}}
	}
	tests := []struct {
		name          string
		code          string
		broken, cured func(t *testing.T) dockertest.Spec
		log           func(h *host) string
		seen          string
	}{
		{
			"a level in the environment", finding.LevelHides,
			func(*testing.T) dockertest.Spec { return dockertest.Spec{Env: []string{"LOG_LEVEL=warn"}} },
			func(*testing.T) dockertest.Spec { return dockertest.Spec{Env: []string{"LOG_LEVEL=info"}} },
			quiet, "LOG_LEVEL=warn in the environment of container odoo-1",
		},
		{
			"a level in the mounted configuration", finding.LevelHides,
			func(t *testing.T) dockertest.Spec {
				return dockertest.Spec{Env: []string{"ODOO_RC=/srv/erp.conf"}, Host: conf(t, "[options]\nlog_level = error\n")}
			},
			func(t *testing.T) dockertest.Spec {
				return dockertest.Spec{
					Env:  []string{"ODOO_RC=/srv/erp.conf"},
					Host: conf(t, "[options]\nlog_level = error\n"+finding.LogHandler+"\n"),
				}
			},
			quiet, "log_level = error in /srv/erp.conf of container odoo-1",
		},
		{
			"a proxy in front", finding.ProxyMode,
			func(*testing.T) dockertest.Spec { return dockertest.Spec{} }, nil,
			func(h *host) string {
				return strings.Repeat(visit(h.ago(2), "172.17.0.1"), 20) + attempt(h.ago(2), "172.17.0.1") + attempt(h.ago(1), "172.17.0.1")
			},
			"172.17.0.1 made 22 of 22 requests",
		},
		{
			"local time", finding.TimeZone,
			func(*testing.T) dockertest.Spec { return dockertest.Spec{} }, nil,
			func(h *host) string { return visit(h.Now().Add(time.Hour), "203.0.113.1") }, "1h0m0s off",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDock(t, engine, config.Docker{})
			spec := tt.broken(t)
			spec.Name, spec.Image = "odoo-1", "odoo:19"
			d.run(spec, tt.log(d.host))
			found := d.examine(tt.code)
			if len(found) != 1 || found[0].About != "container odoo-1" || !strings.Contains(found[0].Evidence, tt.seen) {
				t.Fatalf("found %+v", found)
			}
			d.sweep()
			log := d.busyLog()
			spec = dockertest.Spec{}
			if tt.cured != nil {
				spec, log = tt.cured(t), tt.log(d.host)
			}
			spec.Name, spec.Image = "odoo-2", "odoo:19"
			d.run(spec, log)
			if found := d.examine(tt.code); len(found) > 0 {
				t.Errorf("found after the cure: %+v", found)
			}
		})
	}
	t.Run("a level in the command", func(t *testing.T) { testCommand(t, engine) })
	t.Run("a log driver that cannot be read", func(t *testing.T) { testLogDriver(t, engine) })
	t.Run("no such container", func(t *testing.T) { testNoContainer(t, engine) })
	t.Run("an engine that is gone", func(t *testing.T) { testNoEngine(t, engine) })
}

// testCommand looks at the level that a container's command has.
func testCommand(t *testing.T, engine *dockertest.Engine) {
	d := newDock(t, engine)
	d.run(dockertest.Spec{Name: "seed", Image: "acme/odoo:18"}, "") // makes the image
	d.sweep()
	for _, level := range []string{"warn", "info"} {
		in := t.TempDir()
		if err := errors.Join(syscall.Mkfifo(filepath.Join(in, "out"), 0o600), syscall.Mkfifo(filepath.Join(in, "err"), 0o600)); err != nil {
			t.Fatal(err)
		}
		d.running = append(d.running, engine.Run(t, dockertest.Spec{
			Name: "odoo-" + level, Image: "acme/odoo:18", Cmd: []string{"/writer", "--log-level=" + level},
			Host: container.HostConfig{Binds: []string{in + ":/in"}},
		}))
	}
	found := d.examine(finding.LevelHides)
	if len(found) != 1 || found[0].About != "container odoo-warn" ||
		!strings.Contains(found[0].Evidence, "--log-level warn in the command of") ||
		!strings.Contains(found[0].Cure, "--log-handler=odoo.addons.base.models.res_users:INFO") {
		t.Errorf("found %+v", found)
	}
}

// testLogDriver looks at a container whose log is nowhere.
func testLogDriver(t *testing.T, engine *dockertest.Engine) {
	d := newDock(t, engine, config.Docker{Service: "erp"})
	labels := map[string]string{"com.docker.compose.service": "erp"}
	none := engine.Write(t, dockertest.Spec{
		Name: "erp-1", Image: "odoo:19", Labels: labels,
		Host: container.HostConfig{LogConfig: container.LogConfig{Type: "none"}},
	})
	found := d.examine(finding.SourceTrouble)
	if len(found) != 1 || found[0].About != "container erp-1" || !strings.Contains(found[0].Cure, "json-file") {
		t.Errorf("found %+v", found)
	}
	none.Remove(t)
	d.run(dockertest.Spec{Name: "erp-2", Image: "odoo:19", Labels: labels}, d.busyLog())
	if found := d.examine(finding.SourceTrouble); len(found) > 0 {
		t.Errorf("found after the cure: %+v", found)
	}
}

// testNoContainer looks for a container that there is not.
func testNoContainer(t *testing.T, engine *dockertest.Engine) {
	d := newDock(t, engine, config.Docker{Name: "shop"})
	found := d.examine(finding.SourceTrouble)
	if len(found) != 1 || !strings.Contains(found[0].Cure, "docker ps") {
		t.Errorf("found %+v", found)
	}
	d.run(dockertest.Spec{Name: "shop", Image: "odoo:19"}, d.busyLog())
	if found := d.examine(finding.SourceTrouble); len(found) > 0 {
		t.Errorf("found after the cure: %+v", found)
	}
}

// testNoEngine ends the engine, and starts it again.
func testNoEngine(t *testing.T, engine *dockertest.Engine) {
	h := newHost(t)
	h.Docker, h.Files, h.Config.Sources = Engine{engine.Client}, nil, []config.Source{{Docker: &config.Docker{}}}
	engine.Kill()
	found := h.examine(finding.SourceTrouble)
	if len(found) != 1 || !strings.Contains(found[0].Cure, "start Docker") {
		t.Errorf("found %+v", found)
	}
	h.Config.Sources = nil
	if found := h.examine(finding.NoSource); len(found) != 1 {
		t.Errorf("found %+v", found)
	}
	engine.Resume(t)
	h.Config.Sources = []config.Source{{Docker: &config.Docker{}}}
	for _, f := range h.examine(finding.SourceTrouble) {
		if strings.Contains(fmt.Sprint(f), "start Docker") {
			t.Errorf("found after the cure: %+v", f)
		}
	}
}
