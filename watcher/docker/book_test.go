package docker_test

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"odooban/watcher"
	"odooban/watcher/docker"
)

// book keeps the lines of all containers, over several runs of odooban.
type book struct {
	mu        sync.Mutex
	changed   *sync.Cond
	lines     map[watcher.Place]string
	twice     []string
	alarms    []string
	blocked   map[string]bool // by source, whether it cannot be read
	positions map[string][]byte
	last      string
}

func newBook() *book {
	b := &book{lines: make(map[watcher.Place]string), positions: make(map[string][]byte), blocked: make(map[string]bool)}
	b.changed = sync.NewCond(&b.mu)
	return b
}

// follow is one run, which goes on where the last one was.
func (b *book) follow(t *testing.T, pick docker.Containers) (stop func()) {
	t.Helper()
	d, err := docker.New(pick, b.alarm)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	d.Resume(maps.All(b.positions))
	b.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() {
		err := d.Run(ctx, func(source watcher.Source) bool {
			following.Go(func() {
				if err := source.Follow(ctx, &page{book: b, source: source.Name(), had: map[watcher.Place]bool{}}); err != nil {
					t.Error(err)
				}
			})
			return true
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

// page is the watcher.Sink of one container in one run.
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

func (b *book) alarm(source string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blocked[source] = err != nil; err != nil {
		b.alarms = append(b.alarms, err.Error())
	}
	b.changed.Broadcast()
}

// until waits until done holds, which is asked with b locked.
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

func (b *book) awaitAlarm(t *testing.T, text string) {
	t.Helper()
	b.until(t, text, func() bool { return strings.Contains(strings.Join(b.alarms, "\n"), text) })
}

// count waits until a container's lines are so many.
func (b *book) count(t *testing.T, id string, n int) {
	t.Helper()
	b.until(t, "the last line of "+id, func() bool { return len(b.list(id)) >= n })
}

// of gives the lines of a container.
func (b *book) of(id string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list(id)
}

func (b *book) list(id string) []string {
	places := slices.DeleteFunc(slices.Collect(maps.Keys(b.lines)), func(place watcher.Place) bool {
		return !strings.HasPrefix(id, place.Generation)
	})
	slices.SortFunc(places, func(a, b watcher.Place) int { return cmp.Compare(a.Offset, b.Offset) })
	lines := make([]string, len(places))
	for i, place := range places {
		lines[i] = b.lines[place]
	}
	return lines
}

// told gives the alarms, clear forgets them.
func (b *book) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.alarms)
}

func (b *book) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alarms = nil
}

// check wants exactly these lines of a container, in this order, each once.
func (b *book) check(t *testing.T, id string, want []string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := b.list(id); !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d (-want +got):\n%.2000s", len(got), len(want), gocmp.Diff(want, got))
	}
	if len(b.twice) > 0 {
		t.Errorf("%d lines came twice, the first is %.80q", len(b.twice), b.twice[0])
	}
	if len(b.alarms) > 0 {
		t.Errorf("alarms: %q", b.alarms)
	}
}
