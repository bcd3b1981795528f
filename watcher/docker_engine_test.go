package watcher_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"

	"odooban/internal/dockertest"
	"odooban/watcher"
)

// TestDocker follows containers of a real engine, and wants every line of
// theirs once: those that the engine's own files have.
func TestDocker(t *testing.T) {
	e := dockertest.Start(t, dockertest.Options{})
	t.Setenv("DOCKER_HOST", e.Address)
	for _, mode := range []struct {
		name     string
		terminal bool
		log      container.LogConfig
	}{
		{name: "json-file"},
		{name: "terminal", terminal: true},
		{name: "rotated", log: container.LogConfig{Config: map[string]string{"max-size": "30k", "max-file": "400"}}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			w := e.Write(t, dockertest.Spec{
				Name: "odoo-" + mode.name, Image: "odoo:19", Terminal: mode.terminal,
				Host: container.HostConfig{LogConfig: mode.log},
			})
			t.Cleanup(func() { w.Remove(t) })
			testLines(t, e, w)
		})
	}
}

func testLines(t *testing.T, e *dockertest.Engine, w *dockertest.Writer) {
	b := newBook()
	n := 0
	write := func(lines int) {
		for range lines {
			n++
			fmt.Fprintf(w.Out, "line %d %s\n", n, strings.Repeat("x", n%97))
		}
	}
	stop := b.follow(t, watcher.Containers{Image: "odoo"})
	write(1000)
	b.await(t, fmt.Sprintf("line %d ", n))
	for _, size := range []int{16383, 16384, 16385, 40000, 1 << 17} {
		n++
		fmt.Fprintf(w.Out, "line %d %s end\n", n, strings.Repeat("y", size))
	}
	write(10)
	b.await(t, fmt.Sprintf("line %d ", n))
	w.Restart(t)
	write(1000)
	b.await(t, fmt.Sprintf("line %d ", n))
	stop()
	write(1000)
	stop = b.follow(t, watcher.Containers{Image: "odoo"})
	b.await(t, fmt.Sprintf("line %d ", n))
	w.Kill(t)
	w.Start(t)
	write(2000)
	b.await(t, fmt.Sprintf("line %d ", n))
	w.Stop(t)
	stop()
	b.check(t, written(t, e, w.ID))
}

// book keeps the lines of all containers, over several runs of odooban.
type book struct {
	mu        sync.Mutex
	changed   *sync.Cond
	lines     map[watcher.Place]string
	twice     []string
	alarms    []string
	positions map[string][]byte
	last      string
}

func newBook() *book {
	b := &book{lines: make(map[watcher.Place]string), positions: make(map[string][]byte)}
	b.changed = sync.NewCond(&b.mu)
	return b
}

// follow is one run, which goes on where the last one was.
func (b *book) follow(t *testing.T, pick watcher.Containers) (stop func()) {
	t.Helper()
	d, err := watcher.NewDocker(pick, b.alarm)
	if err != nil {
		t.Fatal(err)
	}
	d.Resume(func(name string) []byte {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.positions[name]
	})
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() {
		err := d.Run(ctx, func(source watcher.Source) {
			following.Go(func() {
				if err := source.Follow(ctx, &page{book: b, source: source.Name(), had: map[watcher.Place]bool{}}); err != nil {
					t.Error(err)
				}
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		following.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// page is the Sink of one container in one run.
type page struct {
	*book
	source string
	had    map[watcher.Place]bool
}

func (p *page) Line(l watcher.Line) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := string(l.Text)
	if before, known := p.lines[l.Place]; p.had[l.Place] || known && before != text {
		p.twice = append(p.twice, text)
	}
	p.had[l.Place] = true
	p.lines[l.Place] = text
	p.positions[p.source] = l.Position()
	p.last = text
	p.changed.Broadcast()
	return nil
}

func (p *page) Settled(time.Time) error { return nil }

func (b *book) alarm(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alarms = append(b.alarms, err.Error())
	b.changed.Broadcast()
}

// await waits until the last line begins with start.
func (b *book) await(t *testing.T, start string) {
	t.Helper()
	b.until(t, start, func() bool { return strings.HasPrefix(b.last, start) })
}

func (b *book) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.changed.Broadcast()
	})()
	b.mu.Lock()
	defer b.mu.Unlock()
	for !done() {
		if ctx.Err() != nil {
			t.Fatalf("%q did not come; have %d lines, the last %.80q, alarms %q", what, len(b.lines), b.last, b.alarms)
		}
		b.changed.Wait()
	}
}

// check wants exactly these lines, in this order.
func (b *book) check(t *testing.T, want []string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.twice) > 0 {
		t.Errorf("%d lines came twice, the first is %.80q", len(b.twice), b.twice[0])
	}
	var places []watcher.Place
	for place := range b.lines {
		places = append(places, place)
	}
	slices.SortFunc(places, func(a, b watcher.Place) int { return cmp.Compare(a.Offset, b.Offset) })
	var got []string
	for _, place := range places {
		got = append(got, b.lines[place])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d (-want +got):\n%.2000s", len(got), len(want), gocmp.Diff(want, got))
	}
	if len(b.alarms) > 0 {
		t.Errorf("alarms: %q", b.alarms)
	}
}

// written gives the lines that the engine's own files have of a container.
func written(t *testing.T, e *dockertest.Engine, id string) []string {
	t.Helper()
	base := filepath.Join(e.Data, "containers", id, id+"-json.log")
	var all []byte
	for i := 1; ; i++ {
		older, err := os.ReadFile(fmt.Sprintf("%s.%d", base, i))
		if err != nil {
			break
		}
		all = append(older, all...)
	}
	newest, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for in := json.NewDecoder(bytes.NewReader(append(all, newest...))); ; {
		var piece struct{ Log string }
		if err := in.Decode(&piece); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		text = append(text, piece.Log...)
	}
	var lines []string
	in := bufio.NewScanner(bytes.NewReader(text))
	in.Buffer(nil, 1<<22)
	for in.Scan() {
		lines = append(lines, in.Text())
	}
	return lines
}
