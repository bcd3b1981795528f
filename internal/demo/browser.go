package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"odooban/internal/netlab"
)

const (
	// patience is how long anything may take before the demo gives up.
	patience = 10 * time.Second
	// hearing is how long a banned client listens for an answer.
	hearing = 400 * time.Millisecond
)

// browser is one client of the login page.
type browser struct {
	host *netlab.Host
	// from is the address it comes from, to the server's.
	from, to netip.Addr
}

// visit is an open connection to the login page.
type visit struct {
	conn net.Conn
	in   *bufio.Reader
}

// open connects to the server, within the time given.
func (b browser) open(ctx context.Context, within time.Duration) (*visit, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(b.from, 0))}
	var conn net.Conn
	err := b.host.Do(func() (err error) {
		// For one literal address this does all its work in this goroutine.
		conn, err = dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(b.to, webPort).String())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &visit{conn: conn, in: bufio.NewReader(conn)}, nil
}

// look opens a connection, looks at the login page, and returns how long that
// took. The connection stays open.
func (b browser) look(ctx context.Context) (*visit, time.Duration, error) {
	began := time.Now()
	v, err := b.open(ctx, patience)
	if err != nil {
		return nil, 0, fmt.Errorf("visit from %s: %w", b.from, err)
	}
	if err := v.look(patience); err != nil {
		v.conn.Close()
		return nil, 0, fmt.Errorf("visit from %s: %w", b.from, err)
	}
	return v, time.Since(began), nil
}

// abort closes the connection at once, with nothing left to be sent.
func (v *visit) abort() error {
	if conn, ok := v.conn.(*net.TCPConn); ok {
		if err := conn.SetLinger(0); err != nil {
			return err
		}
	}
	return v.conn.Close()
}

// look asks for the login page, which must be there.
func (v *visit) look(within time.Duration) error {
	r, err := http.NewRequest(http.MethodGet, "http://odoo"+loginPath, http.NoBody)
	if err != nil {
		return err
	}
	if err := v.conn.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if err := r.Write(v.conn); err != nil {
		return err
	}
	answer, err := http.ReadResponse(v.in, r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", r.Method, r.URL.Path, answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// unanswered says whether an error means that nobody answered in time; a
// refusal is an answer.
func unanswered(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded)
}
