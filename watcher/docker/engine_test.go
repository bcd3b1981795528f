package docker_test

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"

	"odooban/internal/dockertest"
	"odooban/watcher/docker"
)

const odoo = "registry.example:5000/odoo:19"

// TestDocker follows containers of a real engine.
func TestDocker(t *testing.T) {
	e := dockertest.Start(t, dockertest.Options{})
	t.Setenv("DOCKER_HOST", e.Address)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *dockertest.Engine)
	}{
		{"every line once", testEveryLineOnce},
		{"standard output and error", testBothStreams},
		{"several containers", testSeveral},
		{"in place of another", testRecreated},
		{"killed in the middle of a line", testHalfLine},
		{"no log to read", testNoLog},
		{"the engine stops", testEngineStops},
		{"the engine is killed", testEngineKilled},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, e) })
	}
}

// testEveryLineOnce wants every line once, whatever happens to a container and
// to odooban.
func testEveryLineOnce(t *testing.T, e *dockertest.Engine) {
	for _, mode := range []struct {
		name     string
		terminal bool
		log      container.LogConfig
	}{
		{name: "json-file"},
		{name: "terminal", terminal: true},
		{name: "rotated", log: container.LogConfig{Config: map[string]string{"max-size": "30k", "max-file": "400"}}},
		{name: "local", log: container.LogConfig{Type: "local"}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			w := e.Write(t, dockertest.Spec{
				Name: mode.name, Image: odoo, Terminal: mode.terminal, Host: container.HostConfig{LogConfig: mode.log},
			})
			t.Cleanup(func() { w.Remove(t) })
			b := newBook()
			b.check(t, w.ID, live(t, w, b))
		})
	}
}

// live lets a container have a life, while odooban comes and goes. It returns
// what was written.
func live(t *testing.T, w *dockertest.Writer, b *book) (lines []string) {
	t.Helper()
	write := func(n int) {
		for range n {
			lines = append(lines, numbered(w.Out, len(lines), len(lines)%97))
		}
	}
	await := func() {
		t.Helper()
		b.count(t, w.ID, len(lines))
	}
	pick := docker.Containers{Image: "odoo"}
	write(1000)
	stop := b.follow(t, pick)
	await()
	for _, size := range []int{16383, 16384, 16385, 2 * 16384, 40000, 1 << 18} {
		lines = append(lines, numbered(w.Out, len(lines), size))
	}
	write(10)
	await()
	w.Restart(t)
	write(1000)
	await()
	stop()
	write(1000)
	stop = b.follow(t, pick)
	write(1000)
	await()
	w.Kill(t)
	w.Start(t)
	write(3000)
	await()
	stop()
	w.Stop(t)
	w.Start(t)
	write(100)
	stop = b.follow(t, pick)
	await()
	w.Stop(t)
	stop()
	return lines
}

// numbered writes line n, which is as long as said, or longer.
func numbered(to io.Writer, n, length int) string {
	line := fmt.Sprintf("line %d ", n)
	line += strings.Repeat("x", max(0, length-len(line)))
	fmt.Fprintln(to, line)
	return line
}

// numberedLines writes so many of them.
func numberedLines(to io.Writer, n int) []string {
	var lines []string
	for i := range n {
		lines = append(lines, numbered(to, i, 50))
	}
	return lines
}

// testBothStreams lets long lines come through both, piece by piece.
func testBothStreams(t *testing.T, e *dockertest.Engine) {
	w := e.Write(t, dockertest.Spec{Name: "both", Image: odoo})
	t.Cleanup(func() { w.Remove(t) })
	b := newBook()
	stop := b.follow(t, docker.Containers{Service: "", Name: "both"})
	var want []string
	for n := range 40 {
		for _, to := range []*os.File{w.Out, w.Err} {
			line := fmt.Sprintf("%d %s", len(want), strings.Repeat("y", 20000*(n%3)))
			want = append(want, line)
			// In two writes, so that the other stream's lines come in between.
			to.WriteString(line[:len(line)/2])
			to.WriteString(line[len(line)/2:] + "\n")
		}
	}
	b.count(t, w.ID, len(want))
	stop()
	got := b.of(w.ID)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the lines are others")
	}
}

