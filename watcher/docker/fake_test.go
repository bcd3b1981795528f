package docker

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"odooban/watcher"
)

// fakeDocker is an engine with one container, in memory, so that it can be in a
// bubble of testing/synctest. It implements http.RoundTripper.
type fakeDocker struct {
	mu       sync.Mutex
	log      []fakePiece
	notices  []*io.PipeWriter // of those who follow
	followed int              // how often somebody began to
	asked    []string         // what was asked for, without the answers that never came
	// refuse, if not nil, answers instead of the engine.
	refuse func(*http.Request) (*http.Response, error)
}

type fakePiece struct {
	at   time.Time
	text string
}

const fakeID = "0123456789abcdef0123456789abcdef"

// docker is the group of the fake's container.
func (e *fakeDocker) docker(t *testing.T, alarm watcher.Alarm) *Group {
	t.Helper()
	api, err := client.New(client.WithHTTPClient(&http.Client{Transport: e}), client.WithAPIVersion("1.41"))
	if err != nil {
		t.Fatal(err)
	}
	return newGroup(Containers{}, api, alarm)
}

// follow follows the container until the bubble's test calls stop.
func (e *fakeDocker) follow(t *testing.T, sink watcher.Sink, alarm watcher.Alarm, position []byte) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	d := e.docker(t, alarm)
	if position != nil {
		d.Resume(maps.All(map[string][]byte{"docker:shop/" + short(fakeID): position}))
	}
	following.Go(func() {
		_ = d.Run(ctx, func(source watcher.Source) bool {
			following.Go(func() {
				if err := source.Follow(ctx, sink); err != nil {
					t.Error(err)
				}
			})
			return true
		})
	})
	return func() {
		cancel()
		following.Wait()
	}
}

// write lets the container write pieces, and says so if notice is set.
func (e *fakeDocker) write(notice bool, pieces ...fakePiece) {
	e.mu.Lock()
	e.log = append(e.log, pieces...)
	notices := e.notices
	e.mu.Unlock()
	if !notice {
		return
	}
	for _, w := range notices {
		_, _ = w.Write([]byte("?")) // who has gone hears nothing
	}
}

func (e *fakeDocker) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	e.asked = append(e.asked, r.URL.Path)
	refuse := e.refuse
	e.mu.Unlock()
	if refuse != nil {
		if answer, err := refuse(r); answer != nil || err != nil {
			return answer, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	summary := container.Summary{ID: fakeID, Names: []string{"/shop"}, Image: "odoo:19", State: container.StateRunning}
	switch path := strings.TrimPrefix(r.URL.Path, "/v1.41"); {
	case path == "/containers/json":
		return answerJSON([]container.Summary{summary})
	case strings.HasSuffix(path, "/json"):
		inspect := container.InspectResponse{ID: fakeID, State: &container.State{Running: true}}
		inspect.Config = &container.Config{Image: "odoo:19"}
		inspect.HostConfig = &container.HostConfig{LogConfig: container.LogConfig{Type: "json-file"}}
		return answerJSON(inspect)
	case path == "/events":
		return e.stream(r), nil
	case r.URL.Query().Get("follow") == "1":
		e.followed++
		return e.stream(r), nil
	case strings.HasSuffix(path, "/logs"):
		return answer(http.StatusOK, e.read(r)), nil
	}
	return answer(http.StatusOK, nil), nil
}

// stream answers with what is written later on, until the client goes.
func (e *fakeDocker) stream(r *http.Request) *http.Response {
	from, to := io.Pipe()
	context.AfterFunc(r.Context(), func() { to.Close() })
	if r.URL.Query().Get("follow") == "1" {
		e.notices = append(e.notices, to)
	}
	response := answer(http.StatusOK, nil)
	response.Body = from
	return response
}

// read gives the log as the engine does.
func (e *fakeDocker) read(r *http.Request) []byte {
	log := e.log
	if n, err := strconv.Atoi(r.URL.Query().Get("tail")); err == nil {
		log = log[max(0, len(log)-n):]
	}
	seconds, nanos, _ := strings.Cut(r.URL.Query().Get("since"), ".")
	whole, _ := strconv.ParseInt(seconds, 10, 64)
	part, _ := strconv.ParseInt(nanos, 10, 64)
	var all []byte
	for _, p := range log {
		if !p.at.Before(time.Unix(whole, part)) {
			all = append(all, frame(1, p)...)
		}
	}
	return all
}

// frame is a piece as the engine sends it.
func frame(stream byte, p fakePiece) []byte {
	payload := p.at.UTC().Format("2006-01-02T15:04:05.000000000Z07:00") + " " + p.text
	header := binary.BigEndian.AppendUint32([]byte{stream, 0, 0, 0}, uint32(len(payload)))
	return append(header, payload...)
}

func answer(status int, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)),
	}
}

func answerJSON(v any) (*http.Response, error) {
	body, err := json.Marshal(v)
	return answer(http.StatusOK, body), err
}

// lineAt is a line that the engine took at a time.
func lineAt(at time.Time, n int) fakePiece { return fakePiece{at, fmt.Sprintf("line %d\n", n)} }
