package banner

import (
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// nftConn changes nftables over one netlink socket, which belongs to the
// network namespace of the thread that opened it.
type nftConn struct {
	mu     sync.Mutex
	nft    *nftables.Conn
	socket *netlink.Conn
}

func dialNFT() (*nftConn, error) {
	c := new(nftConn)
	var err error
	c.nft, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(socket *netlink.Conn) error {
		c.socket = socket
		// Errors come without the request, which may be larger than the
		// socket's buffer.
		return socket.SetOption(netlink.CapAcknowledge, true)
	}))
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w; this needs a Linux kernel with netfilter: modprobe nfnetlink", err)
	}
	return c, nil
}

// commit makes the changes that f tells, all at once or none.
func (c *nftConn) commit(f func(*nftables.Conn) error) error {
	return c.within(patience*time.Second, func(nft *nftables.Conn) error {
		if err := f(nft); err != nil {
			return err
		}
		return nft.Flush()
	})
}

// within talks to the kernel, which must have answered by then: the library
// waits for ever for answers that do not come.
func (c *nftConn) within(limit time.Duration, f func(*nftables.Conn) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.drain(); err != nil {
		return err
	}
	if err := c.socket.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	return f(c.nft)
}

// drain throws away what is left of the answers to a request that failed: the
// library would take them for answers to the next.
func (c *nftConn) drain() error {
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return fmt.Errorf("drain netlink socket: %w", err)
	}
	return raw.Control(func(fd uintptr) {
		var rest [1]byte
		for err == nil {
			_, _, err = syscall.Recvfrom(int(fd), rest[:], unix.MSG_DONTWAIT)
		}
	})
}

func (c *nftConn) close() error { return c.nft.CloseLasting() }
