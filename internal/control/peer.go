package control

import (
	"context"
	"net"
	"os/user"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Peer is the process that has asked for something.
type Peer struct {
	PID  int32
	UID  uint32
	Name string // of the user; the UID where it has none
}

type peerKey struct{}

// withPeer notes who is at the other end of a connection.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	if counted, ok := conn.(*countedConn); ok {
		conn = counted.Conn
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return ctx
	}
	var cred *unix.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if controlErr != nil || err != nil {
		return ctx
	}
	peer := Peer{PID: cred.Pid, UID: cred.Uid, Name: strconv.FormatUint(uint64(cred.Uid), 10)}
	if u, err := user.LookupId(peer.Name); err == nil {
		peer.Name = u.Username
	}
	return context.WithValue(ctx, peerKey{}, peer)
}

func peerOf(ctx context.Context) Peer {
	peer, _ := ctx.Value(peerKey{}).(Peer)
	return peer
}

// bounded accepts no more than so many connections at once; others wait.
type bounded struct {
	net.Listener
	places chan struct{}
}

// Accept waits for a place, until the listener is closed.
func (b *bounded) Accept() (net.Conn, error) {
	conn, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	b.places <- struct{}{}
	return &countedConn{Conn: conn, leave: sync.OnceFunc(func() { <-b.places })}, nil
}

// countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

func (c *countedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
