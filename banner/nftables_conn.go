package banner

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"odooban/banner/nfnetlink"
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
	if err := c.widen(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// widen makes listings eight times as fast: for each piece of one the kernel
// counts the members of the set from its first, and its pieces are as large
// as the largest buffer that was ever read into, up to 32 KiB. The library's
// is 4 KiB at first, so the answer to a message that asks for nothing is read
// into a larger one.
func (c *nftConn) widen() error {
	nothing := netlink.Message{Header: netlink.Header{Type: netlink.Noop, Flags: netlink.Request | netlink.Acknowledge}}
	if _, err := c.socket.Send(nothing); err != nil {
		return fmt.Errorf("send netlink message: %w", err)
	}
	return c.read(make([]byte, 32<<10))
}

// commit makes the changes that f tells, all at once or none.
func (c *nftConn) commit(f func(*nftables.Conn) error) error {
	return c.within(nfnetlink.Patience*time.Second, func(nft *nftables.Conn) error {
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

// hangUp ends what within is waiting for.
func (c *nftConn) hangUp() { _ = c.socket.SetDeadline(time.Unix(0, 0)) }

// drain throws away what is left of the answers to a request that failed: the
// library would take them for answers to the next.
func (c *nftConn) drain() error { return c.read(make([]byte, 1)) }

// read reads into buf, again and again, until nothing is left.
func (c *nftConn) read(buf []byte) error {
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return fmt.Errorf("drain netlink socket: %w", err)
	}
	return raw.Control(func(fd uintptr) {
		for err == nil {
			_, _, err = syscall.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
		}
	})
}

func (c *nftConn) close() error { return c.nft.CloseLasting() }
