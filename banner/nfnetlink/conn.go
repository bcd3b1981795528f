// Package nfnetlink speaks the protocol that the subsystems of netfilter share: it
// sends requests, one by one or many at once, reads all answers, and writes and
// reads attributes. It knows of no subsystem.
package nfnetlink

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Patience is how many seconds a reply of the kernel may take; it answers
// before a request is fully sent.
const Patience = 5

// Conn speaks a protocol of netfilter over one netlink socket. The socket
// belongs to the network namespace of the thread that opened it, wherever it
// is used. Of nl only the transport is used: its ipset calls panic on socket
// errors, cannot batch, and do not say which member was refused.
type Conn struct {
	socket *nl.NetlinkSocket
	// buf is what Exchange reads into.
	buf []byte
}

// Dial opens a socket in the network namespace of the calling thread.
func Dial() (*Conn, error) {
	socket, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w; this needs a Linux kernel with netfilter: modprobe nfnetlink", err)
	}
	_ = socket.SetReceiveTimeout(&unix.Timeval{Sec: Patience}) // it cannot fail
	// As large as the kernel lets everybody have it; what it is by default will do, too.
	const size = 208 << 10
	_ = socket.SetReceiveBufferSize(size, false)
	_ = unix.SetsockoptInt(socket.GetFd(), unix.SOL_SOCKET, unix.SO_SNDBUF, size)
	return &Conn{socket: socket, buf: make([]byte, 32<<10)}, nil
}

// Close closes the socket.
func (c *Conn) Close() { c.socket.Close() }

// Call sends a request of a netfilter subsystem and hands each message of the
// reply to each, which may be nil. It always reads to the end: the next call
// needs a quiet socket.
func (c *Conn) Call(subsystem, cmd, flags int, body []byte, each func(payload []byte) error) error {
	c.socket.Lock()
	defer c.socket.Unlock()
	req := nl.NewNetlinkRequest(subsystem<<8|cmd, unix.NLM_F_ACK|flags)
	req.AddRawData(body)
	if err := c.socket.Send(req); err != nil {
		return fmt.Errorf("send netlink request: %w", err)
	}
	var firstErr error
	for {
		done, err := c.receive(req.Seq, each)
		if firstErr == nil {
			firstErr = err
		}
		if done {
			return firstErr
		}
	}
}

// receive reads once from the socket and says whether the reply has ended.
func (c *Conn) receive(seq uint32, each func(payload []byte) error) (done bool, err error) {
	messages, from, err := c.socket.Receive()
	if err != nil {
		return true, fmt.Errorf("receive netlink reply: %w", err)
	}
	for _, m := range messages {
		switch {
		// Any process may write to our socket, and a call that gave up leaves
		// its reply behind.
		case from.Pid != nl.PidKernel || m.Header.Seq != seq:
		case m.Header.Type == unix.NLMSG_DONE || m.Header.Type == unix.NLMSG_ERROR:
			if end := readEnd(m.Data); err == nil {
				err = end
			}
			return true, err
		case each != nil && err == nil:
			err = each(m.Data)
		}
	}
	return false, err
}

// AppendRequest appends one of the requests for Exchange, of a kind of netfilter.
// seq is what the answers call it by.
func AppendRequest(b []byte, kind, flags int, seq uint32, body func([]byte) []byte) []byte {
	start := len(b)
	b = body(append(b, make([]byte, unix.SizeofNlMsghdr)...))
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	binary.NativeEndian.PutUint16(b[start+4:], uint16(kind))
	binary.NativeEndian.PutUint16(b[start+6:], uint16(unix.NLM_F_REQUEST|flags))
	binary.NativeEndian.PutUint32(b[start+8:], seq)
	return b
}

// Exchange sends many requests at once and hands on all answers: messages, and
// whether a request was carried out. The kernel has answered when they are sent;
// the answers to some hundred requests fit into the socket's buffer. Here nl
// would be twice as slow.
func (c *Conn) Exchange(requests []byte, each func(seq uint32, payload []byte, err error) error) error {
	c.socket.Lock()
	defer c.socket.Unlock()
	// A call that gave up leaves its reply behind.
	if err := c.drain(func(uint32, []byte, error) error { return nil }); err != nil {
		return err
	}
	if err := unix.Sendto(c.socket.GetFd(), requests, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("send netlink requests: %w", err)
	}
	return c.drain(each)
}

// drain reads all that is there to read, and returns the first error of each.
func (c *Conn) drain(each func(seq uint32, payload []byte, err error) error) (firstErr error) {
	for {
		n, from, err := unix.Recvfrom(c.socket.GetFd(), c.buf, unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			return firstErr
		}
		if err != nil {
			return fmt.Errorf("receive netlink replies: %w", err)
		}
		// Any process may write to our socket.
		if from, ok := from.(*unix.SockaddrNetlink); !ok || from.Pid != nl.PidKernel {
			continue
		}
		if err := eachMessage(c.buf[:n], each); firstErr == nil {
			firstErr = err
		}
	}
}

// eachMessage calls f for each netlink message, until it returns an error.
func eachMessage(b []byte, f func(seq uint32, payload []byte, err error) error) error {
	for len(b) > 0 {
		if len(b) < unix.SizeofNlMsghdr {
			return ErrGarbled
		}
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return ErrGarbled
		}
		payload, err := b[unix.SizeofNlMsghdr:size], error(nil)
		if binary.NativeEndian.Uint16(b[4:]) == unix.NLMSG_ERROR {
			payload, err = nil, readEnd(payload)
		}
		if err := f(binary.NativeEndian.Uint32(b[8:]), payload, err); err != nil {
			return err
		}
		b = b[min((size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b)):]
	}
	return nil
}
