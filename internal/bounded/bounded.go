// Package bounded listens for no more than so many connections at once: a
// process has few descriptors, and needs them for more than answering.
//
// It promises that whoever comes beyond that waits outside, in the kernel, and
// takes none.
package bounded

import (
	"net"
	"sync"
)

// Listen lets l accept no more than most connections at once. Others wait until
// one of those is closed.
func Listen(l net.Listener, most int) net.Listener {
	closed := make(chan struct{})
	return &listener{
		Listener: l, places: make(chan struct{}, most),
		closed: closed, end: sync.OnceFunc(func() { close(closed) }),
	}
}

type listener struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	end    func()
}

// Accept waits for a place, then for somebody to take it.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	leave := sync.OnceFunc(func() { <-l.places })
	conn, err := l.Listener.Accept()
	if err != nil {
		leave()
		return nil, err
	}
	return &counted{conn, leave}, nil
}

func (l *listener) Close() error {
	l.end()
	return l.Listener.Close()
}

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	leave func()
}

// NetConn returns the connection itself, as that of crypto/tls does.
func (c *counted) NetConn() net.Conn { return c.Conn }

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
