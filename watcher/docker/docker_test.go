package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"

	"odooban/internal/backoff"
	"odooban/watcher"
)

// shelf keeps what a container's source hands on. It may be looked at while
// everything waits.
type shelf struct {
	mu       sync.Mutex
	texts    []string
	places   []watcher.Place
	seen     []time.Time
	settled  []int
	alarms   []string
	position []byte
}

func (s *shelf) Line(l watcher.Line) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = append(s.texts, string(l.Text))
	s.places = append(s.places, l.Place)
	s.seen = append(s.seen, l.Seen)
	s.position = l.Position()
	return nil
}

func (s *shelf) Settled(time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = append(s.settled, len(s.texts))
	return nil
}

func (s *shelf) alarm(_ string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.alarms = append(s.alarms, err.Error())
	}
}

// has gives the lines and alarms so far.
func (s *shelf) has() (texts, alarms []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts), slices.Clone(s.alarms)
}

// numberedTexts are the texts of lineAt.
func numberedTexts(from, to int) []string {
	var texts []string
	for n := from; n < to; n++ {
		texts = append(texts, fmt.Sprintf("line %d", n))
	}
	return texts
}

// pass lets time pass, and everything happen that happens until then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestDockerLines(t *testing.T) {
	for _, test := range []struct {
		name string
		// write writes 1000 lines, some of them before and some after again,
		// which stops following and starts anew.
		write func(e *fakeDocker, again func())
	}{
		{"one by one", func(e *fakeDocker, again func()) {
			for n := range 1000 {
				e.write(true, lineAt(time.Now(), n))
				pass(time.Millisecond)
				if n%300 == 299 {
					again()
				}
			}
		}},
		{"of one moment", func(e *fakeDocker, again func()) {
			at := time.Now()
			for n := range 1000 {
				e.write(true, lineAt(at, n))
				if n%300 == 0 {
					pass(time.Second)
					again()
				}
			}
		}},
		{"more than were expected", func(e *fakeDocker, again func()) {
			pass(time.Second)
			for n := range 999 {
				e.write(false, lineAt(time.Now().Add(time.Duration(n)), n))
			}
			again()
			e.write(true, lineAt(time.Now(), 999))
		}},
		{"no notices", func(e *fakeDocker, again func()) {
			for n := range 1000 {
				e.write(false, lineAt(time.Now(), n))
				pass(time.Second)
			}
			again()
		}},
		{"the clock is set back", func(e *fakeDocker, again func()) {
			for n := range 1000 {
				back := time.Duration(n/100) * 10 * time.Second
				e.write(true, lineAt(time.Now().Add(-back), n))
				pass(10 * time.Millisecond)
				if n%250 == 0 {
					again()
				}
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, s := &fakeDocker{}, &shelf{}
				stop := e.follow(t, s, s.alarm, nil)
				pass(time.Second)
				runs := []*shelf{s}
				test.write(e, func() {
					pass(time.Minute)
					stop()
					s = &shelf{position: s.position}
					runs = append(runs, s)
					stop = e.follow(t, s, s.alarm, s.position)
					pass(time.Minute)
				})
				pass(time.Minute)
				stop()
				wantOnce(t, runs)
			})
		})
	}
}

// wantOnce wants every run to go on with the very next line, or to have those
// before it with the places that they had.
func wantOnce(t *testing.T, runs []*shelf) {
	t.Helper()
	known := make(map[watcher.Place]string)
	var all []string
	for _, s := range runs {
		last := int64(0)
		for i, place := range s.places {
			if place.Offset <= last {
				t.Fatalf("place %v comes after %d", place, last)
			}
			last = place.Offset
			if before, ok := known[place]; ok && before != s.texts[i] {
				t.Fatalf("%v is %q and %q", place, before, s.texts[i])
			} else if !ok {
				all = append(all, s.texts[i])
			}
			known[place] = s.texts[i]
		}
		if len(s.alarms) > 0 {
			t.Errorf("alarms: %q", s.alarms)
		}
	}
	if diff := cmp.Diff(numberedTexts(0, 1000), all); diff != "" {
		t.Errorf("lines (-want +got):\n%.1000s", diff)
	}
}

// Lines from long before are history. The others were seen when the engine took
// them, before odooban was there or after.
func TestDockerSeesWhenTheEngineTookALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, s := &fakeDocker{}, &shelf{}
		e.write(false, lineAt(time.Now().Add(-time.Hour), 0), lineAt(time.Now().Add(-time.Minute), 1))
		before := time.Now().Add(-time.Minute)
		stop := e.follow(t, s, s.alarm, nil)
		pass(time.Minute)
		at := time.Now()
		e.write(true, lineAt(at, 2))
		pass(time.Second)
		stop()
		if diff := cmp.Diff([]time.Time{{}, before, at}, s.seen); diff != "" {
			t.Errorf("seen (-want +got):\n%s", diff)
		}
		if !slices.Equal(s.settled, []int{2, 3}) {
			t.Errorf("settled after %v", s.settled)
		}
	})
}

// Notices that do not come any more are asked for again.
func TestDockerStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, s := &fakeDocker{}, &shelf{}
		stop := e.follow(t, s, s.alarm, nil)
		pass(time.Minute)
		e.write(false, lineAt(time.Now(), 0))
		pass(time.Minute)
		stop()
		if len(s.texts) != 1 || e.followed != 2 {
			t.Errorf("lines %q, followed %d times", s.texts, e.followed)
		}
	})
}

func TestDockerSaysWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, s := &fakeDocker{}, &shelf{}
		e.write(false, lineAt(time.Now(), 0))
		stop := e.follow(t, s, s.alarm, nil)
		pass(time.Second)
		stop()
		e.log = nil
		pass(time.Minute)
		e.write(false, lineAt(time.Now(), 2))
		after := &shelf{}
		stop = e.follow(t, after, after.alarm, s.position)
		pass(time.Second)
		stop()
		if len(after.texts) != 1 || len(after.alarms) != 1 || !strings.Contains(after.alarms[0], "is gone") {
			t.Errorf("lines %q, alarms %q", after.texts, after.alarms)
		}
	})
}

func TestDockerTroubles(t *testing.T) {
	status := func(code int, on string) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			if !strings.Contains(r.URL.Path, on) {
				return nil, nil
			}
			return answer(code, []byte("no")), nil
		}
	}
	for _, test := range []struct {
		name   string
		refuse func(*http.Request) (*http.Response, error)
		want   string
		lines  int
	}{
		{"the socket is not ours", func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("dial: %w", syscall.EACCES)
		}, "group docker", 0},
		{"no engine", func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
		}, "it does not answer", 0},
		{"no socket", func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("dial: %w", syscall.ENOENT)
		}, "systemctl start docker", 0},
		{"the engine hangs", func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, "it does not answer", 0},
		{"a proxy hides the containers", status(http.StatusForbidden, "/containers/json"), "allow CONTAINERS", 0},
		{"a proxy hides the events", status(http.StatusForbidden, "/events"), "EVENTS", 1},
		{"a proxy hides the logs", status(http.StatusForbidden, "/logs"), "allow CONTAINERS", 0},
		{"the log driver keeps nothing", func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/logs") {
				return nil, nil
			}
			return answer(http.StatusNotImplemented, []byte("configured logging driver does not support reading")), nil
		}, "log driver json-file", 0},
		{"what comes is no log", func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/logs") || r.URL.Query().Get("follow") == "1" {
				return nil, nil
			}
			return answer(http.StatusOK, []byte("<html>a login page</html>")), nil
		}, "no container's log", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, s := &fakeDocker{refuse: test.refuse}, &shelf{}
				e.write(false, lineAt(time.Now(), 0))
				stop := e.follow(t, s, s.alarm, nil)
				pass(10 * time.Minute)
				e.mu.Lock()
				e.refuse = nil
				asked := len(e.asked)
				e.mu.Unlock()
				lines, alarms := s.has()
				if len(lines) != test.lines || len(alarms) != 1 || !strings.Contains(alarms[0], test.want) {
					t.Errorf("lines %q, alarms %q", lines, alarms)
				}
				if asked < 10 || asked > 200 {
					t.Errorf("asked %d times in ten minutes", asked)
				}
				pass(2 * backoff.Most)
				stop()
				if len(s.texts) != 1 {
					t.Errorf("when the trouble was over: lines %q", s.texts)
				}
			})
		})
	}
}

// A sink that takes no more lines ends the source.
// TestDockerRenamed wants a container to stay what it was, whatever it is called.
func TestDockerRenamed(t *testing.T) {
	at := func(last int64) []byte {
		m := mark{From: int64(setBack) + 1, Low: int64(setBack) + 1}
		text, _ := json.Marshal(position{Version: 1, Container: short(fakeID), mark: m, Last: int64(setBack) + last})
		return text
	}
	id := "/" + short(fakeID)
	tests := []struct {
		name   string
		before map[string][]byte
		want   string
		last   int64 // zero is from the start
	}{
		{"new", map[string][]byte{"docker:shop/aaaaaaaaaaaa": at(1), "/odoo.log": at(1), "journal:a": nil}, "docker:shop" + id, 0},
		{"as it was", map[string][]byte{"docker:shop" + id: at(1)}, "docker:shop" + id, 1},
		{"renamed", map[string][]byte{"docker:web" + id: at(1)}, "docker:web" + id, 1},
		{"under two names", map[string][]byte{"docker:web" + id: at(9), "docker:shop" + id: at(1)}, "docker:web" + id, 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := (&fakeDocker{}).docker(t, nil)
			d.Resume(maps.All(tt.before))
			c := d.container(container.Summary{ID: fakeID, Names: []string{"/shop"}, State: container.StateRunning})
			var last int64
			if c.resume != nil {
				last = c.resume.Last - int64(setBack)
			}
			if c.Name() != tt.want || last != tt.last {
				t.Errorf("%s goes on at %d, want %s at %d", c.Name(), last, tt.want, tt.last)
			}
		})
	}
}

func TestDockerSinkRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &fakeDocker{}
		e.write(false, lineAt(time.Now(), 0))
		d := e.docker(t, nil)
		c := newContainerLog(d, container.Summary{ID: fakeID})
		refusal := errors.New("no more")
		if err := c.Follow(t.Context(), refusing{refusal}); !errors.Is(err, refusal) {
			t.Errorf("error: %v", err)
		}
	})
}

type refusing struct{ err error }

func (r refusing) Line(watcher.Line) error { return r.err }
func (r refusing) Settled(time.Time) error { return r.err }
