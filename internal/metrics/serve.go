package metrics

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"odooban/internal/bounded"
	"odooban/internal/groupsocket"
)

const (
	// retryEvery is how often listening is tried again when it is not possible.
	retryEvery = 10 * time.Second
	// endTime is how long a scrape that is going on may take at the end.
	endTime = time.Second
	// maxConns bounds how many connections are open at once.
	maxConns = 16
)

// Serve answers at address, which is host:port or unix: and a path, until ctx
// ends. Metrics are a help: where it cannot listen it says so to tell, once, and
// tries again; nil tells that it listens.
func Serve(ctx context.Context, address string, handler http.Handler, tell func(error)) {
	serve(ctx, address, handler, tell, retryEvery)
}

func serve(ctx context.Context, address string, handler http.Handler, tell func(error), retryEvery time.Duration) {
	for told := false; ; {
		err := serveOnce(ctx, address, handler, func() { told = false; tell(nil) })
		if ctx.Err() != nil {
			return
		}
		if !told {
			told = true
			tell(fmt.Errorf("serve metrics: %w", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryEvery):
		}
	}
}

// listen opens the address.
func listen(ctx context.Context, address string) (net.Listener, error) {
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		return groupsocket.Listen(path)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// serveOnce answers until ctx ends or something fails. Whoever connects gets
// little time and memory.
func serveOnce(ctx context.Context, address string, handler http.Handler, listens func()) error {
	all, err := listen(ctx, address)
	if err != nil {
		return err
	}
	listens()
	listener := bounded.Listen(all, maxConns)
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		// What a client does wrong is no concern of the log's.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if server.Shutdown(end) != nil {
		_ = server.Close()
	}
	return <-ended
}