// testSeveral lets containers come and go while others are followed.
func testSeveral(t *testing.T, e *dockertest.Engine) {
	web := map[string]string{"com.docker.compose.service": "odoo", "role": "web"}
	run := func(name, image string, labels map[string]string) *dockertest.Writer {
		w := e.Write(t, dockertest.Spec{Name: name, Image: image, Labels: labels})
		t.Cleanup(func() { w.Remove(t) })
		return w
	}
	one := run("one", "shop:1", web)
	database := run("database", "postgres:15", map[string]string{"com.docker.compose.service": "odoo-db"})
	other := run("other", "shop:1", map[string]string{"role": "web"})
	b := newBook()
	stop := b.follow(t, docker.Containers{})
	two := run("two", "shop:1", web)
	three := run("three", odoo, nil)
	var lines []string
	for _, w := range []*dockertest.Writer{one, two, three, database, other} {
		lines = numberedLines(w.Out, 500)
	}
	for _, w := range []*dockertest.Writer{one, two, three} {
		b.count(t, w.ID, len(lines))
		b.check(t, w.ID, lines)
	}
	stop()
	if n := len(b.of(database.ID)) + len(b.of(other.ID)); n > 0 {
		t.Errorf("%d lines of containers that are none of Odoo's", n)
	}
	labelled := newBook()
	stop = labelled.follow(t, docker.Containers{Label: "role=web", Image: "shop"})
	labelled.count(t, one.ID, 500)
	labelled.count(t, two.ID, 500)
	labelled.count(t, other.ID, 500)
	stop()
}

// testRecreated puts a new container in the place of another, as compose does.
func testRecreated(t *testing.T, e *dockertest.Engine) {
	b := newBook()
	var stop func()
	for i := range 4 {
		w := e.Write(t, dockertest.Spec{Name: "web", Image: odoo})
		if i%2 == 0 {
			stop = b.follow(t, docker.Containers{Name: "web"})
		}
		lines := numberedLines(w.Out, 200)
		b.count(t, w.ID, len(lines))
		w.Stop(t)
		b.check(t, w.ID, lines)
		if i%2 == 1 {
			stop()
		}
		w.Remove(t)
	}
}

// testHalfLine kills the program while its line has no end. What it writes when
// it runs again is no part of that.
func testHalfLine(t *testing.T, e *dockertest.Engine) {
	w := e.Write(t, dockertest.Spec{Name: "half", Image: odoo})
	t.Cleanup(func() { w.Remove(t) })
	b := newBook()
	b.follow(t, docker.Containers{Name: "half"})
	w.Out.WriteString("whole\nLogin failed for login:x from 203.0.113.5")
	b.count(t, w.ID, 1)
	w.Kill(t)
	w.Start(t)
	w.Out.WriteString("2 starts anew\n")
	b.count(t, w.ID, 2)
	again := newBook()
	again.follow(t, docker.Containers{Name: "half"})
	again.count(t, w.ID, 2)
	for _, b := range []*book{b, again} {
		if got := b.of(w.ID); !slices.Equal(got, []string{"whole", "2 starts anew"}) {
			t.Errorf("lines: %q", got)
		}
	}
}

func testNoLog(t *testing.T, e *dockertest.Engine) {
	w := e.Write(t, dockertest.Spec{Name: "mute", Image: odoo, Host: container.HostConfig{
		LogConfig: container.LogConfig{Type: "none"},
	}})
	t.Cleanup(func() { w.Remove(t) })
	b := newBook()
	b.follow(t, docker.Containers{Name: "mute"})
	b.awaitAlarm(t, "log driver none")
}

// testEngineStops lets the engine's host restart in good order.
func testEngineStops(t *testing.T, e *dockertest.Engine) {
	testRestart(t, e, func() { e.Stop(t) })
}

// testEngineKilled lets the engine's host lose its power.
func testEngineKilled(t *testing.T, e *dockertest.Engine) { testRestart(t, e, e.Kill) }

func testRestart(t *testing.T, e *dockertest.Engine, end func()) {
	w := e.Write(t, dockertest.Spec{Name: "again", Image: odoo, Host: container.HostConfig{
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyAlways},
	}})
	t.Cleanup(func() { w.Remove(t) })
	b := newBook()
	b.follow(t, docker.Containers{Name: "again"})
	lines := numberedLines(w.Out, 200)
	b.count(t, w.ID, len(lines))
	end()
	b.awaitAlarm(t, "it is asked again")
	e.Resume(t)
	lines = append(lines, numberedLines(w.Out, 200)...)
	b.count(t, w.ID, len(lines))
	if alarms := b.told(); len(alarms) != 1 {
		t.Errorf("alarms: %q", alarms)
	}
	b.until(t, "the end of the trouble", func() bool { return !b.blocked["docker:name=again"] })
	b.clear()
	b.check(t, w.ID, lines)
}
