package banner

import (
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// patience is how many seconds a reply of the kernel may take; it answers
// before a request is fully sent.
const patience = 5

// conn speaks a protocol of netfilter over one netlink socket. The socket
// belongs to the network namespace of the thread that opened it, wherever it
// is used. Of nl only the transport is used: its ipset calls panic on socket
// errors, cannot batch, and do not say which member was refused.
type conn struct {
	socket *nl.NetlinkSocket
}

func dial() (*conn, error) {
	socket, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w; this needs a Linux kernel with netfilter: modprobe nfnetlink", err)
	}
	_ = socket.SetReceiveTimeout(&unix.Timeval{Sec: patience}) // it cannot fail
	return &conn{socket}, nil
}

// call sends a request of a netfilter subsystem and hands each message of the
// reply to each, which may be nil. It always reads to the end: the next call
// needs a quiet socket.
func (c *conn) call(subsystem, cmd, flags int, body []byte, each func(payload []byte) error) error {
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
func (c *conn) receive(seq uint32, each func(payload []byte) error) (done bool, err error) {
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
			if end := refusal(m.Data); err == nil {
				err = end
			}
			return true, err
		case each != nil && err == nil:
			err = each(m.Data)
		}
	}
	return false, err
}
