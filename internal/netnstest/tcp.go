package netnstest

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// Echo serves TCP on a port of all addresses of the host and sends back what
// comes, until the test ends.
func (h *Host) Echo(t testing.TB, port uint16) {
	t.Helper()
	var listener net.Listener
	err := h.Do(func() (err error) {
		listener, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.IPv6Unspecified(), port)))
		return err
	})
	if err != nil {
		t.Fatalf("serve echo: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	context.AfterFunc(ctx, func() { listener.Close() })
	var serving sync.WaitGroup
	serving.Go(func() { serve(ctx, listener, &serving) })
	t.Cleanup(func() {
		stop()
		serving.Wait()
	})
}

// serve ends when ctx does. A client that is kept away cannot end its
// connection, so that also closes all connections.
func serve(ctx context.Context, listener net.Listener, serving *sync.WaitGroup) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		serving.Go(func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn) // the client sees what is missing
		})
	}
}

// Dial opens a TCP connection from the host and closes it with the test. The
// error is that of net.Dialer.
func (h *Host) Dial(ctx context.Context, t testing.TB, to netip.AddrPort) (net.Conn, error) {
	t.Helper()
	var conn net.Conn
	err := h.Do(func() (err error) {
		// For one literal address Dial does all its work in this goroutine.
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", to.String())
		return err
	})
	if err == nil {
		t.Cleanup(func() { conn.Close() })
	}
	return conn, err
}
