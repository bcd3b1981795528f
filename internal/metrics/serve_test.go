package metrics

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"odooban/internal/await"
)

// hello answers every request.
var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })

// get asks at a socket.
func get(t *testing.T, network, address string) (string, error) {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /metrics HTTP/1.0\r\n\r\n"); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// noError takes only that metrics are served.
func noError(t *testing.T) func(error) {
	return func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
}

// start serves at a socket until stop is called.
func start(t *testing.T, path string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Serve(ctx, "unix:"+path, hello, noError(t))
	}()
	awaitHello(t, "unix", path)
	return func() {
		cancel()
		<-ended
	}
}

// awaitHello waits until there is an answer.
func awaitHello(t *testing.T, network, address string) {
	t.Helper()
	await.Until(t, "an answer at "+address, func() bool {
		got, _ := get(t, network, address)
		return got == "hello"
	})
}

// Whoever may connect takes no more than a few descriptors: others wait.
func TestServeFewAtOnce(t *testing.T) {
	const clients = 2 * maxConns
	var in, most atomic.Int32
	entered, leave := make(chan struct{}, clients), make(chan struct{})
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		most.Store(max(most.Load(), in.Add(1)))
		entered <- struct{}{}
		<-leave
		in.Add(-1)
	})
	path := filepath.Join(t.TempDir(), "metrics.sock")
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { Serve(ctx, "unix:"+path, handler, noError(t)) })
	await.Until(t, "the socket", func() bool {
		_, err := os.Stat(path)
		return err == nil
	})
	answered := make(chan error, clients)
	for range clients {
		all.Go(func() {
			_, err := get(t, "unix", path)
			answered <- err
		})
	}
	for range maxConns {
		<-entered
	}
	for range clients {
		leave <- struct{}{}
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
	if got := most.Load(); got != maxConns {
		t.Errorf("%d were answered at once, want %d", got, maxConns)
	}
}

func TestServeUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.sock")
	for range 2 {
		stop := start(t, path)
		if _, err := listen(t.Context(), "unix:"+path); err == nil || !strings.Contains(err.Error(), "somebody else") {
			t.Errorf("listens where it does: %v", err)
		}
		stop()
		if _, err := get(t, "unix", path); err == nil {
			t.Error("answers after its end")
		}
	}
}

// TestServeWaits lets somebody else have the address at first.
func TestServeWaits(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := other.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan error, 10)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		serve(ctx, address, hello, func(err error) { told <- err }, time.Millisecond)
	}()
	if err := <-told; !strings.Contains(err.Error(), address) {
		t.Errorf("told %v", err)
	}
	other.Close()
	awaitHello(t, "tcp", address)
	if err := <-told; err != nil {
		t.Errorf("told %v where it listens", err)
	}
	cancel()
	<-ended
	if len(told) > 0 {
		t.Errorf("told %v, too", <-told)
	}
}

// TestServeEnds does not wait for a client that does nothing.
func TestServeEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.sock")
	stop := start(t, path)
	idle, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if _, err := get(t, "unix", path); err != nil {
		t.Error(err)
	}
	stop()
	if n, err := idle.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		t.Errorf("idle client read %d bytes, %v", n, err)
	}
}
