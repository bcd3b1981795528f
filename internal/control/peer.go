package control

import (
	"context"
	"net"
	"os/user"
	"strconv"

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
	if bounded, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = bounded.NetConn()
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
