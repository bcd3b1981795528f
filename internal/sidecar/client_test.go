package sidecar_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"odooban/internal/await"
)

// patience is how long something may take on a busy machine.
const patience = 60 * time.Second

// browser is a connection that a client holds open.
type browser struct {
	net.Conn
	*bufio.Reader
}

// connect opens a connection from a client to the published port. It tries
// again while a container starts.
func (s *site) connect(n int, server netip.Addr) browser {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := s.Clients[n].Dial(ctx, s.t, netip.AddrPortFrom(server, 80))
		if err == nil {
			b := browser{conn, bufio.NewReader(conn)}
			if b.send("GET", "/") == nil && b.receive(patience) == nil {
				return b
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			s.t.Fatalf("client %d does not reach %v: %v", n, server, err)
		}
	}
}

func (b browser) send(method, path string) error {
	_, err := io.WriteString(b.Conn, method+" "+path+" HTTP/1.1\r\nHost: odoo\r\nContent-Length: 0\r\n\r\n")
	return err
}

// receive waits so long for an answer, which must be a good one.
func (b browser) receive(wait time.Duration) error {
	if err := b.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	answer, err := http.ReadResponse(b.Reader, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// attack sends logins, more than any jail lets pass, and waits for no answer.
func (s *site) attack(b browser) {
	s.t.Helper()
	for range 40 {
		if err := b.send("POST", "/web/login"); err != nil {
			s.t.Fatal(err)
		}
	}
}

// wantServed uses a connection.
func (s *site) wantServed(b browser) {
	s.t.Helper()
	if err := b.send("GET", "/"); err != nil {
		s.t.Fatal(err)
	}
	if err := b.receive(patience); err != nil {
		s.t.Fatalf("not served any more: %v", err)
	}
}

// wantCut tries a new connection, and waits until the packet filter has dropped
// it.
func (s *site) wantCut(n int, server netip.Addr) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	result := make(chan error, 1)
	before := s.dropped()
	go func() {
		_, err := s.Clients[n].Dial(ctx, s.t, netip.AddrPortFrom(server, 80))
		result <- err
	}()
	s.awaitDrops(before)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		s.t.Errorf("new connection of client %d to %v: %v", n, server, err)
	}
}

// wantCutOff says something over an established connection, and waits until the
// packet filter has dropped that.
func (s *site) wantCutOff(b browser) {
	s.t.Helper()
	before := s.dropped()
	if err := b.send("GET", "/"); err != nil {
		s.t.Fatal(err)
	}
	s.awaitDrops(before)
	if err := b.receive(time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Errorf("over an established connection: %v", err)
	}
}

// wantUnanswered tries a new connection while somebody else's are served.
func (s *site) wantUnanswered(n int, server netip.Addr) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := s.Clients[n].Dial(ctx, s.t, netip.AddrPortFrom(server, 80))
		result <- err
	}()
	for range 3 {
		s.connect(neighbour, server)
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		s.t.Errorf("new connection of client %d to %v: %v", n, server, err)
	}
}

// wantIgnored says something over an established connection while somebody
// else's are served.
func (s *site) wantIgnored(b browser) {
	s.t.Helper()
	if err := b.send("GET", "/"); err != nil {
		s.t.Fatal(err)
	}
	for range 3 {
		s.connect(neighbour, s.Server.Addr4)
	}
	if err := b.receive(time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Errorf("over an established connection: %v", err)
	}
}

// dropped returns how many packets odooban's rules have dropped so far.
func (s *site) dropped() (packets int) {
	s.t.Helper()
	for _, part := range strings.Split(s.Server.Run(s.t, "nft", "list", "table", "inet", "odooban"), "counter packets ")[1:] {
		n, err := strconv.Atoi(strings.Fields(part)[0])
		if err != nil {
			s.t.Fatalf("no counter in %q", part)
		}
		packets += n
	}
	return packets
}

// awaitDrops waits until more packets were dropped than before.
func (s *site) awaitDrops(before int) {
	s.t.Helper()
	await.Until(s.t, "a packet to be dropped", func() bool { return s.dropped() > before })
}
